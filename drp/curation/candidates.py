"""The candidates of a corpus version: right rollouts of the student, with their accepted revisions."""

from collections.abc import Iterator

from drp.config.recipe import Recipe
from drp.curation.curations import Candidate
from drp.lake.lake import Addresses
from drp.query.select import select

_CANDIDATES = """
SELECT rollout_id, r.question_id, question, r.thinking, r.response, r.total_tokens,
       CASE WHEN status = 'accepted' THEN v.thinking END AS revised_thinking,
       CASE WHEN status = 'accepted' THEN v.response END AS revised_response
FROM revisions v JOIN rollouts r USING (rollout_id) JOIN questions USING (question_id)
WHERE v.recipe_hash = $recipe_hash AND r.student = $student AND r.verdict = 'equal'
  AND r.finish_reason <> 'length' AND NOT r.is_degenerate
  AND NOT list_contains(reject_reasons, 'benchmark_leak')
ORDER BY r.question_id, rollout_id
"""


def candidates(addresses: Addresses, recipe: Recipe) -> Iterator[Candidate]:
    """Candidates in these parts, streamed, those of a question beside one another."""
    parameters = {"recipe_hash": recipe.revision_hash, "student": recipe.student}
    return (Candidate(**row) for row in select(addresses, _CANDIDATES, parameters))
