"""Arithmetic mistakes that a student carries through to a wrong answer."""

import random
from collections.abc import Sequence
from dataclasses import replace

from drp.questions.generators import Computation, Operand, calculate
from drp.student.small.phrase_choice import WorkedProblem


def slipped(rng: random.Random, right: WorkedProblem, slips: Sequence[int]) -> WorkedProblem:
    """Return the problem with one of `slips` added in one step and carried through to a wrong answer.

    At least one of `slips` must be positive: added in the last step, it always changes the answer.
    """
    indexes = list(range(len(right.results)))
    rng.shuffle(indexes)
    slips = list(slips)
    rng.shuffle(slips)
    return next(
        working
        for index in indexes
        for slip in slips
        if (working := with_slip(right, index, slip)) and working.answer != right.answer
    )


def with_slip(right: WorkedProblem, index: int, slip: int) -> WorkedProblem | None:
    """Return `right` with `slip` added to the result of step `index`.

    Return None if a later result would not be a whole number or would be negative, because a student would
    notice that.
    """
    if right.results[index] + slip < 0:
        return None
    computations: list[Computation] = []
    results: list[int] = []
    for position, computation in enumerate(right.computations):
        left, other = (_carried(operand, results) for operand in (computation.left, computation.right))
        computations.append(replace(computation, left=left, right=other))
        try:
            result = calculate(left.value, computation.operator, other.value)
        except ValueError:
            return None
        results.append(result + slip if position == index else result)
    return WorkedProblem(right.problem, tuple(computations), tuple(results), slip=index)


def _carried(operand: Operand, results: Sequence[int]) -> Operand:
    return operand if operand.came_from is None else replace(operand, value=results[operand.came_from])
