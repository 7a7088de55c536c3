-- How many correct answers does a token budget recover (paper, figure 4)? One row per run date, recipe, token
-- counter and budget. Each budget is 4 % above the previous one (16 steps double it); steps without answers have
-- no row.
--   drp sql "SELECT budget, recovered_before, recovered_after FROM answers_within_budget"
-- Shares of all correct rollouts of the night. Before pruning, a rollout is recovered if its thinking and response
-- have at most `budget` tokens together. After pruning, it is recovered if its accepted revision has at most
-- `budget` tokens. So a correct rollout is never recovered after pruning if its revision was rejected, or was
-- counted by another token counter.
CREATE VIEW answers_within_budget AS
WITH answers AS (
    SELECT v.run_date, v.recipe, v.recipe_hash, r.token_counter,
           unnest([r.total_tokens, CASE WHEN v.status = 'accepted' AND v.token_counter = r.token_counter
                                        THEN v.tokens END]) AS tokens,
           unnest([true, false]) AS is_before
    FROM revisions v JOIN rollouts r USING (rollout_id)
    WHERE r.verdict = 'equal'
), steps AS (
    SELECT run_date, recipe, recipe_hash, token_counter,
           ceil(16 * log2(greatest(tokens, 1)))::INTEGER AS step,
           count(*) FILTER (is_before) AS before,
           count(*) FILTER (NOT is_before) AS after
    FROM answers
    WHERE tokens IS NOT NULL
    GROUP BY run_date, recipe, recipe_hash, token_counter, step
), recovered AS (
    SELECT run_date, recipe, recipe_hash, token_counter, step,
           sum(before) OVER night AS right_answers,
           sum(before) OVER so_far AS before,
           sum(after) OVER so_far AS after
    FROM steps
    WINDOW night AS (PARTITION BY run_date, recipe_hash, token_counter), so_far AS (night ORDER BY step)
)
SELECT run_date, recipe, recipe_hash, token_counter,
       floor(pow(2, step / 16))::BIGINT AS budget,
       right_answers::BIGINT AS right_answers,
       before / right_answers AS recovered_before,
       after / right_answers AS recovered_after
FROM recovered
ORDER BY run_date, recipe, recipe_hash, token_counter, budget;
