"""Write the solution of a small problem as the small student learns it: long, hesitant, sometimes wrong.

    trace = write(random.Random(7), problem)
    trace.thinking, trace.response
    [(phrase.role, phrase.text) for phrase in trace.phrases]

Most steps are worked out; some are guessed, and a guess is as often wrong as right. Some wrong guesses are
noticed and corrected, others are carried through to a wrong answer.

A student that never saw a trace without a restatement of the problem would copy the numbers from the
restatement and fail on pruned traces, which do not have one. `TraceSettings` has two ways to avoid this:
brief traces, and long traces that begin with the plan or the first step. A student with brief traces can
write short ones before it is trained on any, so training on pruned traces may only select what it knows.
"""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from drp.questions.generators import SHORT, Operator, Problem
from drp.student.small.mistakes import slipped
from drp.student.small.phrase_choice import WorkedProblem, Writer
from drp.student.small.voice import Form, Habits, Voice, WrittenPhrase
from drp.student.small.voice_first import FIRST
from drp.student.small.voice_second import SECOND

WRONG_RATE = 0.1
"""Share of traces with an unnoticed wrong guess, and so with a wrong answer."""
VoiceName: TypeAlias = Literal["first", "second"]
VOICES: Mapping[VoiceName, Voice] = {"first": FIRST, "second": SECOND}

_NEAR = (-1, 1)
_SLIPS = (-10, *_NEAR, 10)
_LONG_ENOUGH = 900  # characters; beyond this length no more second thoughts are added
_INVERSE: dict[Operator, Operator] = {"+": "-", "-": "+", "×": "÷", "÷": "×"}
_CONFUSED: dict[Operator, Operator] = {"+": "-", "-": "+", "×": "+", "÷": "-"}
_SIGNS: dict[Operator, str] = {"+": "+", "-": "-", "×": "*", "÷": "/"}

