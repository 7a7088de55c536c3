-- How often is each student correct, and how long does it think? One row per student, engine and token counter.
--   drp sql "SELECT student, rollouts, right_share, mean_think_tokens FROM students"
-- A rollout without an answer, or with one that the grader could not decide, is not correct. Lengths from different
-- counters are never averaged together.
CREATE VIEW students AS
SELECT student, engine, token_counter,
       count(*) AS rollouts,
       count(*) FILTER (finish_reason = 'length') AS cut_off,
       count(*) FILTER (is_degenerate) AS degenerate,
       count(*) FILTER (verdict = 'equal') AS right_answers,
       count(*) FILTER (verdict = 'equal') / count(*) AS right_share,
       avg(think_tokens) AS mean_think_tokens,
       median(think_tokens) AS median_think_tokens
FROM rollouts
GROUP BY student, engine, token_counter
ORDER BY student, engine, token_counter;
