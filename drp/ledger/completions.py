"""What goes to a teacher LLM and what comes back: one chat completion, its identity, tokens and answer."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal, TypeAlias

from drp.core import content_id

RequestStage: TypeAlias = Literal["decompose", "revise", "fused"]


CARRIED = "carried"
"""The problem of a request on which the provider still works: another night will have its answer."""


@dataclass(frozen=True)
class Usage:
    """Tokens of one completion; `cached_tokens` are a part of `prompt_tokens`."""

    prompt_tokens: int
    cached_tokens: int
    completion_tokens: int


@dataclass(frozen=True)
class TeacherRequest:
    """One chat completion.

    `body` is the body of POST /chat/completions. What can change the answer makes the identity: where it is
    asked, the body (model, messages, schema, sampling) and the version of the prompt. Not how it is sent.
    """

    stage: RequestStage
    base_url: str
    body: Mapping[str, Any]
    prompt_version: str
    estimate: Usage = field(compare=False)
    """Tokens expected, for budgets and limits."""

    @cached_property
    def request_id(self) -> str:
        """Content id; also the `custom_id` in a batch."""
        return content_id("request", self.base_url, self.body, self.prompt_version)

    @property
    def model(self) -> str:
        """The provider's name of the model."""
        return str(self.body["model"])


@dataclass(frozen=True)
class Completion:
    """What a provider answered, as it came. None: it did not say."""

    provider_id: str | None
    text: str | None
    refusal: str | None
    finish_reason: str | None
    """`stop`, `length`, `content_filter`, ..."""
    usage: Usage | None
    latency_s: float | None
    """Seconds from sending to the last byte; None in a batch."""


@dataclass(frozen=True)
class TeacherReply:
    """What became of a request: an answer, or the problem why there is none."""

    request: TeacherRequest
    answer: Completion | None
    problem: str | None = None
    """CARRIED, or why it is dead."""
