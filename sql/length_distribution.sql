-- How long is the thinking before and after pruning? A histogram in powers of two: think_tokens from bin_from to
-- below bin_to, with one row per run date, recipe, token counter and bin (empty bins have no row).
--   drp sql "SELECT bin_from, bin_to, before, after FROM length_distribution"
-- `before` and `after` count the same accepted revisions: those where both lengths were counted by the same
-- counter.
CREATE VIEW length_distribution AS
WITH lengths AS (
    SELECT v.run_date, v.recipe, v.recipe_hash, v.token_counter,
           unnest([r.think_tokens, v.think_tokens]) AS tokens,
           unnest([true, false]) AS is_before
    FROM revisions v
    JOIN rollouts r ON r.rollout_id = v.rollout_id AND r.token_counter = v.token_counter
    WHERE v.status = 'accepted' AND v.think_tokens IS NOT NULL
), bins AS (
    SELECT *, CASE WHEN tokens < 1 THEN 0 ELSE (1::BIGINT << floor(log2(tokens))::INTEGER) END AS bin_from
    FROM lengths
)
SELECT run_date, recipe, recipe_hash, token_counter,
       bin_from,
       CASE WHEN bin_from = 0 THEN 1 ELSE 2 * bin_from END AS bin_to,
       count(*) FILTER (is_before) AS before,
       count(*) FILTER (NOT is_before) AS after
FROM bins
GROUP BY run_date, recipe, recipe_hash, token_counter, bin_from
ORDER BY run_date, recipe, recipe_hash, token_counter, bin_from;
