"""The interface of rollout engines, which sample a student's responses to questions."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol

from drp.config import THINK, EngineName, Sampling, Server, StudentPrompt, ThinkingMarks
from drp.core import Question, Rollout
from drp.student.prompts import prompt


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
    source: str = ""
    """The folder or hub id that the recipe names, also if there is no model."""
    prompt_file: StudentPrompt | None = None
    """The prompt, if it is not one of those that ship with DRP."""
    thinking: ThinkingMarks = THINK
    """The marks around its thinking."""
    vllm: Mapping[str, Any] = field(default_factory=dict)
    """Options of vLLM's engine."""
    is_checkpoint: bool = False
    """Whether `model` is a checkpoint, which the recipe's server does not know."""

    @property
    def prompt(self) -> StudentPrompt:
        """What the student is asked.

        Raises:
            BadInputError: the version does not exist.
        """
        return prompt(self.prompt_version, self.prompt_file)


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
