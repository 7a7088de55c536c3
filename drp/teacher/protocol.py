"""What a teacher does: it decomposes traces and revises them (paper, sections 3.1 and 3.2).

Each method takes a stream of drafts and yields the same drafts with its part filled in, in any order. So a
teacher may work on one trace at a time (rules), on hundreds at once (an online API) or on all of them (a
batch API), and the stage writes each draft as it arrives. A draft with a `refusal` passes through unchanged.
A teacher never reads the gold answer.
"""

from collections.abc import Iterable, Iterator
from typing import Protocol

from drp.config import DecompositionKind
from drp.core import Draft


class Teacher(Protocol):
    """A teacher LLM, or a rule that stands in for one."""

    @property
    def name(self) -> str:
        """Name in rows: the profile's name and model."""

    @property
    def prompt_version(self) -> str:
        """Version of the prompts or rules: it changes whenever the same trace may come out differently."""

    def decompose(self, drafts: Iterable[Draft], kind: DecompositionKind) -> Iterator[Draft]:
        """Cut each trace into steps that cover `thinking` from first to last character.

        Where one reply of an LLM answers both questions (prompt mode `fused`), the draft holds its decisions
        and its revision too.
        """

    def revise(self, drafts: Iterable[Draft]) -> Iterator[Draft]:
        """Decide one of the four actions for every step, and write the shorter trace and its answer summary.

        A draft that has its revision already passes through unchanged.
        """
