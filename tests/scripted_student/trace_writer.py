"""Write a worked problem as a long chain of thought and an answer summary, with the phrases of `voice`."""

import random
from collections.abc import Sequence

from drp.questions.generators.problem_types import Operator
from drp.student.small.phrase_choice import WorkedProblem, Writer
from tests.scripted_student import phrases

LONG_ENOUGH = 2_000
"""Beyond this many characters no more second thoughts are added to a trace."""

_INVERSE: dict[Operator, Operator] = {"+": "-", "-": "+", "×": "÷", "÷": "×"}
_CONFUSED: dict[Operator, Operator] = {"+": "-", "-": "+", "×": "+", "÷": "-"}
_LATEX: dict[Operator, str] = {"+": "+", "-": "-", "×": r"\times", "÷": r"\div"}


class TraceWriter(Writer):
    """Writes one rollout; the same generator state gives the same text."""

    def __init__(self, rng: random.Random, working: WorkedProblem) -> None:
        super().__init__(rng)
        self._working = working
        self._signs: dict[Operator, str] = {
            "+": "+",
            "-": "-",
            "×": rng.choice(("×", "*")),
            "÷": rng.choice(("÷", "/")),
        }

    def thinking(self) -> list[str]:
        """Return the paragraphs of the trace."""
        paragraphs = [self._opening(), self._plan()]
        paragraphs += [self._step(index) for index in range(len(self._working.results))]
        for second_thought, probability in (
            (self._verification, 0.8),
            (self._alternative, 0.6),
            (self._dithering, 0.35),
        ):
            if sum(map(len, paragraphs)) < LONG_ENOUGH and self._rng.random() < probability:
                paragraphs.append(second_thought())
        return [*filter(None, paragraphs), self._closing()]

    def loop(self) -> list[str]:
        """Return the paragraphs of a trace that loops after its second step."""
        paragraphs = self.thinking()[:4]
        repeated = self._phrase(phrases.LOOPS, equation=self._equation(0))
        return [*paragraphs, *([repeated] * (4_000 // len(repeated) + self._rng.randint(1, 30)))]

    def response(self) -> str:
        """Return the answer summary A, with the answer in a box."""
        problem, answer = self._working.problem, self._working.answer
        lines = [self._summary_line(index) for index in range(len(self._working.results))]
        match self._rng.randrange(3):
            case 0:
                steps = "\n".join(f"{number}. **{line}" for number, line in enumerate(lines, start=1))
                steps = steps.replace(": ", ":** ")
                opening = f"To find {problem.asked}, work step by step:"
                return f"{opening}\n\n{steps}\n\n**Final answer:** \\boxed{{{answer}}}"
            case 1:
                steps = "\n\n".join(f"{line}." for line in lines)
                return f"{steps}\n\nSo the answer is $\\boxed{{{answer}}}$ {problem.unit}."
            case _:
                steps = "\n".join(f"- {line}" for line in lines)
                return f"**Solution**\n\n{steps}\n\n\\[ \\boxed{{{answer}}} \\]"

    def _opening(self) -> str:
        problem = self._working.problem
        facts = " ".join(f"{fact}." for fact in problem.facts)
        fact = self._rng.choice(problem.facts)
        return " ".join(
            [
                self._phrase(phrases.OPENINGS, asked=problem.asked),
                self._phrase(phrases.RESTATEMENTS, facts=facts),
                *self._maybe(0.35, phrases.DOUBTS, fact=fact),
            ]
        )

    def _plan(self) -> str:
        what = [computation.what for computation in self._working.computations]
        middle = "".join(f"then {name}, " for name in what[1:-1])
        return " ".join(self._maybe(0.8, phrases.PLANS, first=what[0], middle=middle, last=what[-1]))

    def _step(self, index: int) -> str:
        computation, result = self._working.computations[index], self._working.results[index]
        leads: Sequence[str] = phrases.NEXT_LEADS
        if index == 0:
            leads = phrases.FIRST_LEADS
        elif index == len(self._working.results) - 1:
            leads = phrases.LAST_LEADS
        sentences = [self._phrase(leads, what=computation.what)]
        right = self._equation(index)
        if index == self._working.slip:
            sentences += [self._phrase(phrases.EQUATIONS, equation=right), self._phrase(phrases.UNNOTICED)]
            return " ".join(sentences)
        reason = self._rng.choice(phrases.REASONS[computation.operator])
        if self._rng.random() < 0.2:
            sign = self._signs[_CONFUSED[computation.operator]]
            other = f"{computation.left.value} {sign} {computation.right.value}"
            sentences.append(self._phrase(phrases.FALSE_STARTS, other=other, reason=reason))
        elif self._rng.random() < 0.5:
            sentences.append(reason)
        if self._rng.random() < 0.2:
            slip = result + self._rng.choice((-10, 10, 1, 2)) if result > 10 else result + 1
            wrong = self._equation(index, slip)
            sentences.append(
                self._phrase(phrases.CAUGHT_SLIPS, wrong=wrong, right=right, result=result, slip=slip)
            )
        else:
            sentences.append(self._phrase(phrases.EQUATIONS, equation=right))
            detail = self._in_pieces(index)
            sentences += self._maybe(0.5 if detail else 0, phrases.WORKED_OUT, detail=detail)
        sentences += self._maybe(0.4, phrases.RESULTS, result=result, what=computation.what)
        sentences += self._maybe(0.5, phrases.CHECKS, inverse=self._inverse(index))
        return " ".join(sentences)

    def _verification(self) -> str:
        equations = ", then ".join(self._equation(index) for index in range(len(self._working.results)))
        return self._phrase(phrases.VERIFICATIONS, equations=equations)

    def _alternative(self) -> str:
        working = self._working
        if working.slip is not None:
            return ""  # an alternative solution would reveal the mistake
        steps = range(len(working.results))
        is_chain = all(working.computations[index].left.came_from == index - 1 for index in steps[1:])
        if is_chain and self._rng.random() < 0.5:
            equations = ", ".join(self._inverse(index) for index in reversed(steps))
            return self._phrase(phrases.BACKWARDS, answer=working.answer, equations=equations)
        expression = f"{self._expression(steps[-1])} = {working.answer}"
        return self._phrase(phrases.ALTERNATIVES, expression=expression)

    def _dithering(self) -> str:
        return self._phrase(phrases.DITHERING, asked=self._working.problem.asked)

    def _closing(self) -> str:
        return self._phrase(phrases.CLOSINGS, answer=self._working.answer, unit=self._working.problem.unit)

    def _equation(self, index: int, result: int | None = None) -> str:
        value = self._working.results[index] if result is None else result
        computation = self._working.computations[index]
        sign = self._signs[computation.operator]
        return f"{computation.left.value} {sign} {computation.right.value} = {value}"

    def _inverse(self, index: int) -> str:
        computation = self._working.computations[index]
        sign = self._signs[_INVERSE[computation.operator]]
        return f"{self._working.results[index]} {sign} {computation.right.value} = {computation.left.value}"

    def _in_pieces(self, index: int) -> str:
        """Return the computation by tens and ones; empty if that does not help."""
        computation, result = self._working.computations[index], self._working.results[index]
        left, right, sign = computation.left.value, computation.right.value, self._signs[computation.operator]
        number = left if computation.operator == "×" else right
        tens, ones = number // 10 * 10, number % 10
        if not tens or not ones or computation.operator == "÷":
            return ""
        if computation.operator == "×":
            parts = f"{tens} {sign} {right} = {tens * right} and {ones} {sign} {right} = {ones * right}"
            return f"{parts}, together {tens * right} + {ones * right} = {result}"
        part = left + tens if computation.operator == "+" else left - tens
        return f"{left} {sign} {tens} = {part}, and {part} {sign} {ones} = {result}"

    def _expression(self, index: int) -> str:
        computation = self._working.computations[index]
        texts = [
            str(operand.value) if operand.came_from is None else f"({self._expression(operand.came_from)})"
            for operand in (computation.left, computation.right)
        ]
        return f"{texts[0]} {self._signs[computation.operator]} {texts[1]}"

    def _summary_line(self, index: int) -> str:
        computation, result = self._working.computations[index], self._working.results[index]
        equation = (
            f"{computation.left.value} {_LATEX[computation.operator]} {computation.right.value} = {result}"
        )
        return f"{computation.what[0].upper()}{computation.what[1:]}: ${equation}$"
