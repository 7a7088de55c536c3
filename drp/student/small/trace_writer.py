"""Write the solution of a small problem as the small student learns it: long, hesitant, sometimes wrong.

    trace = write(random.Random(7), problem)
    trace.thinking, trace.response

Most steps are worked out; some are guessed, and a guess is as often wrong as right. Some wrong guesses are
noticed and corrected, others are carried through to a wrong answer.

Some traces are brief, as with real models. A student that never saw a trace without a restatement of the
problem would copy the numbers from the restatement and fail on pruned traces, which do not have one.
"""

import random
from collections.abc import Sequence
from typing import NamedTuple

from drp.questions.generators import Operator, Problem
from drp.student.small import phrases
from drp.student.small.mistakes import slipped
from drp.student.small.phrase_choice import WorkedProblem, Writer

WRONG_RATE = 0.1
"""Share of traces with an unnoticed wrong guess, and so with a wrong answer."""
BRIEF_RATE = 0.12
"""Share of brief traces."""
_NEAR = (-1, 1)
_SLIPS = (-10, *_NEAR, 10)
_LONG_ENOUGH = 900  # characters; beyond this length no more second thoughts are added
_INVERSE: dict[Operator, Operator] = {"+": "-", "-": "+", "×": "÷", "÷": "×"}
_CONFUSED: dict[Operator, Operator] = {"+": "-", "-": "+", "×": "+", "÷": "-"}
_SIGNS: dict[Operator, str] = {"+": "+", "-": "-", "×": "*", "÷": "/"}


class Trace(NamedTuple):
    """A response R = (T, A)."""

    thinking: str
    response: str


class Habits(NamedTuple):
    """Probabilities of the optional parts of a trace."""

    opening: float
    restatement: float
    plan: float
    lead: float
    reason: float
    false_start: float
    guess: float
    """Half of the guesses are right, the other half are wrong and corrected at once."""
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
    """Write a verbose or brief trace; the same generator state gives the same text."""
    working = _solved(problem)
    if rng.random() < WRONG_RATE:
        working = slipped(rng, working, _SLIPS if min(working.results) > 20 else _NEAR)
    return _TraceWriter(rng, working, BRIEF if rng.random() < BRIEF_RATE else VERBOSE).trace()


def write_bare(rng: random.Random, problem: Problem) -> str:
    """Write a right solution without thinking, half of the time as equations only.

    It teaches a student to read problems and to compute.
    """
    if rng.random() < 0.5:
        return _TraceWriter(rng, _solved(problem), CERTAIN._replace(summary=1.0)).trace().response
    return "\n\n".join(_TraceWriter(rng, _solved(problem), CERTAIN).trace())


def drill(rng: random.Random, count: int) -> str:
    """Write `count` unrelated computations, to teach arithmetic only."""
    equations: list[str] = []
    while len(equations) < count:
        operator: Operator = rng.choice(("+", "-", "×", "÷"))
        left, right = rng.randint(2, 60), rng.randint(2, 40 if operator in "+-" else 12)
        result = {"+": left + right, "-": left - right, "×": left * right, "÷": left}[operator]
        if operator == "÷":
            left *= right
        if 0 <= result <= 70 and left <= 70:
            equations.append(f"{left} {_SIGNS[operator]} {right} = {result}.")
    return " ".join(equations)


def _solved(problem: Problem) -> WorkedProblem:
    return WorkedProblem(problem, problem.computations, tuple(c.result for c in problem.computations))


