-- How are the savings of revisions distributed? A histogram in steps of 5 %: revisions that save from saving_from
-- to below saving_to of their tokens (thinking and response), with one row per run date, recipe and step.
--   drp sql "SELECT saving_from, saving_to, revisions FROM saving_distribution"
-- Only accepted revisions count, and only if their tokens were counted by the same counter as those of their
-- rollout.
CREATE VIEW saving_distribution AS
SELECT run_date, recipe, recipe_hash,
       step / 20 AS saving_from,
       (step + 1) / 20 AS saving_to,
       count(*) AS revisions
FROM (
    SELECT v.run_date, v.recipe, v.recipe_hash,
           floor(20 * (r.total_tokens - v.tokens) / r.total_tokens)::INTEGER AS step
    FROM revisions v
    JOIN rollouts r ON r.rollout_id = v.rollout_id AND r.token_counter = v.token_counter
    WHERE v.status = 'accepted' AND v.tokens IS NOT NULL AND r.total_tokens > 0
)
GROUP BY run_date, recipe, recipe_hash, step
ORDER BY run_date, recipe, recipe_hash, step;
