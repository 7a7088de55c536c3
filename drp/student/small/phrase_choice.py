"""Base classes for writing traces: a worked problem, and a writer that chooses between phrases."""

import random
from collections.abc import Sequence
from dataclasses import dataclass

from drp.questions.generators import Computation, Problem


@dataclass(frozen=True)
class WorkedProblem:
    """A problem solved by a student: computations with its results; `slip` is the index of the wrong one."""

    problem: Problem
    computations: tuple[Computation, ...]
    results: tuple[int, ...]
    slip: int | None = None

    @property
    def answer(self) -> int:
        """The student's answer."""
        return self.results[-1]


class Writer:
    """Writes randomly chosen variants of phrases and fills in their braces."""

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng

    def _phrase(self, variants: Sequence[str], **words: object) -> str:
        text = self._rng.choice(variants).format(**words)
        return text[0].upper() + text[1:]

    def _maybe(self, probability: float, variants: Sequence[str], **words: object) -> list[str]:
        return [self._phrase(variants, **words)] if self._rng.random() < probability else []
