-- Are the revisions sound when people read them? One row per run date, recipe, status and kind of fault; the row
-- with the fault 'any' counts all faults together.
--   drp sql "SELECT run_date, judged, minor, moderate, severe, share, share_low, share_high FROM review_trend WHERE fault = 'any'"
-- Only the last verdict of a reviewer on a revision counts, and of several reviewers the gravest one. `judged` counts
-- revisions; the others, those with this fault. `share` is that of moderate and severe ones in `judged`, with its 95 %
-- interval (Wilson). Nights of a recipe have a row for every kind of fault that was ever found in its revisions. Verdicts
-- on rejected revisions (status 'rejected') say whether the gates are too strict.
CREATE VIEW review_trend AS
WITH last_verdicts AS (
    SELECT * FROM reviews
    QUALIFY row_number() OVER (PARTITION BY revision_id, reviewer ORDER BY number DESC, reviewed_at DESC) = 1
), judgements AS (
    SELECT *, list_position(['sound', 'minor', 'moderate', 'severe'], verdict) AS gravity
    FROM last_verdicts
    QUALIFY row_number() OVER (PARTITION BY revision_id ORDER BY gravity DESC, review_id) = 1
), nights AS (
    SELECT run_date, recipe, recipe_hash, status, count(*) AS judged
    FROM judgements
    GROUP BY run_date, recipe, recipe_hash, status
), kinds AS (
    SELECT DISTINCT recipe, status, fault FROM judgements WHERE fault IS NOT NULL
    UNION
    SELECT DISTINCT recipe, status, 'any' FROM judgements
), counted AS (
    SELECT n.run_date, n.recipe, n.recipe_hash, n.status, k.fault,
           any_value(n.judged) AS judged,
           count(*) FILTER (j.verdict = 'minor') AS minor,
           count(*) FILTER (j.verdict = 'moderate') AS moderate,
           count(*) FILTER (j.verdict = 'severe') AS severe
    FROM nights n
    JOIN kinds k USING (recipe, status)
    LEFT JOIN judgements j ON j.run_date = n.run_date AND j.recipe = n.recipe AND j.recipe_hash = n.recipe_hash
        AND j.status = n.status AND (k.fault = 'any' OR j.fault = k.fault)
    GROUP BY n.run_date, n.recipe, n.recipe_hash, n.status, k.fault
), shares AS (
    SELECT *, (moderate + severe) / judged AS share, 1.959964 ^ 2 / judged AS z2 FROM counted
), wilson AS (
    SELECT *, (share + z2 / 2) / (1 + z2) AS middle,
           sqrt(z2 * share * (1 - share) + z2 ^ 2 / 4) / (1 + z2) AS reach
    FROM shares
)
SELECT run_date, recipe, recipe_hash, status, fault, judged, minor, moderate, severe, share,
       greatest(middle - reach, 0) AS share_low, least(middle + reach, 1) AS share_high
FROM wilson
ORDER BY run_date, recipe, recipe_hash, status, fault <> 'any', fault;
