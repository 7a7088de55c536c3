"""What a rollout engine does: sample a student's responses to questions."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from drp.config import EngineName, Sampling, Server
from drp.core import Question, Rollout


@dataclass(frozen=True)
class Student:
    """Who is sampled, and how."""

    name: str
    """In the column `student`."""
    model: str
    """Its folder on this machine; empty if it has none."""
    engine: EngineName
    server: Server | None
    prompt_version: str
    sampling: Sampling
    tensor: int = 1
    """GPUs that one engine spreads it over."""


class SampleRequest(NamedTuple):
    """One response that is wanted: the k-th to this question. Question, seed and k decide it."""

    question: Question
    k: int


class RolloutEngine(Protocol):
    """vLLM, an OpenAI-compatible server, transformers, ... behind one door."""

    @property
    def name(self) -> str:
        """Name in the `engine` column."""

    def sample(self, wanted: Iterable[SampleRequest]) -> Iterator[Rollout]:
        """The responses that are wanted, as they land, in any order."""
