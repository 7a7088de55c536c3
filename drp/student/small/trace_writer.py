"""Writes a small problem's solution as the small student is to learn it: long, doubtful, sometimes wrong.

    trace = write(random.Random(7), problem)
    trace.thinking, trace.response

Most steps are worked out; some are guessed, and a guess is as often wrong as right. Of the wrong guesses some
are noticed and mended, others are carried through to a wrong answer.

Now and then a trace is brief, as real models' are. A student that had never worked without restating the
problem first would copy its numbers from the restatement, and be lost in a pruned trace.
"""

import random
from collections.abc import Sequence
from typing import NamedTuple

from drp.questions.generators import Operator, Problem
from drp.student.small import phrases as voice
from drp.student.small.mistakes import slipped
from drp.student.small.writer import WorkedProblem, Writer

WRONG_RATE = 0.1
"""Share of traces with a wrong guess that nobody notices, and so a wrong answer."""
BRIEF_RATE = 0.12
"""Share of traces that are written briefly."""
_NEAR = (-1, 1)
_SLIPS = (-10, *_NEAR, 10)
_LONG_ENOUGH = 900  # characters; a longer trace gets no more second thoughts
_INVERSE: dict[Operator, Operator] = {"+": "-", "-": "+", "×": "÷", "÷": "×"}
_CONFUSED: dict[Operator, Operator] = {"+": "-", "-": "+", "×": "+", "÷": "-"}
_SIGNS: dict[Operator, str] = {"+": "+", "-": "-", "×": "*", "÷": "/"}


class Trace(NamedTuple):
    """A response R = (T, A)."""

    thinking: str
    response: str


class Habits(NamedTuple):
    """Chances of saying each of the things that could be left unsaid."""

    opening: float
    restatement: float
    plan: float
    lead: float
    reason: float
    false_start: float
    guess: float
    """Of a guess: half of them are right, half of them wrong and mended at once."""
    result: float
    check: float
    verification: float
    backwards: float
    dithering: float
    closing: float
    summary: float


VERBOSE = Habits(
    opening=0.95,
    restatement=0.75,
    plan=0.5,
    lead=0.9,
    reason=0.6,
    false_start=0.2,
    guess=0.14,
    result=0.35,
    check=0.45,
    verification=0.65,
    backwards=0.2,
    dithering=0.35,
    closing=0.95,
    summary=0.9,
)
BRIEF = Habits(
    opening=0.05,
    restatement=0.0,
    plan=0.2,
    lead=0.6,
    reason=0.5,
    false_start=0.0,
    guess=0.05,
    result=0.2,
    check=0.0,
    verification=0.0,
    backwards=0.0,
    dithering=0.0,
    closing=0.6,
    summary=0.3,
)
CERTAIN = BRIEF._replace(guess=0.0)


def write(rng: random.Random, problem: Problem) -> Trace:
    """A verbose trace: the same generator state writes the same text."""
    working = _right(problem)
    if rng.random() < WRONG_RATE:
        working = slipped(rng, working, _SLIPS if min(working.results) > 20 else _NEAR)
    return _Tracer(rng, working, BRIEF if rng.random() < BRIEF_RATE else VERBOSE).trace()


def write_bare(rng: random.Random, problem: Problem) -> str:
    """A right solution without thinking, every other time in equations alone: from it a student learns to
    read problems and to compute."""
    if rng.random() < 0.5:
        return _Tracer(rng, _right(problem), CERTAIN._replace(summary=1.0)).trace().response
    return "\n\n".join(_Tracer(rng, _right(problem), CERTAIN).trace())


def drill(rng: random.Random, count: int) -> str:
    """`count` unrelated computations, for the arithmetic alone."""
    said: list[str] = []
    while len(said) < count:
        operator: Operator = rng.choice(("+", "-", "×", "÷"))
        left, right = rng.randint(2, 60), rng.randint(2, 40 if operator in "+-" else 12)
        result = {"+": left + right, "-": left - right, "×": left * right, "÷": left}[operator]
        if operator == "÷":
            left *= right
        if 0 <= result <= 70 and left <= 70:
            said.append(f"{left} {_SIGNS[operator]} {right} = {result}.")
    return " ".join(said)


def _right(problem: Problem) -> WorkedProblem:
    return WorkedProblem(problem, problem.computations, tuple(c.result for c in problem.computations))


