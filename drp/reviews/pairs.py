"""A revision next to its original: the question, the student's steps with their decisions, and the result."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date

import duckdb

from drp.core import RunId


@dataclass(frozen=True)
class RevisionRef:
    """What identifies a revision in a review. `run_id` is the night of its run date and recipe."""

    revision_id: str
    run_id: str
    recipe: str
    recipe_hash: str
    status: str

    @classmethod
    def of(
        cls, revision_id: str, run_date: date, recipe: str, recipe_hash: str, status: str
    ) -> "RevisionRef":
        """Return the reference of a row of `revisions`."""
        return cls(revision_id, str(RunId(run_date, "night", recipe)), recipe, recipe_hash, status)


@dataclass(frozen=True)
class PairStep:
    """A step of the original with its decision. Texts may be shortened."""

    index: int
    skill: str
    skill_family: str
    action: str
    original: str
    revised_text: str | None
    reason: str
    merged_with: Sequence[int]


@dataclass(frozen=True)
class RevisionPair:
    """A revision and its original. `steps_left_out` of its `n_steps` are not shown.

    `thinking` and `response` are those of the revision; they are None if it was rejected before the teacher
    wrote it. `original_thinking` and `original_response` are None unless they were asked for.
    """

    ref: RevisionRef
    reject_reasons: Sequence[str]
    reject_detail: str | None
    dataset: str
    question: str
    gold_answer: str
    student: str
    engine: str
    tokens_before: int
    tokens_after: int | None
    counter_before: str
    counter_after: str
    n_steps: int
    thinking: str | None
    response: str | None
    original_thinking: str | None = None
    original_response: str | None = None
    steps: Sequence[PairStep] = ()

    @property
    def revision_id(self) -> str:
        """The content id of the revision."""
        return self.ref.revision_id

    @property
    def steps_left_out(self) -> int:
        """Number of steps that are not shown."""
        return self.n_steps - len(self.steps)

    @property
    def saving(self) -> float | None:
        """Share of tokens saved; None without a revision or if two different counters were used."""
        if self.counter_before != self.counter_after or not self.tokens_before or self.tokens_after is None:
            return None
        return 1 - self.tokens_after / self.tokens_before


_REVISIONS = """
SELECT v.revision_id, v.run_date, v.recipe, v.recipe_hash, v.status, v.reject_reasons, v.reject_detail,
       q.dataset, q.question, q.gold_answer, r.student, r.engine,
       r.total_tokens, v.tokens, r.token_counter, v.token_counter,
       (SELECT count(*) FROM steps s WHERE s.decomposition_id = v.decomposition_id), v.thinking, v.response
FROM revisions v JOIN rollouts r USING (rollout_id) JOIN questions q USING (question_id)
WHERE v.revision_id IN (SELECT unnest($chosen::VARCHAR[]))
"""
_ORIGINALS = """
SELECT v.revision_id, r.thinking, r.response FROM revisions v JOIN rollouts r USING (rollout_id)
WHERE v.revision_id IN (SELECT unnest($chosen::VARCHAR[]))
"""
_STEPS = """
SELECT v.revision_id, s.step_index, s.skill, s.skill_family, d.action,
       substr(r.thinking, s.char_start + 1, s.char_end - s.char_start),
       d.revised_text, d.reason, d.merged_with
FROM revisions v
JOIN rollouts r USING (rollout_id)
JOIN steps s ON s.decomposition_id = v.decomposition_id
JOIN decisions d ON d.revision_id = v.revision_id AND d.step_index = s.step_index
WHERE v.revision_id IN (SELECT unnest($chosen::VARCHAR[]))
  AND ($before_character IS NULL OR s.char_start < $before_character)
ORDER BY v.revision_id, s.step_index
"""


def read_pairs(
    con: duckdb.DuckDBPyConnection,
    revision_ids: Sequence[str],
    *,
    with_originals: bool = False,
    before_character: int | None = None,
) -> list[RevisionPair]:
    """Return these revisions with their originals, in this order.

    Args:
        con: a session with the revisions and what they refer to.
        revision_ids: the revisions.
        with_originals: also read the whole text of the rollouts.
        before_character: read only the steps that begin before this character of the thinking.
    """
    if not revision_ids:
        return []
    chosen = {"chosen": list(revision_ids)}
    pairs = {
        row[0]: RevisionPair(RevisionRef.of(*row[:5]), *row[5:])
        for row in con.execute(_REVISIONS, chosen).fetchall()
    }
    steps: dict[str, list[PairStep]] = {}
    for revision_id, *columns in con.execute(
        _STEPS, chosen | {"before_character": before_character}
    ).fetchall():
        steps.setdefault(revision_id, []).append(PairStep(*columns))
    originals = {}
    if with_originals:
        originals = {row[0]: row[1:] for row in con.execute(_ORIGINALS, chosen).fetchall()}
    complete = []
    for revision_id in revision_ids:
        thinking, response = originals.get(revision_id, (None, None))
        pair = replace(pairs[revision_id], original_thinking=thinking, original_response=response)
        complete.append(replace(pair, steps=steps.get(revision_id, [])))
    return complete
