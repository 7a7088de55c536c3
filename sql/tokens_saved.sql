-- How much shorter did pruning make the responses? One row per run date, recipe, data set and token counter.
--   drp sql "SELECT dataset, accepted, median_before, median_after, saving FROM tokens_saved"
-- Tokens are those of thinking and response together. Only accepted revisions are compared, and only if their
-- tokens were counted by the same counter as those of their rollout; `compared` is their number. saving = 1 - all
-- tokens after / all tokens before; median_saving is the median of this figure over single revisions.
CREATE VIEW tokens_saved AS
SELECT run_date, recipe, recipe_hash, dataset, token_counter,
       count(*) AS rollouts,
       count(*) FILTER (status = 'accepted') AS accepted,
       count(after) AS compared,
       avg(before) AS mean_before,
       median(before) AS median_before,
       avg(after) AS mean_after,
       median(after) AS median_after,
       1 - sum(after) / nullif(sum(before), 0) AS saving,
       median(1 - after / nullif(before, 0)) AS median_saving
FROM (
    SELECT *,
           CASE WHEN is_comparable THEN total_tokens END AS before,
           CASE WHEN is_comparable THEN tokens END AS after
    FROM (
        SELECT v.run_date, v.recipe, v.recipe_hash, q.dataset, r.token_counter, v.status,
               r.total_tokens, v.tokens,
               v.status = 'accepted' AND v.token_counter = r.token_counter AND v.tokens IS NOT NULL
                   AS is_comparable
        FROM revisions v
        JOIN rollouts r USING (rollout_id)
        JOIN questions q USING (question_id)
    )
)
GROUP BY run_date, recipe, recipe_hash, dataset, token_counter
ORDER BY run_date, recipe, recipe_hash, dataset, token_counter;
