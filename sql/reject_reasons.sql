-- Why were rollouts rejected? One row per run date, recipe, data set and reason, most frequent first.
--   drp sql "SELECT reason, sum(rejected) AS n FROM reject_reasons GROUP BY reason ORDER BY n DESC"
-- A rollout with several reasons counts once for each of them, so the shares of one data set can add up to more
-- than 1.
CREATE VIEW reject_reasons AS
WITH revised AS (
    SELECT v.run_date, v.recipe, v.recipe_hash, q.dataset, v.status, v.reject_reasons
    FROM revisions v
    JOIN rollouts r USING (rollout_id)
    JOIN questions q USING (question_id)
), totals AS (
    SELECT run_date, recipe_hash, dataset,
           count(*) AS rollouts,
           count(*) FILTER (status = 'rejected') AS rejected
    FROM revised
    GROUP BY run_date, recipe_hash, dataset
), reasons AS (
    SELECT run_date, recipe, recipe_hash, dataset, unnest(list_distinct(reject_reasons)) AS reason
    FROM revised
    WHERE status = 'rejected'
)
SELECT n.run_date, n.recipe, n.recipe_hash, n.dataset, n.reason,
       count(*) AS rejected,
       count(*) / any_value(t.rejected) AS share_of_rejected,
       count(*) / any_value(t.rollouts) AS share_of_rollouts
FROM reasons n
JOIN totals t USING (run_date, recipe_hash, dataset)
GROUP BY n.run_date, n.recipe, n.recipe_hash, n.dataset, n.reason
ORDER BY n.run_date, n.recipe, n.recipe_hash, n.dataset, rejected DESC, n.reason;
