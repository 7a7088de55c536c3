"""Make completions: the text, the number of tokens, and the tokens found in the prompt cache."""

import asyncio
import importlib
import json
import math
import secrets
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from typing import Any

from tests.fake_provider import structured_outputs
from tests.fake_provider.billing import digest
from tests.fake_provider.config import Config
from tests.fake_provider.faults import spoil
from tests.fake_provider.http_responses import ApiError

CACHE_FROM, CACHE_STEP = 1024, 128
"""Fewest tokens of a prefix that is cached, and the granularity of cached tokens."""


class Mind:
    """Computes the text for each body once, in a separate thread, so that the server is not blocked."""

    def __init__(self, config: Config) -> None:
        self.config = config
        self._thread = ThreadPoolExecutor(1, "mind")
        self._thoughts: dict[str, str] = {}
        self._beginnings: set[str] = set()
        self._count = lru_cache(20_000)(_counter(config.counter))

    async def text(self, body: Mapping[str, Any], body_digest: str) -> str:
        """Return the text of the answer."""
        mind = self.config.mind
        if mind == "echo":
            return str(body["messages"][-1]["content"])
        if mind.startswith("text:"):
            return mind.removeprefix("text:")
        if body_digest not in self._thoughts:
            loop = asyncio.get_running_loop()
            if len(self._thoughts) >= 5_000:
                self._thoughts.clear()
            self._thoughts[body_digest] = await loop.run_in_executor(self._thread, _named(mind), body)
        return self._thoughts[body_digest]

    def prompt_tokens(self, body: Mapping[str, Any]) -> int:
        """Return the tokens of the prompt, including the schema."""
        return self._schema_tokens(body) + sum(self._message_tokens(m) for m in body["messages"])

    def estimated_tokens(self, body: Mapping[str, Any]) -> int:
        """Return the tokens that count towards the rate limit when a request arrives."""
        return max(limit_of(body) or 0, self.prompt_tokens(body))

    def check_room(self, body: Mapping[str, Any]) -> None:
        """Raise the API's error if prompt and longest reply exceed the model's context."""
        prompt, reply, most = self.prompt_tokens(body), limit_of(body) or 0, self.config.context
        if prompt + reply > most:
            message = (
                f"This model's maximum context length is {most} tokens. However, you requested "
                f"{prompt + reply} tokens ({prompt} in the messages, {reply} in the completion). Please "
                "reduce the length."
            )
            raise ApiError(400, message, code="context_length_exceeded", param="messages")

    def completion(
        self, body: Mapping[str, Any], text: str, fault: str | None, created: float
    ) -> dict[str, Any]:
        """Return the body of the response, with `fault` applied to the text."""
        choice = spoil(fault, text)
        output = choice.content if choice.content is not None else choice.refusal or ""
        tokens, limit = self._count(output), limit_of(body)
        content, finish_reason = choice.content, choice.finish_reason
        if limit is not None and tokens > limit:
            content = output[: math.floor(len(output) * limit / tokens)]
            tokens, finish_reason = limit, "length"
        prompt = self.prompt_tokens(body)
        return {
            "id": f"chatcmpl-{secrets.token_hex(14)}",
            "object": "chat.completion",
            "created": int(created),
            "model": body["model"],
            "choices": [
                {
                    "index": 0,
                    "message": {"role": "assistant", "content": content, "refusal": choice.refusal},
                    "logprobs": None,
                    "finish_reason": finish_reason,
                }
            ],
            "usage": {
                "prompt_tokens": prompt,
                "completion_tokens": tokens,
                "total_tokens": prompt + tokens,
                "prompt_tokens_details": {"cached_tokens": self._cached_tokens(body), "audio_tokens": 0},
                "completion_tokens_details": {"reasoning_tokens": 0, "audio_tokens": 0},
            },
            "service_tier": "default",
            "system_fingerprint": "fp_stand_in",
        }

    def _cached_tokens(self, body: Mapping[str, Any]) -> int:
        """Return the tokens of the longest prefix of messages that was sent before, and remember this one."""
        tokens, cached = self._schema_tokens(body), 0
        beginning = digest({"model": body["model"], "response_format": body.get("response_format")})
        for message in body["messages"]:
            tokens += self._message_tokens(message)
            beginning = digest({"before": beginning, "message": message})
            if beginning in self._beginnings and tokens >= CACHE_FROM:
                cached = tokens // CACHE_STEP * CACHE_STEP
            self._beginnings.add(beginning)
        return cached

    def _message_tokens(self, message: Mapping[str, Any]) -> int:
        return 4 + self._count(str(message["content"]))

    def _schema_tokens(self, body: Mapping[str, Any]) -> int:
        response_format = body.get("response_format")
        return 3 + (self._count(json.dumps(response_format)) if response_format else 0)


def limit_of(body: Mapping[str, Any]) -> int | None:
    """Return the most tokens that the answer may have."""
    return body.get("max_completion_tokens", body.get("max_tokens"))


def check(body: Any, config: Config) -> None:
    """Raise the API's error for a body that it cannot use."""
    if not isinstance(body, Mapping):
        raise ApiError(400, "We could not parse the JSON body of your request.")
    if not isinstance(model := body.get("model"), str):
        raise ApiError(400, "you must provide a model parameter")
    if model not in config.models:
        message = f"The model `{model}` does not exist or you do not have access to it."
        raise ApiError(404, message, code="model_not_found")
    messages = body.get("messages")
    if not isinstance(messages, list) or not messages:
        raise ApiError(400, "Missing required parameter: 'messages'.", param="messages")
    for message in messages:
        if not isinstance(message, Mapping) or not isinstance(message.get("content"), str):
            raise ApiError(400, "Invalid type for 'messages[0].content'.", param="messages")
    if body.get("stream") or body.get("n", 1) != 1:
        raise ApiError(400, "The fake provider supports neither streaming nor several choices.")
    if why := structured_outputs.fault_of(body.get("response_format")):
        raise ApiError(400, why, param="response_format")


def _named(name: str) -> Callable[..., Any]:
    module, function = name.split(":")
    return getattr(importlib.import_module(module), function)


def _counter(name: str) -> Callable[[str], int]:
    return (lambda text: -(-len(text) // 4)) if name == "quarter" else _named(name)
