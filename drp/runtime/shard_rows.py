"""Read the rollouts of a shard with their questions, and make the rows of decompositions and revisions.

Every rollout ends in exactly one row of `revisions` per recipe: accepted, or rejected with its reasons.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from more_itertools import chunked

from drp.core import (
    CHARACTERS,
    Decision,
    Draft,
    Grade,
    GradedRollout,
    Question,
    Revision,
    Step,
    StudentTrace,
    decomposition_id,
    revision_id,
)
from drp.core.stage_names import DECOMPOSE
from drp.gates import Rejection
from drp.grading import GRADER_VERSION
from drp.lake import Addresses
from drp.query import select
from drp.runtime.context import RunContext
from drp.student import rollout_from_row
from drp.teacher import Teacher
from drp.traces import TokenCount

_ROLLOUTS = """
SELECT rollouts.* EXCLUDE (run_date), dataset, split, question, gold_answer, source
FROM rollouts JOIN wanted ON rollout_id = id JOIN questions USING (question_id)
"""
_STEPS = """
WITH cut AS (
    SELECT decomposition_id, list({start: char_start, stop: char_end, skill: skill, family: skill_family}
                                  ORDER BY step_index) AS steps
    FROM steps JOIN wanted ON decomposition_id = id GROUP BY decomposition_id
)
SELECT decomposition_id, [step.start for step in steps] AS starts, [step.stop for step in steps] AS stops,
       [step.skill for step in steps] AS skills, [step.family for step in steps] AS families
FROM cut
"""
_DRAFTS = "SELECT drafts.* EXCLUDE (run_date) FROM drafts JOIN wanted ON rollout_id = id"
BATCH = 512
"""Traces whose steps are read together."""
_QUESTION_FIELDS = ("question_id", "dataset", "split", "question", "gold_answer", "source")


@dataclass(frozen=True)
class RolloutWithQuestion:
    """One graded rollout and its question."""

    question: Question
    graded: GradedRollout
    decomposition_id: str | None = None
    """Its decomposition, perhaps by an older version of the teacher, whose work the night has taken over."""

    @property
    def rollout_id(self) -> str:
        """Id of the rollout."""
        return self.graded.rollout.rollout_id

    @property
    def trace(self) -> StudentTrace:
        """What the teacher may read: the student's own answer, never the gold answer."""
        rollout = self.graded.rollout
        answer = self.graded.grade.predicted_answer or ""
        return StudentTrace(
            rollout.rollout_id, self.question.question, rollout.thinking, rollout.response, answer
        )


def read_rollouts(ctx: RunContext, ids: Sequence[str]) -> Iterator[RolloutWithQuestion]:
    """The rollouts with these ids, streamed, in no particular order."""
    return (_rollout_with_question(row) for row in select(ctx.visible_parts(), _ROLLOUTS, wanted=ids))


def read_decomposed(ctx: RunContext, shard: str) -> Iterator[tuple[RolloutWithQuestion, Draft]]:
    """The rollouts of this shard that the decompose stage decomposed, streamed.

    A draft holds its steps; if the teacher's reply had them too, its decisions and its revision.
    """
    parts = ctx.shard_parts(DECOMPOSE, shard)
    rows = select(parts, "SELECT rollout_id, decomposition_id FROM decompositions")
    ids = {row["rollout_id"]: row["decomposition_id"] for row in rows}
    for rollouts in chunked(read_rollouts(ctx, list(ids)), BATCH):
        rows = select(parts, _STEPS, wanted=[ids[rollout.rollout_id] for rollout in rollouts])
        steps = {row["decomposition_id"]: _steps(row) for row in rows}
        revised = _read_drafts(parts, [rollout.rollout_id for rollout in rollouts])
        for rollout in rollouts:
            draft = Draft(rollout.trace, steps.pop(ids[rollout.rollout_id]))
            draft = replace(draft, **revised.get(rollout.rollout_id, {}))
            yield replace(rollout, decomposition_id=ids[rollout.rollout_id]), draft


def _read_drafts(parts: Addresses, wanted: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Decisions and revision of the drafts that have them, by rollout id."""
    if not parts.get("drafts"):
        return {}
    return {
        row["rollout_id"]: {
            "decisions": tuple(Decision(**decision) for decision in row["decisions"]),
            "revision": Revision(row["thinking"], row["response"]),
        }
        for row in select(parts, _DRAFTS, wanted=wanted)
    }


def draft_row(draft: Draft) -> dict[str, Any] | None:
    """Row of `drafts`: decisions and revision; None if the draft has only steps."""
    if draft.revision is None:
        return None
    decisions = [vars(decision) for decision in draft.decisions]
    return {"rollout_id": draft.trace.rollout_id, **vars(draft.revision), "decisions": decisions}


def _steps(row: Mapping[str, Any]) -> tuple[Step, ...]:
    return tuple(map(Step, row["starts"], row["stops"], row["skills"], row["families"]))


def _rollout_with_question(row: Mapping[str, Any]) -> RolloutWithQuestion:
    return RolloutWithQuestion(
        Question(**{name: row[name] for name in _QUESTION_FIELDS}), rollout_from_row(row)
    )


def revision_row(
    ctx: RunContext,
    teacher: Teacher,
    rollout_id: str,
    decomposition_id: str | None,
    draft: Draft | None,
    grade: Grade,
    rejections: Sequence[Rejection],
    length: TokenCount | None = None,
) -> dict[str, Any]:
    """Row of `revisions`: accepted when there is no rejection.

    Args:
        ctx: the run, for its recipe.
        teacher: who pruned, or would have.
        rollout_id: the rollout.
        decomposition_id: the decomposition that it uses; None if it was not decomposed.
        draft: what the teacher made of the rollout; None if it was not sent to the teacher.
        grade: the revision's answer, compared with gold.
        rejections: why it is rejected, the most important reason first.
        length: length of the revision, if there is one.
    """
    recipe = ctx.recipe
    revision = draft.revision if draft else None
    return {
        "revision_id": revision_id(rollout_id, ctx.revision_hash),
        "rollout_id": rollout_id,
        "decomposition_id": decomposition_id,
        "recipe": recipe.name,
        "recipe_hash": ctx.revision_hash,
        "teacher": teacher.name,
        "prompt_version": teacher.prompt_version,
        "thinking": revision.thinking if revision else None,
        "response": revision.response if revision else None,
        "think_tokens": length.thinking if length else None,
        "tokens": length.total if length else None,
        "token_counter": length.counter if length else CHARACTERS,
        "predicted_answer": grade.predicted_answer,
        "verdict": grade.verdict,
        "grader_version": GRADER_VERSION,
        "status": "rejected" if rejections else "accepted",
        "reject_reasons": list(dict.fromkeys(rejection.reason for rejection in rejections)),
        "reject_detail": rejections[0].detail if rejections else None,
    }


def decomposition_row(ctx: RunContext, teacher: Teacher, draft: Draft) -> dict[str, Any]:
    """Row of `decompositions`."""
    rollout_id, kind = draft.trace.rollout_id, ctx.recipe.decomposition
    return {
        "decomposition_id": decomposition_id(rollout_id, kind, teacher.name, teacher.prompt_version),
        "rollout_id": rollout_id,
        "kind": kind,
        "teacher": teacher.name,
        "prompt_version": teacher.prompt_version,
        "n_steps": len(draft.steps),
    }


def rows_in(ctx: RunContext, shard: str, stage: str, count: str) -> int:
    """Sum of one count over the finished pieces of a shard of a stage."""
    return sum(done.counts.get(count, 0) for done in ctx.pieces(stage, shard))
