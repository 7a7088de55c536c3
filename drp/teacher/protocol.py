"""What a teacher does: decompose, revise, synthesise (paper, sections 3.1 and 3.2).

Each method takes a stream of drafts and gives a stream of drafts, in any order, each with its part filled
in, so that a teacher may work on one trace at a time (a rule), on hundreds at once (an online API) or on all
of them (a batch API), and the stage writes what has landed. A draft with a `refusal` passes through
untouched. A teacher never reads the gold answer.
"""

from collections.abc import Iterable, Iterator
from typing import Protocol

from drp.core.records import DecompositionKind, Draft


class Teacher(Protocol):
    """A teacher LLM, or a rule that stands in for one."""

    @property
    def name(self) -> str:
        """Name in rows: the profile's name and model."""

    @property
    def prompt_version(self) -> str:
        """Version of the prompts or rules: it changes whenever the same trace may come out differently."""

    def decompose(self, drafts: Iterable[Draft], kind: DecompositionKind) -> Iterator[Draft]:
        """Cut each trace into steps that cover `thinking` from first to last character."""

    def revise(self, drafts: Iterable[Draft]) -> Iterator[Draft]:
        """Decide one of the four actions for every step."""

    def synthesise(self, drafts: Iterable[Draft]) -> Iterator[Draft]:
        """Write the fluent shorter trace and the answer summary from the decisions."""
