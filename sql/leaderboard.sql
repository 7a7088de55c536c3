-- How accurate is each checkpoint, and how long does it think? One row per score: checkpoint, benchmark and cut-off.
--   drp sql "SELECT benchmark, arm, pass_at_1, share_of_base_tokens FROM leaderboard WHERE cutoff IS NULL"
-- Each score is compared with the score of the base on the same run date and under the same key: benchmark, prompt,
-- grader, engine, sampling, samples, questions and cut-off. Scores with different keys are never compared. If two
-- bases were measured under one key on one date, the scores are compared with neither. A score that was measured
-- again counts once, with its last measurement. gain is Pass@1 minus that of the base, and share_of_base_tokens the
-- mean tokens divided by those of the base. aes is the score of O1-Pruner (Luo et al., 2025): the share of tokens
-- saved, plus 3 times a gain or minus 5 times a loss in relative accuracy; NULL if the base has no correct answer.
CREATE VIEW leaderboard AS
WITH bases AS (
    SELECT run_date, benchmark, prompt_version, grader_version, engine, sampling, n_samples, n_questions, cutoff,
           min(score_id) AS score_id,
           min(pass_at_1) AS pass_at_1,
           min(mean_tokens) AS mean_tokens
    FROM scores
    WHERE arm = 'base'
    GROUP BY ALL
    HAVING count(DISTINCT checkpoint_id) = 1
), trained AS (
    SELECT DISTINCT ON (checkpoint_id) checkpoint_id, arm, recipe, corpus_version, base_model FROM checkpoints
), beside AS (
    SELECT s.*,
           b.score_id AS base_score_id,
           s.pass_at_1 - b.pass_at_1 AS gain,
           (s.pass_at_1 - b.pass_at_1) / nullif(b.pass_at_1, 0) AS relative_gain,
           s.mean_tokens / nullif(b.mean_tokens, 0) AS share_of_base_tokens
    FROM scores s LEFT JOIN bases b
      ON b.run_date = s.run_date AND b.benchmark = s.benchmark AND b.prompt_version = s.prompt_version
     AND b.grader_version = s.grader_version AND b.engine = s.engine AND b.sampling = s.sampling
     AND b.n_samples = s.n_samples AND b.n_questions = s.n_questions AND b.cutoff IS NOT DISTINCT FROM s.cutoff
    QUALIFY row_number() OVER (PARTITION BY s.score_id ORDER BY s.run_date DESC) = 1
)
SELECT run_date, benchmark, checkpoint_id,
       coalesce(t.arm, s.arm) AS arm,  -- a champion has the arm that it was trained as
       t.recipe, t.corpus_version, t.base_model,
       n_questions, n_samples, cutoff,
       pass_at_1, pass_at_1_low, pass_at_1_high, gain,
       majority_at_n, mean_think_tokens, mean_tokens, share_of_base_tokens,
       1 - share_of_base_tokens + CASE WHEN relative_gain >= 0 THEN 3 ELSE 5 END * relative_gain AS aes,
       share_cut, share_looping,
       prompt_version, grader_version, engine, sampling,
       score_id, base_score_id
FROM beside s LEFT JOIN trained t USING (checkpoint_id)
ORDER BY benchmark, prompt_version, grader_version, engine, sampling, cutoff NULLS FIRST, pass_at_1 DESC, score_id;
