"""Read the answer from a provider's chat completion.

No value has its type by trust: providers send contents as lists of parts, numbers as text, null for lists,
and errors under status 200. What is not an answer raises NoAnswerError, so that it is asked again and never
recorded as an answer.
"""

import json
import math
import re
from collections.abc import Mapping
from typing import Any

from drp.ledger import Completion, Usage
from drp.teacher.transport.error_bodies import error_in, words
from drp.teacher.transport.retry_policy import NoAnswerError

_MOST_TOKENS = 10**9  # more is not a count of tokens, and does not fit into every database
_FINISHED = {
    **dict.fromkeys(
        ("stop", "eos", "eos_token", "end_turn", "stop_sequence", "complete", "completed"), "stop"
    ),
    **dict.fromkeys(("length", "max_tokens", "max_output_tokens", "model_length"), "length"),
    **dict.fromkeys(
        ("content_filter", "safety", "sensitive", "recitation", "prohibited_content", "blocklist", "refusal"),
        "content_filter",
    ),
}
"""OpenAI's name of each reason for which an answer ended. Other reasons are kept as they are."""
_FAILED = re.compile(r"error|fail|abort|cancel|insufficient|overload|unavailable|time_?out|network|malformed")
_LOADED = re.compile(r"insufficient|overload|unavailable")
_TEXT_PARTS = {"text", "output_text"}


def answer_in(body: bytes, headers: Mapping[str, str], latency_s: float) -> Completion:
    """Return the answer in the body of a response with these headers.

    Raises:
        NoAnswerError: the body is not a completion.
    """
    try:
        document = json.loads(body)
    except (ValueError, RecursionError) as error:
        text = words(body[:50_000].decode("utf-8", "replace"))
        why = f"the response is no JSON (cut on the way?): {text or 'it is empty'}"
        raise NoAnswerError(why, headers=headers) from error
    return answer_of(document, latency_s, headers)


def answer_of(
    document: Any, latency_s: float | None = None, headers: Mapping[str, str] | None = None
) -> Completion:
    """Return the answer in a completion that is parsed already.

    Args:
        document: the parsed body.
        latency_s: seconds until it arrived; None for a row of a batch.
        headers: headers of the response; none for a row of a batch.

    Raises:
        NoAnswerError: the document is not a completion.
    """
    usage = _usage(document.get("usage")) if isinstance(document, Mapping) else None
    choice = _first(document.get("choices")) if isinstance(document, Mapping) else None
    found = error_in(document) or error_in({"choices": None, **choice} if choice else None)
    if found is not None:
        raise NoAnswerError(found.message, billed=False, usage=usage, error=found, headers=headers)
    if not isinstance(document, Mapping) or choice is None:
        raise NoAnswerError(f"the response holds no choice: {words(document)}", usage=usage, headers=headers)
    reason = _string(choice.get("finish_reason"))
    if reason is not None and _FAILED.search(reason.lower()):
        why = f"the provider ended the reply with {reason!r}"
        is_load = _LOADED.search(reason.lower()) is not None
        raise NoAnswerError(why, usage=usage, headers=headers, is_load=is_load)
    message = choice.get("message")
    if not isinstance(message, Mapping):
        raise NoAnswerError("the response holds no message", usage=usage, headers=headers)
    try:
        text = _text(message.get("content"))
    except TypeError as error:
        raise NoAnswerError(str(error), usage=usage, headers=headers) from error
    return Completion(
        provider_id=_string(document.get("id")),
        text=text,
        refusal=_string(message.get("refusal")) or _refusal(message.get("content")),
        finish_reason=None if reason is None else _FINISHED.get(reason.lower(), reason),
        usage=usage,
        latency_s=latency_s,
    )


def _first(choices: Any) -> Mapping[str, Any] | None:
    choice = choices[0] if isinstance(choices, list) and choices else None
    return choice if isinstance(choice, Mapping) else None


def _string(value: Any) -> str | None:
    return str(value) if isinstance(value, str | int | float) and value != "" else None


def _text(content: Any) -> str | None:
    """Return the text of a content: a string, or parts of which those with thinking are left out.

    Raises:
        TypeError: it is neither.
    """
    if content is None or isinstance(content, str):
        return content
    if not isinstance(content, list):
        raise TypeError(f"the content is neither text nor parts: {words(content)}")
    texts = [part if isinstance(part, str) else _part_text(part) for part in content]
    return "".join(text for text in texts if text is not None)


def _part_text(part: Any) -> str | None:
    if not isinstance(part, Mapping):
        raise TypeError(f"a part of the content is no part: {words(part)}")
    if part.get("type", "text") not in _TEXT_PARTS:
        return None
    text = part.get("text")
    if isinstance(text, Mapping):  # OpenAI's assistants
        text = text.get("value")
    if not isinstance(text, str):
        raise TypeError(f"a part of the content has no text: {words(part)}")
    return text


def _refusal(content: Any) -> str | None:
    parts = content if isinstance(content, list) else []
    refusals = [_string(part.get("refusal")) for part in parts if isinstance(part, Mapping)]
    return next(filter(None, refusals), None)


def _usage(usage: Any) -> Usage | None:
    """Return the billed tokens; None if the provider does not report them, or not as numbers."""
    if not isinstance(usage, Mapping):
        return None
    prompt, completion = _count(usage.get("prompt_tokens")), _count(usage.get("completion_tokens"))
    if prompt is None or completion is None:
        return None
    details = usage.get("prompt_tokens_details")
    cached = _count(details.get("cached_tokens")) if isinstance(details, Mapping) else None
    cached = cached or _count(usage.get("prompt_cache_hit_tokens")) or 0  # DeepSeek's name
    return Usage(prompt, min(cached, prompt), completion)


def _count(value: Any) -> int | None:
    """Return a number of tokens that may be written as a text or a float; None if it is none."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return math.ceil(number) if 0 <= number <= _MOST_TOKENS else None
