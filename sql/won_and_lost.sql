-- Which questions did an arm win or lose against the base? One row per checkpoint, benchmark and question.
--   drp sql "SELECT benchmark, arm, question_id, base_right, arm_right FROM won_and_lost WHERE outcome = 'lost'"
-- Both answered the question equally often, with the same seeds and under the same key (as in leaderboard, without
-- a cut-off). base_right and arm_right count the correct ones of n_samples; base_tokens and arm_tokens are means.
-- outcome is won, lost or same. question and gold_answer are NULL if the lake does not have the question; generated
-- questions are not kept.
CREATE VIEW won_and_lost AS
WITH answers AS (
    SELECT score_id, question_id,
           count(*) FILTER (verdict = 'equal') AS n_right,
           avg(total_tokens) AS mean_tokens
    FROM (SELECT DISTINCT ON (score_sample_id) * EXCLUDE (thinking, response) FROM score_samples)
    GROUP BY score_id, question_id
)
SELECT l.run_date, l.benchmark, l.arm, l.checkpoint_id, a.question_id, l.n_samples,
       b.n_right AS base_right,
       a.n_right AS arm_right,
       CASE WHEN a.n_right > b.n_right THEN 'won' WHEN a.n_right < b.n_right THEN 'lost' ELSE 'same' END AS outcome,
       b.mean_tokens AS base_tokens,
       a.mean_tokens AS arm_tokens,
       q.question, q.gold_answer
FROM leaderboard l
JOIN answers a ON a.score_id = l.score_id
JOIN answers b ON b.score_id = l.base_score_id AND b.question_id = a.question_id
LEFT JOIN questions q ON q.question_id = a.question_id
WHERE l.score_id <> l.base_score_id
ORDER BY l.benchmark, l.arm, l.checkpoint_id, a.question_id;
