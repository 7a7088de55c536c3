"""Grade rollouts: extract and grade the answer, detect loops, and convert to and from rows of `rollouts`.

Evaluation grades its samples with the same function, so that training and evaluation use the same criteria.
"""

from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import fields
from typing import Any

from drp.core import Grade, GradedRollout, Question, Rollout
from drp.grading import GRADER_VERSION, Grader, grade_responses
from drp.traces import is_degenerate

_ROLLOUT_COLUMNS = tuple(column.name for column in fields(Rollout))
_GRADE_COLUMNS = tuple(column.name for column in fields(Grade))


def grade_rollouts(rollouts: Iterable[tuple[Question, Rollout]], grader: Grader) -> Iterator[GradedRollout]:
    """Grade `rollouts` against the gold answers of their questions, as a stream in the same order.

    The answer is extracted from the response only: unfinished thinking does not contain an answer.
    """
    pending: deque[Rollout] = deque()

    def responses() -> Iterator[tuple[str, str]]:
        for question, rollout in rollouts:
            pending.append(rollout)
            yield question.gold_answer, rollout.response

    for grade in grade_responses(grader, responses()):
        rollout = pending.popleft()
        yield GradedRollout(
            rollout, grade, is_degenerate(rollout.thinking) or is_degenerate(rollout.response)
        )


def rollout_row(graded: GradedRollout, recipe_hash: str | None) -> dict[str, Any]:
    """Return the row of `rollouts`; `recipe_hash` is the sampling recipe's, None for an imported rollout."""
    return {
        **vars(graded.rollout),
        **vars(graded.grade),
        "recipe_hash": recipe_hash,
        "grader_version": GRADER_VERSION,
        "is_degenerate": graded.is_degenerate,
    }


def rollout_from_row(row: Mapping[str, Any]) -> GradedRollout:
    """Return the rollout of a row that `rollout_row` made."""
    return GradedRollout(
        Rollout(**{name: row[name] for name in _ROLLOUT_COLUMNS}),
        Grade(**{name: row[name] for name in _GRADE_COLUMNS}),
        row["is_degenerate"],
    )
