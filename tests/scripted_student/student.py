"""What the script says: long, doubtful, and wrong, cut or looping at the rates below."""

import random
from typing import NamedTuple

from drp.questions.generators.problems import Problem
from drp.student.small.mistakes import slipped
from drp.student.small.writer import WorkedProblem
from tests.scripted_student.writing import TraceWriter

LOOPING_RATE = 0.01
"""Share of rollouts that never get out of a step."""
UNFINISHED_RATE = 0.02
"""Share that is cut before its answer."""
WRONG_RATE = 0.12
"""Share with a slip that nobody notices, and so a wrong answer."""

_SLIPS = (-10, -2, -1, 1, 2, 10)


class Said(NamedTuple):
    """A response, and whether it came to its end."""

    thinking: str
    response: str
    is_finished: bool


def say(problem: Problem, seed: int) -> Said:
    """The same problem and seed give the same words."""
    rng = random.Random(f"{problem.text}/{seed}")  # noqa: S311
    right = WorkedProblem(problem, problem.computations, tuple(c.result for c in problem.computations))
    fate = rng.random()
    if fate < LOOPING_RATE:
        return Said("\n\n".join(TraceWriter(rng, right).loop()), "", False)
    if fate < LOOPING_RATE + UNFINISHED_RATE:
        text = "\n\n".join(TraceWriter(rng, right).thinking())
        return Said(text[: int(len(text) * rng.uniform(0.4, 0.9))].rstrip(), "", False)
    is_wrong = fate < LOOPING_RATE + UNFINISHED_RATE + WRONG_RATE
    writer = TraceWriter(rng, slipped(rng, right, _SLIPS) if is_wrong else right)
    return Said("\n\n".join(writer.thinking()), writer.response(), True)
