"""What a provider's completion says."""

import json
from collections.abc import Mapping
from typing import Any

from drp.ledger import Completion, Usage
from drp.teacher.transport.faults import NoAnswerError


def answer_in(body: bytes, latency_s: float) -> Completion:
    """The answer in the body of a response.

    Raises:
        NoAnswerError: it is no completion.
    """
    try:
        document = json.loads(body)
    except ValueError as error:
        raise NoAnswerError("the response is no JSON (cut on the way?)", billed=True) from error
    return answer_of(document, latency_s)


def answer_of(document: Any, latency_s: float | None = None) -> Completion:
    """The answer in a completion, as JSON has it; of a batch's row nobody knows the latency.

    Raises:
        NoAnswerError: it is no completion.
    """
    if not isinstance(document, dict) or not document.get("choices"):
        said = isinstance(document, dict) and document.get("error")
        raise NoAnswerError(f"the response holds no choice: {str(said or '')[:200]}", billed=not said)
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


def _usage(said: Mapping[str, Any] | None) -> Usage | None:
    if not said or said.get("prompt_tokens") is None or said.get("completion_tokens") is None:
        return None
    details = said.get("prompt_tokens_details") or {}
    cached = details.get("cached_tokens") or said.get("prompt_cache_hit_tokens") or 0  # DeepSeek's name
    return Usage(said["prompt_tokens"], cached, said["completion_tokens"])
