"""The interface of a teacher, which decomposes traces and revises them (paper, sections 3.1 and 3.2).

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
    """A teacher LLM, or rules that stand in for one."""

    @property
    def name(self) -> str:
        """The teacher's name in rows, e.g. the provider's host and the model."""

    @property
    def prompt_version(self) -> str:
        """Version of the prompts or rules. It changes whenever the result for the same trace may change."""

    def decompose(self, drafts: Iterable[Draft], kind: DecompositionKind) -> Iterator[Draft]:
        """Cut each trace into steps that cover `thinking` from first to last character.

        If one reply of an LLM holds the revision too (prompt mode `fused`), the draft gets its decisions and
        its revision here.
        """

    def revise(self, drafts: Iterable[Draft]) -> Iterator[Draft]:
        """Choose one of the four actions for every step, and write the shorter trace and its answer summary.

        A draft that already has a revision passes through unchanged.
        """
