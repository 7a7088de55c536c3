"""The rollouts of a shard on their way to revisions: read with their questions, written with a verdict.

Every rollout ends in exactly one revision row per recipe: accepted, or rejected with its reasons.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

from drp.core.batched import batched
from drp.core.ids import decomposition_id, revision_id
from drp.core.records import CHARACTERS, Draft, Grade, GradedRollout, Question, Step, StudentTrace
from drp.gates.row_gates import Rejection
from drp.grading import GRADER_VERSION
from drp.query.select import select
from drp.runtime.context import Night
from drp.student.grade_rollouts import rollout_from_row
from drp.teacher.factory import open_teacher
from drp.teacher.protocol import Teacher
from drp.traces.tokens import Length

_WORK = """
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
_REPLIES = "SELECT call_id, raw_text FROM teacher_calls JOIN wanted ON call_id = id"
BATCH = 512
"""Traces whose steps are read together."""
_QUESTION_FIELDS = ("question_id", "dataset", "split", "question", "gold_answer", "source")


@dataclass(frozen=True)
class Work:
    """One graded rollout and its question."""

    question: Question
    graded: GradedRollout

    @property
    def rollout_id(self) -> str:
        """Id of the rollout."""
        return self.graded.rollout.rollout_id

    @property
    def trace(self) -> StudentTrace:
        """What the teacher may read of it: the student's own answer, never gold."""
        rollout = self.graded.rollout
        answer = self.graded.grade.predicted_answer or ""
        return StudentTrace(
            rollout.rollout_id, self.question.question, rollout.thinking, rollout.response, answer
        )


def read_work(night: Night, wanted: Sequence[str]) -> Iterator[Work]:
    """The rollouts `wanted`, streamed, in no particular order."""
    return (_work(row) for row in select(night.visible(), _WORK, wanted=wanted))


def read_decomposed(night: Night, shard: str) -> Iterator[tuple[Work, Draft]]:
    """The traces that the decompose stage cut in this shard, streamed, with their steps."""
    parts = night.shard("decompose", shard)
    cut = select(parts, "SELECT rollout_id, decomposition_id FROM decompositions")
    ids = {row["rollout_id"]: row["decomposition_id"] for row in cut}
    for works in batched(read_work(night, list(ids)), BATCH):
        rows = select(parts, _STEPS, wanted=[ids[work.rollout_id] for work in works])
        steps = {row["decomposition_id"]: _steps(row) for row in rows}
        for work in works:
            yield work, Draft(work.trace, steps.pop(ids[work.rollout_id]))


def _steps(row: Mapping[str, Any]) -> tuple[Step, ...]:
    return tuple(map(Step, row["starts"], row["stops"], row["skills"], row["families"]))


def teacher_of(night: Night) -> AbstractContextManager[Teacher]:
    """The recipe's teacher, paid by this night, for the time of a `with` block."""

    def exported(call_ids: Sequence[str]) -> dict[str, str | None]:
        if not call_ids:
            return {}
        rows = select(night.visible(), _REPLIES, wanted=call_ids)
        return {row["call_id"]: row["raw_text"] for row in rows}

    return open_teacher(night.recipe, night.workers, run_id=night.run_id, archive=exported, began=night.began)


def _work(row: Mapping[str, Any]) -> Work:
    return Work(Question(**{name: row[name] for name in _QUESTION_FIELDS}), rollout_from_row(row))


def revision_row(
    night: Night,
    teacher: Teacher,
    rollout_id: str,
    draft: Draft | None,
    grade: Grade,
    why: Sequence[Rejection],
    length: Length | None = None,
) -> dict[str, Any]:
    """Row of `revisions`: accepted when there is no rejection.

    Args:
        night: the night, for its recipe.
        teacher: who pruned, or would have.
        rollout_id: the rollout.
        draft: what the teacher made of it; None when it was not sent.
        grade: the answer of the revision, against gold.
        why: the rejections, first the one to read.
        length: of the revision, if there is one.
    """
    recipe = night.recipe
    revision = draft.revision if draft else None
    cut = draft is not None and bool(draft.steps)
    return {
        "revision_id": revision_id(rollout_id, recipe.revision_hash),
        "rollout_id": rollout_id,
        "decomposition_id": _decomposition_id(night, teacher, rollout_id) if cut else None,
        "recipe": recipe.name,
        "recipe_hash": recipe.revision_hash,
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
        "status": "rejected" if why else "accepted",
        "reject_reasons": list(dict.fromkeys(rejection.reason for rejection in why)),
        "reject_detail": why[0].detail if why else None,
    }


def decomposition_row(night: Night, teacher: Teacher, draft: Draft) -> dict[str, Any]:
    """Row of `decompositions`."""
    return {
        "decomposition_id": _decomposition_id(night, teacher, draft.trace.rollout_id),
        "rollout_id": draft.trace.rollout_id,
        "kind": night.recipe.decomposition,
        "teacher": teacher.name,
        "prompt_version": teacher.prompt_version,
        "n_steps": len(draft.steps),
    }


def _decomposition_id(night: Night, teacher: Teacher, rollout_id: str) -> str:
    return decomposition_id(rollout_id, night.recipe.decomposition, teacher.name, teacher.prompt_version)