class _Tracer(Writer):
    """One trace's pen."""

    def __init__(self, rng: random.Random, working: WorkedProblem, habits: Habits) -> None:
        super().__init__(rng)
        self._working = working
        self._habits = habits
        self._steps = range(len(working.results))

    def trace(self) -> Trace:
        """The thinking, and the answer summary with the answer in a box."""
        thinking = "\n\n".join(filter(None, self._paragraphs()))
        answer = f"The answer is $\\boxed{{{self._working.answer}}}$ {self._working.problem.unit}."
        if self._rng.random() < self._habits.summary:
            answer = "\n".join(self._equations()) + f"\n\n{answer}"
        return Trace(thinking, answer)

    def _paragraphs(self) -> list[str]:
        said = [self._opening(), self._plan(), *map(self._step, self._steps)]
        for second_thought, chance in (
            (self._verification, self._habits.verification),
            (self._backwards, self._habits.backwards),
            (self._dithering, self._habits.dithering),
        ):
            if sum(map(len, said)) < _LONG_ENOUGH and self._rng.random() < chance:
                said.append(second_thought())
        return [*said, self._closing()]

    def _equations(self) -> list[str]:
        return [self._equation(index) for index in self._steps]

    def _opening(self) -> str:
        problem = self._working.problem
        if self._rng.random() >= self._habits.opening:
            return ""
        said = [self._say(voice.OPENINGS, asked=problem.asked)]
        facts = " ".join(f"{fact}." for fact in problem.facts)
        said += self._maybe(self._habits.restatement, voice.RESTATEMENTS, facts=facts)
        return " ".join([*said, *self._maybe(0.25, voice.DOUBTS)])

    def _plan(self) -> str:
        what = [computation.what for computation in self._working.computations]
        middle = "".join(f"then {name}, " for name in what[1:-1])
        words = {"first": what[0], "middle": middle, "last": what[-1]}
        return "".join(self._maybe(self._habits.plan, voice.PLANS, **words))

    def _step(self, index: int) -> str:
        working = self._working
        computation, result = working.computations[index], working.results[index]
        leads: Sequence[str] = voice.FIRST_LEADS if index == 0 else voice.NEXT_LEADS
        if index == self._steps[-1]:
            leads = voice.LAST_LEADS
        said = self._maybe(self._habits.lead, leads, what=computation.what)
        if index == working.slip:
            said += [self._say(voice.GUESSES, equation=self._equation(index)), self._say(voice.UNNOTICED)]
            return " ".join(said)
        if self._rng.random() < self._habits.guess:
            return " ".join([*said, *self._guessed(index)])
        reason = self._rng.choice(voice.REASONS[computation.operator])
        if self._rng.random() < self._habits.false_start:
            sign = _SIGNS[_CONFUSED[computation.operator]]
            other = f"{computation.left.value} {sign} {computation.right.value}"
            said.append(self._say(voice.FALSE_STARTS, other=other, reason=reason))
        elif self._rng.random() < self._habits.reason:
            said.append(reason)
        words = {"result": result, "unit": working.problem.unit, "what": computation.what}
        said.append(self._say(voice.EQUATIONS, equation=self._equation(index), **words))
        said += self._maybe(self._habits.result, voice.RESULTS, **words)
        said += self._maybe(
            self._habits.check, voice.CHECKS, inverse=self._inverse(index), equation=self._equation(index)
        )
        return " ".join(said)

    def _guessed(self, index: int) -> list[str]:
        """A guess that is right, or wrong and mended."""
        right, result = self._equation(index), self._working.results[index]
        slip = result + self._rng.choice(_SLIPS if result > 20 else _NEAR)
        if self._rng.random() < 0.5:
            return [self._say(voice.GUESSES, equation=right), self._say(voice.UNNOTICED)]
        wrong = self._say(voice.GUESSES, equation=self._equation(index, slip))
        return [wrong, self._say(voice.CAUGHT, right=right, result=result)]

    def _verification(self) -> str:
        return self._say(voice.VERIFICATIONS, equations=", then ".join(self._equations()))

    def _backwards(self) -> str:
        if self._working.slip is not None:
            return ""  # going back would bring the slip to light
        equations = ", ".join(self._inverse(index) for index in reversed(self._steps))
        return self._say(voice.BACKWARDS, answer=self._working.answer, equations=equations)

    def _dithering(self) -> str:
        problem = self._working.problem
        return self._say(voice.DITHERING, asked=problem.asked, fact=self._rng.choice(problem.facts))

    def _closing(self) -> str:
        words = {"answer": self._working.answer, "unit": self._working.problem.unit}
        return "".join(self._maybe(self._habits.closing, voice.CLOSINGS, **words))

    def _equation(self, index: int, result: int | None = None) -> str:
        found = self._working.results[index] if result is None else result
        computation = self._working.computations[index]
        sign = _SIGNS[computation.operator]
        return f"{computation.left.value} {sign} {computation.right.value} = {found}"

    def _inverse(self, index: int) -> str:
        computation = self._working.computations[index]
        sign = _SIGNS[_INVERSE[computation.operator]]
        return f"{self._working.results[index]} {sign} {computation.right.value} = {computation.left.value}"
