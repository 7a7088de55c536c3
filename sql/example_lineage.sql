-- Where does a training example come from? One row per example, joined with its question, its rollout and the
-- decision on each of its steps, with the original text.
--   drp sql --format json "SELECT * FROM example_lineage WHERE example_id = '...'"
-- merged_with names the other steps of a MULTI-STEP COMPRESS; the first of them carries the text of all.
CREATE VIEW example_lineage AS
SELECT e.example_id,
       e.revision_id,  -- both are grouping keys, so that with a WHERE on either only one trace is read
       any_value(e.run_date) AS run_date,
       any_value(e.kind) AS kind,
       any_value(v.rollout_id) AS rollout_id,
       any_value(e.question_id) AS question_id,
       any_value(q.dataset) AS dataset,
       any_value(q.question) AS question,
       any_value(q.gold_answer) AS gold_answer,
       any_value(r.student) AS student,
       any_value(r.engine) AS engine,
       any_value(r.think_tokens) AS rollout_think_tokens,
       any_value(v.think_tokens) AS revision_think_tokens,
       any_value(r.token_counter) AS rollout_token_counter,
       any_value(v.token_counter) AS revision_token_counter,
       any_value(c.kind) AS decomposition,
       any_value(v.teacher) AS teacher,
       any_value(v.prompt_version) AS prompt_version,
       any_value(v.recipe) AS recipe,
       any_value(v.recipe_hash) AS recipe_hash,
       list({
           'step_index': s.step_index,
           'skill': s.skill,
           'skill_family': s.skill_family,
           'action': d.action,
           'original': substr(r.thinking, s.char_start + 1, s.char_end - s.char_start),
           'revised_text': d.revised_text,
           'merged_with': d.merged_with,
           'reason': d.reason
       } ORDER BY s.step_index) FILTER (s.step_index IS NOT NULL) AS steps
FROM examples e
LEFT JOIN questions q ON q.question_id = e.question_id
LEFT JOIN revisions v ON v.revision_id = e.revision_id
LEFT JOIN rollouts r ON r.rollout_id = v.rollout_id
LEFT JOIN decompositions c ON c.decomposition_id = v.decomposition_id
LEFT JOIN steps s ON s.decomposition_id = v.decomposition_id
LEFT JOIN decisions d ON d.revision_id = v.revision_id AND d.step_index = s.step_index
GROUP BY e.example_id, e.revision_id;
