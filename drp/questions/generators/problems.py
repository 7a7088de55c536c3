"""What a generated word problem is: a story, a question and the computations that answer it."""

import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

Operator: TypeAlias = Literal["+", "-", "×", "÷"]


@dataclass(frozen=True)
class Operand:
    """A number of a computation: given by the problem, or the result of an earlier computation."""

    value: int
    came_from: int | None = None


@dataclass(frozen=True)
class Computation:
    """`left operator right`; `what` says in words what the result is."""

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
    """A word problem of 2 to 5 computations; the last one's result is the answer.

    `facts` are what the story says, one sentence each; `asked` is what is sought, as a noun phrase.
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
    """Collects the computations of a problem while its story is made up."""

    computations: list[Computation] = field(default_factory=list)

    def do(self, what: str, left: int | Operand, operator: Operator, right: int | Operand) -> Operand:
        """Add a computation; its result can be an operand of later ones."""
        operands = [number if isinstance(number, Operand) else Operand(number) for number in (left, right)]
        computation = Computation(what, operands[0], operator, operands[1])
        self.computations.append(computation)
        return Operand(computation.result, len(self.computations) - 1)


def calculate(left: int, operator: Operator, right: int) -> int:
    """The result of one computation.

    Raises:
        ValueError: it is no whole number, or below zero.
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
    """The story as one text: the facts in their order and one way to ask."""
    return " ".join([*(f"{fact}." for fact in facts), rng.choice(asks)])
