-- Is a reject reason becoming more frequent? One row per run date, recipe and reason, even if it rejected none.
--   drp sql "SELECT run_date, reason, share_of_rollouts FROM reject_trend ORDER BY reason, run_date"
-- The reasons of a recipe are all that have ever occurred with it. A rollout with several reasons counts once for
-- each of them, so the shares of one night can add up to more than 1.
CREATE VIEW reject_trend AS
WITH refused AS (
    SELECT run_date, recipe, recipe_hash, reason, count(*) AS rejected
    FROM (
        SELECT run_date, recipe, recipe_hash, unnest(list_distinct(reject_reasons)) AS reason
        FROM revisions
        WHERE status = 'rejected'
    )
    GROUP BY run_date, recipe, recipe_hash, reason
), nights AS (
    SELECT run_date, recipe, recipe_hash, count(*) AS rollouts
    FROM revisions
    GROUP BY run_date, recipe, recipe_hash
), reasons AS (
    SELECT DISTINCT recipe, reason FROM refused
)
SELECT n.run_date, n.recipe, n.recipe_hash, n.rollouts, s.reason,
       coalesce(f.rejected, 0) AS rejected,
       coalesce(f.rejected, 0) / n.rollouts AS share_of_rollouts
FROM nights n
JOIN reasons s USING (recipe)
LEFT JOIN refused f USING (run_date, recipe, recipe_hash, reason)
ORDER BY n.run_date, n.recipe, n.recipe_hash, s.reason;