class _TraceWriter(Writer):
    """Writes one trace."""

    def __init__(self, rng: random.Random, working: WorkedProblem, habits: Habits) -> None:
        super().__init__(rng)
        self._working = working
        self._habits = habits
        self._steps = range(len(working.results))

    def trace(self) -> Trace:
        """Return the thinking, and the answer summary with the answer in a box."""
        thinking = "\n\n".join(filter(None, self._paragraphs()))
        answer = f"The answer is $\\boxed{{{self._working.answer}}}$ {self._working.problem.unit}."
        if self._rng.random() < self._habits.summary:
            answer = "\n".join(self._equations()) + f"\n\n{answer}"
        return Trace(thinking, answer)

    def _paragraphs(self) -> list[str]:
        paragraphs = [self._opening(), self._plan(), *map(self._step, self._steps)]
        for second_thought, probability in (
            (self._verification, self._habits.verification),
            (self._backwards, self._habits.backwards),
            (self._dithering, self._habits.dithering),
        ):
            if sum(map(len, paragraphs)) < _LONG_ENOUGH and self._rng.random() < probability:
                paragraphs.append(second_thought())
        return [*paragraphs, self._closing()]

    def _equations(self) -> list[str]:
        return [self._equation(index) for index in self._steps]

    def _opening(self) -> str:
        problem = self._working.problem
        if self._rng.random() >= self._habits.opening:
            return ""
        sentences = [self._phrase(phrases.OPENINGS, asked=problem.asked)]
        facts = " ".join(f"{fact}." for fact in problem.facts)
        sentences += self._maybe(self._habits.restatement, phrases.RESTATEMENTS, facts=facts)
        return " ".join([*sentences, *self._maybe(0.25, phrases.DOUBTS)])

    def _plan(self) -> str:
        what = [computation.what for computation in self._working.computations]
        middle = "".join(f"then {name}, " for name in what[1:-1])
        words = {"first": what[0], "middle": middle, "last": what[-1]}
        return "".join(self._maybe(self._habits.plan, phrases.PLANS, **words))

    def _step(self, index: int) -> str:
        working = self._working
        computation, result = working.computations[index], working.results[index]
        leads: Sequence[str] = phrases.FIRST_LEADS if index == 0 else phrases.NEXT_LEADS
        if index == self._steps[-1]:
            leads = phrases.LAST_LEADS
        sentences = self._maybe(self._habits.lead, leads, what=computation.what)
        if index == working.slip:
            sentences += [
                self._phrase(phrases.GUESSES, equation=self._equation(index)),
                self._phrase(phrases.UNNOTICED),
            ]
            return " ".join(sentences)
        if self._rng.random() < self._habits.guess:
            return " ".join([*sentences, *self._guessed(index)])
        reason = self._rng.choice(phrases.REASONS[computation.operator])
        if self._rng.random() < self._habits.false_start:
            sign = _SIGNS[_CONFUSED[computation.operator]]
            other = f"{computation.left.value} {sign} {computation.right.value}"
            sentences.append(self._phrase(phrases.FALSE_STARTS, other=other, reason=reason))
        elif self._rng.random() < self._habits.reason:
            sentences.append(reason)
        words = {"result": result, "unit": working.problem.unit, "what": computation.what}
        sentences.append(self._phrase(phrases.EQUATIONS, equation=self._equation(index), **words))
        sentences += self._maybe(self._habits.result, phrases.RESULTS, **words)
        sentences += self._maybe(
            self._habits.check, phrases.CHECKS, inverse=self._inverse(index), equation=self._equation(index)
        )
        return " ".join(sentences)

    def _guessed(self, index: int) -> list[str]:
        """Return a guess that is right, or wrong and corrected."""
        right, result = self._equation(index), self._working.results[index]
        slip = result + self._rng.choice(_SLIPS if result > 20 else _NEAR)
        if self._rng.random() < 0.5:
            return [self._phrase(phrases.GUESSES, equation=right), self._phrase(phrases.UNNOTICED)]
        wrong = self._phrase(phrases.GUESSES, equation=self._equation(index, slip))
        return [wrong, self._phrase(phrases.CAUGHT, right=right, result=result)]

    def _verification(self) -> str:
        return self._phrase(phrases.VERIFICATIONS, equations=", then ".join(self._equations()))

    def _backwards(self) -> str:
        if self._working.slip is not None:
            return ""  # checking backwards would reveal the mistake
        equations = ", ".join(self._inverse(index) for index in reversed(self._steps))
        return self._phrase(phrases.BACKWARDS, answer=self._working.answer, equations=equations)

    def _dithering(self) -> str:
        problem = self._working.problem
        return self._phrase(phrases.DITHERING, asked=problem.asked, fact=self._rng.choice(problem.facts))

    def _closing(self) -> str:
        words = {"answer": self._working.answer, "unit": self._working.problem.unit}
        return "".join(self._maybe(self._habits.closing, phrases.CLOSINGS, **words))

    def _equation(self, index: int, result: int | None = None) -> str:
        value = self._working.results[index] if result is None else result
        computation = self._working.computations[index]
        sign = _SIGNS[computation.operator]
        return f"{computation.left.value} {sign} {computation.right.value} = {value}"

    def _inverse(self, index: int) -> str:
        computation = self._working.computations[index]
        sign = _SIGNS[_INVERSE[computation.operator]]
        return f"{self._working.results[index]} {sign} {computation.right.value} = {computation.left.value}"
