"""What a rollout engine does: sample a student's responses to questions."""

from collections.abc import Iterable, Iterator
from typing import Protocol

from drp.records import Question, Rollout


class RolloutEngine(Protocol):
    """vLLM, an OpenAI-compatible server, recorded traces, ... behind one door."""

    @property
    def name(self) -> str:
        """Name in the `engine` column."""

    def sample(self, questions: Iterable[Question]) -> Iterator[Rollout]:
        """Responses to `questions`, as they land, in any order."""
