"""A rollout lands: its answer is extracted and graded, loops are marked, and it becomes a row of `rollouts`.

Evaluation lands its samples through the same function, so that what is measured is what is trained on.
"""

from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import fields
from typing import Any

from drp.core import Grade, GradedRollout, Question, Rollout
from drp.grading import GRADER_VERSION, Extracted, Grader, extract_answer
from drp.traces import is_degenerate

_ROLLOUT_COLUMNS = tuple(column.name for column in fields(Rollout))
_GRADE_COLUMNS = tuple(column.name for column in fields(Grade))


def grade_rollouts(rollouts: Iterable[tuple[Question, Rollout]], grader: Grader) -> Iterator[GradedRollout]:
    """Grade `rollouts` against their questions' gold answers, in their order, as a stream.

    The answer is sought in the response alone: what stands in unfinished thinking is no answer.
    """
    waiting: deque[tuple[Rollout, Extracted | None]] = deque()

    def pairs() -> Iterator[tuple[str, str]]:
        for question, rollout in rollouts:
            extracted = extract_answer(rollout.response)
            waiting.append((rollout, extracted))
            # a rollout without an answer takes its turn too, so that no more wait than the grader looks ahead
            yield question.gold_answer, extracted.answer if extracted else ""

    for verdict in grader.verdicts(pairs()):
        rollout, extracted = waiting.popleft()
        grade = Grade(extracted.answer, extracted.source, verdict) if extracted else Grade()
        yield GradedRollout(
            rollout, grade, is_degenerate(rollout.thinking) or is_degenerate(rollout.response)
        )


def rollout_row(graded: GradedRollout, recipe_hash: str | None) -> dict[str, Any]:
    """The row of `rollouts`; `recipe_hash` is the recipe that sampled it, None if it was imported."""
    return {
        **vars(graded.rollout),
        **vars(graded.grade),
        "recipe_hash": recipe_hash,
        "grader_version": GRADER_VERSION,
        "is_degenerate": graded.is_degenerate,
    }


def rollout_from_row(row: Mapping[str, Any]) -> GradedRollout:
    """The rollout that `rollout_row` wrote."""
    return GradedRollout(
        Rollout(**{name: row[name] for name in _ROLLOUT_COLUMNS}),
        Grade(**{name: row[name] for name in _GRADE_COLUMNS}),
        row["is_degenerate"],
    )
