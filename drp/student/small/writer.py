"""What a trace is written from: a worked problem, and a pen that says a thing in one of several ways."""

import random
from collections.abc import Sequence
from dataclasses import dataclass

from drp.questions.generators import Computation, Problem


@dataclass(frozen=True)
class WorkedProblem:
    """A solved problem: its computations with the student's own results; `slip` is the wrong one, if any."""

    problem: Problem
    computations: tuple[Computation, ...]
    results: tuple[int, ...]
    slip: int | None = None

    @property
    def answer(self) -> int:
        """The student's answer."""
        return self.results[-1]


class Writer:
    """Says a thing in one of several ways; braces are filled in."""

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng

    def _say(self, ways: Sequence[str], **words: object) -> str:
        text = self._rng.choice(ways).format(**words)
        return text[0].upper() + text[1:]

    def _maybe(self, chance: float, ways: Sequence[str], **words: object) -> list[str]:
        return [self._say(ways, **words)] if self._rng.random() < chance else []
