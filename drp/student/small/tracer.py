"""Writes a small problem's solution as the small student is to learn it: long, doubtful, sometimes wrong.

    trace = write(random.Random(7), problem)
    trace.thinking, trace.response

Most steps are worked out; some are guessed, and a guess is as often wrong as right. Of the wrong guesses some
are noticed and mended, others are carried through to a wrong answer.
"""

import random
from collections.abc import Sequence
from typing import NamedTuple

from drp.questions.problems import Operator, Problem
from drp.student.small import voice
from drp.student.small.slips import slipped
from drp.student.small.writing import Pen, Working

WRONG_RATE = 0.14
"""Share of traces with a wrong guess that nobody notices, and so a wrong answer."""
GUESS_RATE = 0.14
"""Share of other steps that are guessed: half of them right, half of them wrong and mended at once."""
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


def write(rng: random.Random, problem: Problem) -> Trace:
    """A verbose trace: the same generator state writes the same text."""
    working = _right(problem)
    if rng.random() < WRONG_RATE:
        working = slipped(rng, working, _SLIPS if min(working.results) > 20 else _NEAR)
    tracer = _Tracer(rng, working)
    return Trace("\n\n".join(tracer.paragraphs()), tracer.response())


def write_bare(problem: Problem) -> str:
    """The answer summary alone, right: from it a student learns to read problems and to compute."""
    return _Tracer(random.Random(0), _right(problem)).response()  # noqa: S311


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


def _right(problem: Problem) -> Working:
    return Working(problem, problem.computations, tuple(c.result for c in problem.computations))


class _Tracer(Pen):
    """One trace's pen."""

    def __init__(self, rng: random.Random, working: Working) -> None:
        super().__init__(rng)
        self._working = working
        self._steps = range(len(working.results))

    def paragraphs(self) -> list[str]:
        """The paragraphs of the thinking."""
        said = [self._opening(), self._plan(), *map(self._step, self._steps)]
        for second_thought, chance in (
            (self._verification, 0.6),
            (self._backwards, 0.15),
            (self._dithering, 0.25),
        ):
            if sum(map(len, said)) < _LONG_ENOUGH and self._rng.random() < chance:
                said.append(second_thought())
        return [*filter(None, said), self._closing()]

    def response(self) -> str:
        """The answer summary, with the answer in a box."""
        answer = self._working.answer
        lines = "\n".join(self.equations())
        return f"{lines}\n\nThe answer is $\\boxed{{{answer}}}$ {self._working.problem.unit}."

    def equations(self) -> list[str]:
        """One equation a step."""
        return [self._equation(index) for index in self._steps]

    def _opening(self) -> str:
        problem = self._working.problem
        facts = " ".join(f"{fact}." for fact in problem.facts)
        said = [self._say(voice.OPENINGS, asked=problem.asked), self._say(voice.RESTATEMENTS, facts=facts)]
        return " ".join([*said, *self._maybe(0.25, voice.DOUBTS)])

    def _plan(self) -> str:
        what = [computation.what for computation in self._working.computations]
        middle = "".join(f"then {name}, " for name in what[1:-1])
        return "".join(self._maybe(0.5, voice.PLANS, first=what[0], middle=middle, last=what[-1]))

    def _step(self, index: int) -> str:
        working = self._working
        computation, result = working.computations[index], working.results[index]
        leads: Sequence[str] = voice.FIRST_LEADS if index == 0 else voice.NEXT_LEADS
        if index == self._steps[-1]:
            leads = voice.LAST_LEADS
        said = [self._say(leads, what=computation.what)]
        if index == working.slip:
            said += [self._say(voice.GUESSES, equation=self._equation(index)), self._say(voice.UNNOTICED)]
            return " ".join(said)
        if self._rng.random() < GUESS_RATE:
            return " ".join([*said, *self._guessed(index)])
        reason = self._rng.choice(voice.REASONS[computation.operator])
        if self._rng.random() < 0.2:
            sign = _SIGNS[_CONFUSED[computation.operator]]
            other = f"{computation.left.value} {sign} {computation.right.value}"
            said.append(self._say(voice.FALSE_STARTS, other=other, reason=reason))
        elif self._rng.random() < 0.5:
            said.append(reason)
        words = {"result": result, "unit": working.problem.unit, "what": computation.what}
        said.append(self._say(voice.EQUATIONS, equation=self._equation(index), **words))
        said += self._maybe(0.3, voice.RESULTS, **words)
        said += self._maybe(0.4, voice.CHECKS, inverse=self._inverse(index), equation=self._equation(index))
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
        return self._say(voice.VERIFICATIONS, equations=", then ".join(self.equations()))

    def _backwards(self) -> str:
        if self._working.slip is not None:
            return ""  # going back would bring the slip to light
        equations = ", ".join(self._inverse(index) for index in reversed(self._steps))
        return self._say(voice.BACKWARDS, answer=self._working.answer, equations=equations)

    def _dithering(self) -> str:
        problem = self._working.problem
        return self._say(voice.DITHERING, asked=problem.asked, fact=self._rng.choice(problem.facts))

    def _closing(self) -> str:
        return self._say(voice.CLOSINGS, answer=self._working.answer, unit=self._working.problem.unit)

    def _equation(self, index: int, result: int | None = None) -> str:
        found = self._working.results[index] if result is None else result
        computation = self._working.computations[index]
        sign = _SIGNS[computation.operator]
        return f"{computation.left.value} {sign} {computation.right.value} = {found}"

    def _inverse(self, index: int) -> str:
        computation = self._working.computations[index]
        sign = _SIGNS[_INVERSE[computation.operator]]
        return f"{self._working.results[index]} {sign} {computation.right.value} = {computation.left.value}"
