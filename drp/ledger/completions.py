"""Requests to a teacher LLM and its replies: one chat completion with its identity, tokens and answer."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal, TypeAlias

from drp.core import content_id

RequestStage: TypeAlias = Literal["decompose", "revise", "fused"]


CARRIED = "carried"
"""The problem of a request that the provider is still working on. A later night gets its answer."""
NO_ROOM = "no room"
"""A problem with this in front: prompt and longest reply do not fit into the model's context together."""
DEAD = "dead"
"""In front of the problem of a request that is not sent again."""


@dataclass(frozen=True)
class Usage:
    """Tokens of one completion. `cached_tokens` are part of `prompt_tokens`."""

    prompt_tokens: int
    cached_tokens: int
    completion_tokens: int


@dataclass(frozen=True)
class TeacherRequest:
    """A request for one chat completion.

    `body` is the body of POST /chat/completions. The identity consists of everything that can change the
    answer: the base URL, the body (model, messages, schema, sampling) and the version of the prompt. The way
    of sending it does not count.
    """

    stage: RequestStage
    base_url: str
    body: Mapping[str, Any]
    prompt_version: str
    estimate: Usage = field(compare=False)
    """The expected tokens, for budgets and limits."""

    @cached_property
    def request_id(self) -> str:
        """The content id, which is also the `custom_id` in a batch."""
        return content_id("request", self.base_url, self.body, self.prompt_version)

    @property
    def model(self) -> str:
        """The provider's name of the model."""
        return str(self.body["model"])


@dataclass(frozen=True)
class Completion:
    """The answer of a provider, unchanged. A field is None if the provider did not report it."""

    provider_id: str | None
    text: str | None
    refusal: str | None
    finish_reason: str | None
    """`stop`, `length`, `content_filter`, ..."""
    usage: Usage | None
    latency_s: float | None
    """Seconds from sending the request to the last byte; None in a batch."""


@dataclass(frozen=True)
class TeacherReply:
    """The outcome of a request: an answer, or the reason why there is none."""

    request: TeacherRequest
    answer: Completion | None
    problem: str | None = None
    """CARRIED, or why the request is dead."""

    @property
    def is_without_room(self) -> bool:
        """Whether prompt and longest reply exceed the model's context: a lower limit of tokens may help."""
        return (self.problem or "").startswith(f"{DEAD}: {NO_ROOM}")

    @classmethod
    def dead(cls, request: TeacherRequest, problem: str | None) -> "TeacherReply":
        """Return the outcome of a request that is not sent again."""
        return cls(request, None, f"{DEAD}: {problem}")
