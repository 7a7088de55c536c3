"""SQL queries of the night's page. The page shows each query next to its result, as a command.

command(night, REASONS)                 # drp sql "SELECT run_date, reason, ..."
"""

import re
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Protocol, TypeAlias

Value: TypeAlias = str | date | Sequence[str]


class Facts(Protocol):
    """The subject of a page."""

    @property
    def parameters(self) -> Mapping[str, Value]:
        """Values of the queries' parameters, such as `$run_date`."""

    @property
    def source(self) -> str:
        """Option of `drp sql` that selects the rows."""


# In the accounting, a night without revisions has no recipe.
BALANCE = """
SELECT rows_in, rollouts, accepted, rejected, dead_lettered, without_revision, adds_up, left_pending
FROM accounting
WHERE run_date = $run_date AND (recipe_hash = $recipe_hash OR recipe_hash IS NULL)
"""
NIGHTS = """
SELECT run_date, sum(rollouts)::BIGINT AS rollouts, avg(right_share) AS right_share,
avg(accepted_share) AS accepted_share, avg(median_saving) AS median_saving
FROM nights
WHERE run_date BETWEEN $run_date - 13 AND $run_date
AND (recipe_hash = $recipe_hash OR (recipe = $recipe AND run_date < $run_date))
GROUP BY run_date ORDER BY run_date
"""
STUDENTS = """
SELECT r.student, r.engine, count(*) AS rollouts, count(*) FILTER (r.verdict = 'equal') AS right_answers
FROM revisions v JOIN rollouts r USING (rollout_id)
WHERE v.run_date = $run_date AND v.recipe_hash = $recipe_hash
GROUP BY r.student, r.engine ORDER BY r.student, r.engine
"""
TEACHERS = """
SELECT DISTINCT teacher FROM revisions
WHERE run_date = $run_date AND recipe_hash = $recipe_hash ORDER BY teacher
"""
SAVINGS = """
SELECT dataset, token_counter, rollouts, accepted, compared, median_before, median_after, saving
FROM tokens_saved WHERE run_date = $run_date AND recipe_hash = $recipe_hash
ORDER BY rollouts DESC, dataset, token_counter
"""
SAVING_STEPS = """
SELECT least(greatest(round(20 * saving_from), 0), 19)::INTEGER AS step, sum(revisions)::BIGINT AS revisions
FROM saving_distribution WHERE run_date = $run_date AND recipe_hash = $recipe_hash
GROUP BY step ORDER BY step
"""
LENGTHS = """
SELECT dataset, token_counter, full_length, median_before, median_after, length_from, before, after
FROM length_density JOIN tokens_saved USING (run_date, recipe_hash, dataset, token_counter)
WHERE run_date = $run_date AND recipe_hash = $recipe_hash
QUALIFY dense_rank() OVER (ORDER BY compared DESC, dataset, token_counter) <= 4
ORDER BY compared DESC, dataset, token_counter, length_from
"""
RECOVERED = """
SELECT token_counter, right_answers, budget, recovered_before, recovered_after
FROM answers_within_budget WHERE run_date = $run_date AND recipe_hash = $recipe_hash
ORDER BY right_answers DESC, token_counter, budget
"""
REASONS = """
SELECT reason, run_date, sum(rejected)::BIGINT AS rejected, sum(rejected) / sum(rollouts) AS share_of_rollouts
FROM reject_trend
WHERE run_date BETWEEN $run_date - 13 AND $run_date
AND (recipe_hash = $recipe_hash OR (recipe = $recipe AND run_date < $run_date))
GROUP BY reason, run_date ORDER BY reason, run_date
"""
ACTIONS = """
SELECT skill_family, action, steps, share_of_family
FROM actions_by_skill WHERE run_date = $run_date AND recipe_hash = $recipe_hash
ORDER BY sum(steps) OVER (PARTITION BY skill_family) DESC, skill_family, action
"""
# Where an edited recipe ran twice on one date, the state with more verdicts is shown.
REVIEWS = """
SELECT run_date, fault, judged, minor, moderate, severe, share, share_low, share_high
FROM review_trend
WHERE status = 'accepted' AND run_date BETWEEN $run_date - 13 AND $run_date
AND (recipe_hash = $recipe_hash OR (recipe = $recipe AND run_date < $run_date))
QUALIFY row_number() OVER (PARTITION BY run_date, fault ORDER BY judged DESC, recipe_hash) = 1
ORDER BY run_date, fault
"""
FAULTY = """
SELECT revision_id, verdict, fault, reviewer, note FROM reviews
WHERE run_date = $run_date AND recipe_hash = $recipe_hash AND status = 'accepted'
QUALIFY row_number() OVER (PARTITION BY revision_id, reviewer ORDER BY number DESC) = 1
AND verdict IN ('moderate', 'severe')
ORDER BY verdict DESC, fault, revision_id, reviewer
"""
STAGES = """
SELECT stage, seconds, counts, warnings FROM events WHERE run_id = $run_id ORDER BY seconds DESC
"""
REJECTED = """
SELECT rollout_id, reject_reasons, reject_detail FROM revisions
WHERE run_date = $run_date AND recipe_hash = $recipe_hash AND status = 'rejected'
"""
DEAD_LETTERS = """
SELECT source, line, error, detail FROM dead_letters WHERE run_date = $run_date
"""
LINEAGE = """
FROM example_lineage WHERE revision_id = $revision_id
"""

PARAMETER = re.compile(r"\$(\w+)")  # such as $run_date
_SHELL_SPECIAL = re.compile(r'[\\"$`]')  # special in a shell inside double quotes


def command(facts: Facts, query: str, *, source: str | None = None, options: str = "", **more: Value) -> str:
    """Return a shell command that runs the same query with `drp sql`."""
    parameters = {**facts.parameters, **more}
    one_line = " ".join(query.split())
    filled = PARAMETER.sub(lambda match: _literal(parameters[match[1]]), one_line)
    quoted = _SHELL_SPECIAL.sub(r"\\\g<0>", filled)
    return f'drp sql{facts.source if source is None else source}{options} "{quoted}"'


def _literal(value: Value) -> str:
    match value:
        case date():
            return f"DATE '{value}'"
        case str():
            return "'" + value.replace("'", "''") + "'"
    return f"[{', '.join(map(_literal, value))}]"
