"""The interface of rollout engines, which sample a student's responses to questions."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from drp.config import EngineName, Sampling, Server
from drp.core import Question, Rollout


@dataclass(frozen=True)
class Student:
    """The model that is sampled, and the sampling settings."""

    name: str
    """Value of the column `student`."""
    model: str
    """Its folder on this machine; empty if there is none."""
    engine: EngineName
    server: Server | None
    prompt_version: str
    sampling: Sampling
    tensor: int = 1
    """Number of GPUs per engine (tensor parallelism)."""


class SampleRequest(NamedTuple):
    """A request for the k-th response to a question, which question, sampling seed and k determine."""

    question: Question
    k: int


class RolloutEngine(Protocol):
    """The common interface of vLLM, OpenAI-compatible servers, transformers and other engines."""

    @property
    def name(self) -> str:
        """Value of the column `engine`."""

    def sample(self, samples: Iterable[SampleRequest]) -> Iterator[Rollout]:
        """Yield the requested rollouts as they are completed, in any order."""