_BRIEF = Habits(
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
_CERTAIN = _BRIEF._replace(guess=0.0)


@dataclass(frozen=True)
class TraceSettings:
    """What the traces of a student are like, and the problems that they solve."""

    voice: VoiceName = "first"
    brief_share: float = 0.12
    """Share of brief traces. 0 means that bare solutions have no words either, only equations."""
    unopened_share: float = 0.05
    """Share of verbose traces without an opening and a restatement of the problem."""
    steps: tuple[int, ...] = SHORT
    """Numbers of computations of the problems; one that is repeated is drawn more often."""


SHIPPED = TraceSettings()
"""The settings of the student in `weights`."""


@dataclass(frozen=True)
class Trace:
    """A response R = (T, A); the thinking T as its paragraphs."""

    paragraphs: tuple[tuple[WrittenPhrase, ...], ...]
    response: str

    @property
    def thinking(self) -> str:
        """The text of the thinking."""
        return "\n\n".join(" ".join(phrase.text for phrase in paragraph) for paragraph in self.paragraphs)

    @property
    def phrases(self) -> list[WrittenPhrase]:
        """The phrases of the thinking in order."""
        return [phrase for paragraph in self.paragraphs for phrase in paragraph]


def write(rng: random.Random, problem: Problem, settings: TraceSettings = SHIPPED) -> Trace:
    """Write a verbose or brief trace; the same generator state gives the same text."""
    working = _solved(problem)
    voice = VOICES[settings.voice]
    if rng.random() < WRONG_RATE:
        working = slipped(rng, working, _SLIPS if min(working.results) > 20 else _NEAR)
    is_brief = rng.random() < settings.brief_share
    habits = _BRIEF if is_brief else voice.verbose._replace(opening=1 - settings.unopened_share)
    return _TraceWriter(rng, working, voice, habits).trace()


def write_bare(rng: random.Random, problem: Problem, settings: TraceSettings = SHIPPED) -> str:
    """Write a right solution without thinking, half of the time or always as equations only.

    It teaches a student to read problems and to compute.
    """
    voice = VOICES[settings.voice]
    if settings.brief_share == 0 or rng.random() < 0.5:
        return _TraceWriter(rng, _solved(problem), voice, _CERTAIN._replace(summary=1.0)).trace().response
    trace = _TraceWriter(rng, _solved(problem), voice, _CERTAIN).trace()
    return f"{trace.thinking}\n\n{trace.response}"


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


def _length(paragraphs: Sequence[Sequence[WrittenPhrase]]) -> int:
    """Return the characters of these paragraphs."""
    return sum(len(phrase.text) + 1 for phrases in paragraphs for phrase in phrases) - sum(
        map(bool, paragraphs)
    )


class _TraceWriter(Writer):
    """Writes one trace."""

    def __init__(self, rng: random.Random, working: WorkedProblem, voice: Voice, habits: Habits) -> None:
        super().__init__(rng)
        self._working = working
        self._voice = voice
        self._habits = habits
        self._steps = range(len(working.results))

    def trace(self) -> Trace:
        """Return the thinking, and the answer summary with the answer in a box."""
        paragraphs = tuple(tuple(phrases) for phrases in self._paragraphs() if phrases)
        answer = self._voice.answer.format(answer=self._working.answer, unit=self._working.problem.unit)
        if self._rng.random() < self._habits.summary:
            lines = [self._voice.summary_line.format(equation=equation) for equation in self._equations()]
            answer = "\n".join(lines) + f"\n\n{answer}"
        return Trace(paragraphs, answer)

    def _written(self, form: Form, **words: object) -> WrittenPhrase:
        return WrittenPhrase(form, self._phrase(self._voice.phrases[form], **words))

    def _maybe_written(self, probability: float, form: Form, **words: object) -> list[WrittenPhrase]:
        return [
            WrittenPhrase(form, text) for text in self._maybe(probability, self._voice.phrases[form], **words)
        ]

    def _paragraphs(self) -> list[list[WrittenPhrase]]:
        paragraphs = [self._opening(), self._plan(), *map(self._step, self._steps)]
        for second_thought, probability in (
            (self._verification, self._habits.verification),
            (self._backwards, self._habits.backwards),
            (self._dithering, self._habits.dithering),
        ):
            if _length(paragraphs) < _LONG_ENOUGH and self._rng.random() < probability:
                paragraphs.append(second_thought())
        paragraphs.append(self._closing())
        return [part for paragraph in paragraphs for part in self._laid_out(paragraph)]

    def _laid_out(self, paragraph: list[WrittenPhrase]) -> list[list[WrittenPhrase]]:
        """Return a paragraph as several, where the voice sets some forms apart."""
        parts: list[list[WrittenPhrase]] = [[]]
        for phrase in paragraph:
            if phrase.form in self._voice.apart:
                parts += [[phrase], []]
            else:
                parts[-1].append(phrase)
        return parts

    def _equations(self) -> list[str]:
        return [self._equation(index) for index in self._steps]

    def _opening(self) -> list[WrittenPhrase]:
        problem = self._working.problem
        if self._rng.random() >= self._habits.opening:
            return []
        phrases = [self._written(Form.OPENING, asked=problem.asked)]
        facts = " ".join(f"{fact}." for fact in problem.facts)
        phrases += self._maybe_written(self._habits.restatement, Form.RESTATEMENT, facts=facts)
        return [*phrases, *self._maybe_written(0.25, Form.DOUBT)]

    def _plan(self) -> list[WrittenPhrase]:
        what = [computation.what for computation in self._working.computations]
        middle = "".join(f"then {name}, " for name in what[1:-1])
        return self._maybe_written(self._habits.plan, Form.PLAN, first=what[0], middle=middle, last=what[-1])

    def _step(self, index: int) -> list[WrittenPhrase]:
        working = self._working
        computation, result = working.computations[index], working.results[index]
        lead = Form.FIRST_LEAD if index == 0 else Form.NEXT_LEAD
        if index == self._steps[-1]:
            lead = Form.LAST_LEAD
        phrases = self._maybe_written(self._habits.lead, lead, what=computation.what)
        if index == working.slip:
            guess = self._written(Form.GUESS, equation=self._equation(index))
            return [*phrases, guess, self._written(Form.UNNOTICED)]
        if self._rng.random() < self._habits.guess:
            return [*phrases, *self._guessed(index)]
        reason = self._rng.choice(self._voice.reasons[computation.operator])
        if self._rng.random() < self._habits.false_start:
            sign = _SIGNS[_CONFUSED[computation.operator]]
            other = f"{computation.left.value} {sign} {computation.right.value}"
            phrases.append(self._written(Form.FALSE_START, other=other, reason=reason))
        elif self._rng.random() < self._habits.reason:
            phrases.append(WrittenPhrase(Form.REASON, reason))
        words = {"result": result, "unit": working.problem.unit, "what": computation.what}
        phrases.append(self._written(Form.EQUATION, equation=self._equation(index), **words))
        phrases += self._maybe_written(self._habits.result, Form.RESULT, **words)
        inverse, equation = self._inverse(index), self._equation(index)
        return [
            *phrases,
            *self._maybe_written(self._habits.check, Form.CHECK, inverse=inverse, equation=equation),
        ]

    def _guessed(self, index: int) -> list[WrittenPhrase]:
        """Return a guess that is right, or wrong and corrected."""
        right, result = self._equation(index), self._working.results[index]
        slip = result + self._rng.choice(_SLIPS if result > 20 else _NEAR)
        if self._rng.random() < 0.5:
            return [self._written(Form.GUESS, equation=right), self._written(Form.UNNOTICED)]
        wrong = self._written(Form.GUESS, equation=self._equation(index, slip))
        return [wrong, self._written(Form.CAUGHT, right=right, result=result)]

    def _verification(self) -> list[WrittenPhrase]:
        return [self._written(Form.VERIFICATION, equations=self._voice.then.join(self._equations()))]

    def _backwards(self) -> list[WrittenPhrase]:
        if self._working.slip is not None:
            return []  # checking backwards would reveal the mistake
        equations = ", ".join(self._inverse(index) for index in reversed(self._steps))
        return [self._written(Form.BACKWARDS, answer=self._working.answer, equations=equations)]

    def _dithering(self) -> list[WrittenPhrase]:
        problem = self._working.problem
        return [self._written(Form.DITHERING, asked=problem.asked, fact=self._rng.choice(problem.facts))]

    def _closing(self) -> list[WrittenPhrase]:
        words = {"answer": self._working.answer, "unit": self._working.problem.unit}
        return self._maybe_written(self._habits.closing, Form.CLOSING, **words)

    def _equation(self, index: int, result: int | None = None) -> str:
        value = self._working.results[index] if result is None else result
        computation = self._working.computations[index]
        sign = _SIGNS[computation.operator]
        return f"{computation.left.value} {sign} {computation.right.value} = {value}"

    def _inverse(self, index: int) -> str:
        computation = self._working.computations[index]
        sign = _SIGNS[_INVERSE[computation.operator]]
        return f"{self._working.results[index]} {sign} {computation.right.value} = {computation.left.value}"
