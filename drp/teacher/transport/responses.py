"""Read the answer from a provider's chat completion."""

import json
from collections.abc import Mapping
from typing import Any

from drp.ledger import Completion, Usage
from drp.teacher.transport.retry_policy import NoAnswerError


def answer_in(body: bytes, latency_s: float) -> Completion:
    """Return the answer in the body of a response.

    Raises:
        NoAnswerError: the body is not a completion.
    """
    try:
        document = json.loads(body)
    except ValueError as error:
        raise NoAnswerError("the response is no JSON (cut on the way?)", billed=True) from error
    return answer_of(document, latency_s)


def answer_of(document: Any, latency_s: float | None = None) -> Completion:
    """Return the answer in a completion that is parsed already; `latency_s` is None for a row of a batch.

    Raises:
        NoAnswerError: the document is not a completion.
    """
    if not isinstance(document, dict) or not document.get("choices"):
        error = isinstance(document, dict) and document.get("error")
        raise NoAnswerError(f"the response holds no choice: {str(error or '')[:200]}", billed=not error)
    choice = document["choices"][0]
    message = choice.get("message") or {}
    return Completion(
        provider_id=document.get("id"),
        text=message.get("content"),
        refusal=message.get("refusal"),
        finish_reason=choice.get("finish_reason"),
        usage=_usage(document.get("usage")),
        latency_s=latency_s,
    )


def _usage(usage: Mapping[str, Any] | None) -> Usage | None:
    if not usage or usage.get("prompt_tokens") is None or usage.get("completion_tokens") is None:
        return None
    details = usage.get("prompt_tokens_details") or {}
    cached = details.get("cached_tokens") or usage.get("prompt_cache_hit_tokens") or 0  # DeepSeek's name
    return Usage(usage["prompt_tokens"], cached, usage["completion_tokens"])
