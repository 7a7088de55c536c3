"""SQL queries of the page of a training run. The page shows each query next to its result, as a command.

Most queries run on the run's own rows. UNPRUNED runs on the corpus version that was used for training.
"""

SCORES = """
SELECT benchmark, cutoff, checkpoint_id, n_questions, n_samples, pass_at_1, pass_at_1_low, pass_at_1_high,
majority_at_n, mean_think_tokens, mean_tokens, share_of_base_tokens, aes, share_cut, share_looping
FROM leaderboard WHERE list_contains($checkpoints, checkpoint_id)
ORDER BY benchmark, cutoff NULLS FIRST, checkpoint_id
"""
OUTCOMES = """
SELECT benchmark, arm, outcome, count(*) AS questions, sum(arm_right - base_right)::BIGINT AS right_answers
FROM won_and_lost WHERE list_contains($checkpoints, checkpoint_id)
GROUP BY benchmark, arm, outcome ORDER BY benchmark, arm, outcome
"""
# As in length_density, the full length is the 99th percentile of the lengths before, here those of the base.
LENGTHS = """
WITH lengths AS (
SELECT benchmark, checkpoint_id, score_id = base_score_id AS is_base, token_counter, total_tokens AS tokens
FROM leaderboard JOIN score_samples USING (score_id)
WHERE cutoff IS NULL AND list_contains($checkpoints, checkpoint_id)
), scales AS (
SELECT benchmark, greatest(quantile_disc(tokens, 0.99), 1) AS full_length
FROM lengths WHERE is_base GROUP BY benchmark
), medians AS (
SELECT benchmark, checkpoint_id, median(tokens) AS median_tokens
FROM lengths GROUP BY benchmark, checkpoint_id
)
SELECT benchmark, checkpoint_id, token_counter, full_length, median_tokens,
least(greatest(ceil(100 * tokens / full_length)::BIGINT, 1), 101) - 1 AS step, count(*) AS samples
FROM lengths JOIN scales USING (benchmark) JOIN medians USING (benchmark, checkpoint_id)
GROUP BY ALL ORDER BY ALL
"""
UNPRUNED = """
SELECT r.token_counter, avg(r.total_tokens) AS mean_tokens, count(*) AS rollouts
FROM revisions v JOIN rollouts r USING (rollout_id)
WHERE v.recipe_hash = $recipe_hash AND r.student = $student AND v.status = 'accepted'
GROUP BY r.token_counter ORDER BY rollouts DESC
"""
PAIRS = """
WITH pairs AS (
SELECT a.score_sample_id AS arm_id, b.score_sample_id AS base_id,
CASE WHEN a.verdict = 'equal' AND b.verdict = 'equal' THEN 'both right' WHEN b.verdict = 'equal' THEN 'lost'
WHEN a.verdict = 'equal' THEN 'won' END AS kind
FROM leaderboard l JOIN score_samples a USING (score_id) JOIN score_samples b
ON b.score_id = l.base_score_id AND b.question_id = a.question_id AND b.sample_index = a.sample_index
WHERE l.cutoff IS NULL AND l.checkpoint_id = $candidate AND l.benchmark = $benchmark
)
SELECT kind, base_id, arm_id FROM pairs WHERE kind IS NOT NULL
QUALIFY row_number() OVER (PARTITION BY kind ORDER BY md5(arm_id)) <= 2 ORDER BY kind, md5(arm_id)
"""
TRAINED = """
SELECT arm, checkpoint_id, examples, steps, validation_loss FROM checkpoints
WHERE list_contains($checkpoints, checkpoint_id) ORDER BY arm
"""
ANSWERS = """
SELECT score_id, sample_index, verdict, predicted_answer, total_tokens, thinking, response FROM score_samples
WHERE question_id = $question_id ORDER BY score_id, sample_index
"""
WON_AND_LOST = """
SELECT benchmark, arm, outcome, question_id, base_right, arm_right, base_tokens, arm_tokens FROM won_and_lost
WHERE outcome <> 'same' AND list_contains($checkpoints, checkpoint_id)
"""
