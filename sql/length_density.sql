-- How does pruning move the distribution of lengths (paper, figure 3)? A histogram of normalised lengths in
-- steps of 1 %, with one row per run date, recipe, data set, token counter and step (empty steps have no row).
--   drp sql "SELECT dataset, length_from, length_to, density_before, density_after FROM length_density"
-- Lengths are tokens of thinking and response together. `before` and `after` count the same accepted revisions:
-- those where both lengths were counted by the same counter. The paper divides a length by the longest allowed
-- one, which is unknown for recorded traces. Here 1 stands for `full_length`, which covers 99 % of the lengths
-- before pruning, as the paper's cut-off does (section 4.5). Longer ones are in one last row without length_to and
-- density. A density is the share of all revisions in a step, divided by the width of the step.
CREATE VIEW length_density AS
WITH compared AS (
    SELECT v.run_date, v.recipe, v.recipe_hash, q.dataset, v.token_counter, r.total_tokens, v.tokens
    FROM revisions v
    JOIN rollouts r ON r.rollout_id = v.rollout_id AND r.token_counter = v.token_counter
    JOIN questions q USING (question_id)
    WHERE v.status = 'accepted' AND v.tokens IS NOT NULL
), groups AS (
    SELECT run_date, recipe, recipe_hash, dataset, token_counter,
           count(*) AS revisions,
           greatest(quantile_disc(total_tokens, 0.99), 1) AS full_length
    FROM compared
    GROUP BY run_date, recipe, recipe_hash, dataset, token_counter
), lengths AS (
    SELECT run_date, recipe_hash, dataset, token_counter,
           unnest([total_tokens, tokens]) AS tokens,
           unnest([true, false]) AS is_before
    FROM compared
), steps AS (
    SELECT g.run_date, g.recipe, g.recipe_hash, g.dataset, g.token_counter, g.full_length, g.revisions,
           least(greatest(ceil(100 * l.tokens / g.full_length)::BIGINT, 1), 101) AS step,
           count(*) FILTER (l.is_before) AS before,
           count(*) FILTER (NOT l.is_before) AS after
    FROM lengths l JOIN groups g USING (run_date, recipe_hash, dataset, token_counter)
    GROUP BY ALL
)
SELECT run_date, recipe, recipe_hash, dataset, token_counter, full_length,
       (step - 1) / 100 AS length_from,
       CASE WHEN step <= 100 THEN step / 100 END AS length_to,
       before, after,
       CASE WHEN step <= 100 THEN 100 * before / revisions END AS density_before,
       CASE WHEN step <= 100 THEN 100 * after / revisions END AS density_after
FROM steps
ORDER BY run_date, recipe, recipe_hash, dataset, token_counter, length_from;
