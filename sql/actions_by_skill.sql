-- Which actions does the teacher take on which kind of step? One row per run date, recipe, skill family and action.
--   drp sql "SELECT skill_family, action, steps, share_of_family FROM actions_by_skill"
-- All decisions count, including those of revisions that a gate rejected. The shares of a family add up to 1.
CREATE VIEW actions_by_skill AS
SELECT v.run_date, v.recipe, v.recipe_hash, s.skill_family, d.action,
       count(*) AS steps,
       count(*) / sum(count(*)) OVER family AS share_of_family
FROM decisions d
JOIN revisions v USING (revision_id)
JOIN steps s ON s.decomposition_id = v.decomposition_id AND s.step_index = d.step_index
GROUP BY v.run_date, v.recipe, v.recipe_hash, s.skill_family, d.action
WINDOW family AS (PARTITION BY v.run_date, v.recipe_hash, s.skill_family)
ORDER BY v.run_date, v.recipe, v.recipe_hash, s.skill_family, d.action;
