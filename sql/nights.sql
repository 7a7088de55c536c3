-- How did the nights go? One row per run date and recipe: correct rollouts, accepted revisions, tokens saved.
--   drp sql "SELECT run_date, recipe, rollouts, right_share, accepted_share, median_saving FROM nights"
-- Shares refer to the rollouts that were decided on that date. median_saving covers the accepted revisions whose
-- tokens (thinking and response) were counted by the same counter as those of their rollout.
CREATE VIEW nights AS
SELECT v.run_date, v.recipe, v.recipe_hash,
       count(*) AS rollouts,
       count(*) FILTER (r.verdict = 'equal') AS right_answers,
       count(*) FILTER (v.status = 'accepted') AS accepted,
       count(*) FILTER (r.verdict = 'equal') / count(*) AS right_share,
       count(*) FILTER (v.status = 'accepted') / count(*) AS accepted_share,
       median(1 - v.tokens / nullif(r.total_tokens, 0))
           FILTER (v.status = 'accepted' AND v.token_counter = r.token_counter) AS median_saving
FROM revisions v LEFT JOIN rollouts r USING (rollout_id)
GROUP BY v.run_date, v.recipe, v.recipe_hash
ORDER BY v.run_date, v.recipe, v.recipe_hash;
