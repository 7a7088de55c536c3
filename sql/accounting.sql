-- Is every input row accounted for? One row per run date and recipe; `adds_up` must be true in every row.
--   drp sql "SELECT * FROM accounting WHERE NOT adds_up"
-- rows_in = accepted + rejected + left_pending + dead_lettered. A rollout counts on the date of its revision.
-- One that the recipe has not revised counts on the date it was rolled out: as left_pending if no night took it
-- on, such as an import; as without_revision if a revision is missing, because a night sampled it or the teacher
-- has decomposed it.
-- Dead letters belong to no recipe, so their number is repeated for every recipe of their date.
CREATE VIEW accounting AS
WITH dates AS (
    SELECT run_date FROM rollouts UNION SELECT run_date FROM dead_letters
), nights AS (
    SELECT DISTINCT run_date, recipe, recipe_hash FROM revisions
    UNION ALL
    SELECT run_date, NULL, NULL FROM dates WHERE run_date NOT IN (SELECT run_date FROM revisions)
), decided AS (
    SELECT v.run_date, v.recipe_hash,
           count(DISTINCT r.rollout_id) AS rollouts,
           count(*) FILTER (v.status = 'accepted') AS accepted,
           count(*) FILTER (v.status = 'rejected') AS rejected
    FROM revisions v LEFT JOIN rollouts r USING (rollout_id)
    GROUP BY v.run_date, v.recipe_hash
), own AS (
    SELECT DISTINCT v.run_date, v.recipe_hash, student, dataset, split
    FROM revisions v JOIN rollouts USING (rollout_id) JOIN questions USING (question_id)
), unfinished AS (
    SELECT rollout_id FROM decompositions ANTI JOIN revisions USING (rollout_id)
), undecided AS (
    SELECT n.run_date, n.recipe_hash, count(*) AS rollouts,
           count(*) FILTER (
               (n.recipe_hash IS NULL AND r.recipe_hash IS NOT NULL)
               OR r.rollout_id IN (FROM unfinished)
               OR (r.recipe_hash IS NOT NULL AND EXISTS (
                   SELECT 1 FROM own o WHERE o.run_date = n.run_date AND o.recipe_hash = n.recipe_hash
                   AND o.student = r.student AND o.dataset = q.dataset AND o.split = q.split
               ))
           ) AS lost
    FROM nights n JOIN rollouts r USING (run_date) LEFT JOIN questions q USING (question_id)
    WHERE NOT EXISTS (
        SELECT 1 FROM revisions v WHERE v.rollout_id = r.rollout_id AND v.recipe_hash = n.recipe_hash
    )
    GROUP BY n.run_date, n.recipe_hash
), dead AS (
    SELECT run_date, count(*) AS dead_lettered FROM dead_letters GROUP BY run_date
), counts AS (
    SELECT n.run_date, n.recipe, n.recipe_hash,
           coalesce(d.rollouts, 0) + coalesce(u.rollouts, 0) AS rollouts,
           coalesce(d.accepted, 0) AS accepted,
           coalesce(d.rejected, 0) AS rejected,
           coalesce(x.dead_lettered, 0) AS dead_lettered,
           coalesce(u.rollouts - u.lost, 0) AS left_pending,
           coalesce(u.lost, 0) AS without_revision
    FROM nights n
    LEFT JOIN decided d ON d.run_date = n.run_date AND d.recipe_hash = n.recipe_hash
    LEFT JOIN undecided u ON u.run_date = n.run_date AND u.recipe_hash IS NOT DISTINCT FROM n.recipe_hash
    LEFT JOIN dead x ON x.run_date = n.run_date
)
SELECT run_date, recipe, recipe_hash,
       rollouts + dead_lettered AS rows_in,
       rollouts, accepted, rejected, dead_lettered, without_revision,
       without_revision = 0 AND rollouts = accepted + rejected + left_pending AS adds_up,
       left_pending
FROM counts
ORDER BY run_date, recipe, recipe_hash;
