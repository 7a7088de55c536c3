"""Read the candidates of a corpus version: right rollouts of the student with their accepted revisions."""

from collections.abc import Callable, Iterator
from typing import Any

from drp.curation.protocol import Candidate
from drp.lake import Addresses
from drp.query import select
from drp.traces import TokenCounter

_USABLE = """
FROM revisions v JOIN rollouts r USING (rollout_id) JOIN questions USING (question_id)
WHERE r.verdict = 'equal' AND r.finish_reason <> 'length' AND NOT r.is_degenerate
  AND NOT list_contains(reject_reasons, 'benchmark_leak')
"""
_CANDIDATES = f"""
SELECT rollout_id, r.question_id, question, r.thinking, r.response, r.total_tokens, r.token_counter,
       CASE WHEN status = 'accepted' THEN v.thinking END AS revised_thinking,
       CASE WHEN status = 'accepted' THEN v.response END AS revised_response
{_USABLE} AND v.recipe_hash = $recipe_hash AND r.student = $student
ORDER BY r.question_id, rollout_id
"""
_SOURCES = f"""
SELECT r.student, v.recipe, v.teacher, v.recipe_hash, count(*) AS rollouts
{_USABLE} GROUP BY ALL ORDER BY ALL
"""


def read_candidates(
    addresses: Addresses, revision_hash: str, student: str, tokens: TokenCounter
) -> Iterator[Candidate]:
    """Stream the candidates in these parts, ordered by question.

    Args:
        addresses: the parts of a corpus version.
        revision_hash: hash of the recipe that made the revisions.
        student: name of the student that wrote the rollouts.
        tokens: counts the tokens of the student.
    """
    parameters = {"recipe_hash": revision_hash, "student": student}
    for row in select(addresses, _CANDIDATES, parameters):
        count = _counter(tokens, row.pop("token_counter"))
        yield Candidate(**row, count=count)


def candidate_sources(addresses: Addresses) -> list[dict[str, Any]]:
    """Return whose candidates there are: student, recipe, teacher, recipe_hash, and their number."""
    return list(select(addresses, _SOURCES))


def _counter(tokens: TokenCounter, unit: str) -> Callable[[str], int]:
    """Return a function that counts the tokens of a thinking as those of the rollout were counted."""
    return lambda thinking: tokens.of(thinking, "", unit).thinking
