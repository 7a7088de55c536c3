"""The responses of the scripted student: long, hesitant, and wrong, cut off or looping at the rates below."""

import random
from typing import NamedTuple

from drp.questions.generators.problem_types import Problem
from drp.student.small.mistakes import slipped
from drp.student.small.phrase_choice import WorkedProblem
from tests.scripted_student.trace_writer import TraceWriter

LOOPING_RATE = 0.01
"""Share of rollouts that loop in a step."""
UNFINISHED_RATE = 0.02
"""Share of rollouts that are cut off before the answer."""
WRONG_RATE = 0.12
"""Share of rollouts with an unnoticed mistake, and so with a wrong answer."""

_SLIPS = (-10, -2, -1, 1, 2, 10)


class ScriptedResponse(NamedTuple):
    """A response, and whether it is complete."""

    thinking: str
    response: str
    is_finished: bool


def respond(problem: Problem, seed: int) -> ScriptedResponse:
    """Write a response; the same problem and seed give the same text."""
    rng = random.Random(f"{problem.text}/{seed}")  # noqa: S311
    right = WorkedProblem(problem, problem.computations, tuple(c.result for c in problem.computations))
    outcome = rng.random()
    if outcome < LOOPING_RATE:
        return ScriptedResponse("\n\n".join(TraceWriter(rng, right).loop()), "", False)
    if outcome < LOOPING_RATE + UNFINISHED_RATE:
        text = "\n\n".join(TraceWriter(rng, right).thinking())
        return ScriptedResponse(text[: int(len(text) * rng.uniform(0.4, 0.9))].rstrip(), "", False)
    is_wrong = outcome < LOOPING_RATE + UNFINISHED_RATE + WRONG_RATE
    writer = TraceWriter(rng, slipped(rng, right, _SLIPS) if is_wrong else right)
    return ScriptedResponse("\n\n".join(writer.thinking()), writer.response(), True)
