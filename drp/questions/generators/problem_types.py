"""Data types of generated word problems: a story, a question and the computations that answer it."""

import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

Operator: TypeAlias = Literal["+", "-", "×", "÷"]


@dataclass(frozen=True)
class Operand:
    """A number in a computation, given by the problem or the result of the computation `came_from`."""

    value: int
    came_from: int | None = None


@dataclass(frozen=True)
class Computation:
    """A computation `left operator right`; `what` describes its result in words."""

    what: str
    left: Operand
    operator: Operator
    right: Operand

    @property
    def result(self) -> int:
        """The exact result."""
        return calculate(self.left.value, self.operator, self.right.value)


@dataclass(frozen=True)
class Problem:
    """A word problem of 2 to 5 computations; the result of the last one is the answer.

    `facts` are the statements of the story, one sentence each; `asked` is the unknown, as a noun phrase.
    """

    text: str
    facts: tuple[str, ...]
    asked: str
    unit: str
    computations: tuple[Computation, ...]

    @property
    def answer(self) -> int:
        """The exact answer, in `unit`."""
        return self.computations[-1].result


@dataclass
class Solution:
    """Collects the computations of a problem while its story is being generated."""

    computations: list[Computation] = field(default_factory=list)

    def do(self, what: str, left: int | Operand, operator: Operator, right: int | Operand) -> Operand:
        """Add a computation and return its result, which can be an operand of later ones."""
        operands = [number if isinstance(number, Operand) else Operand(number) for number in (left, right)]
        computation = Computation(what, operands[0], operator, operands[1])
        self.computations.append(computation)
        return Operand(computation.result, len(self.computations) - 1)


def calculate(left: int, operator: Operator, right: int) -> int:
    """Return the result of one computation.

    Raises:
        ValueError: the result is not a whole number or is negative.
    """
    if operator == "÷":
        result, remainder = divmod(left, right)
        if remainder:
            raise ValueError(f"{left} ÷ {right} leaves {remainder}")
        return result
    result = {"+": left + right, "-": left - right, "×": left * right}[operator]
    if result < 0:
        raise ValueError(f"{left} - {right} is below zero")
    return result


def write_problem(rng: random.Random, facts: Sequence[str], asks: Sequence[str]) -> str:
    """Return the problem as one text: the facts in order and one of the questions `asks`."""
    return " ".join([*(f"{fact}." for fact in facts), rng.choice(asks)])
