"""Read the error in a provider's response: its own words, and the HTTP status that its code means.

Providers put errors into bodies of any form (an object, a list, a text, a page of HTML), also under status
200. A code there means what the same code means as a status: 429 is a rate limit wherever it stands.
"""

import html
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from drp.teacher.transport.credentials import NO_KEY

_LONGEST = 300  # characters of a provider's message that are kept
_TAG = re.compile(r"<(?:script|style)\b.{0,20000}?</(?:script|style)>|<[^<>]{0,500}>", re.S | re.I)
_MEANINGS: tuple[tuple[re.Pattern[str], int], ...] = tuple(
    (re.compile(pattern), status)
    for pattern, status in (  # codes in lower case, with underscores; the first one that matches counts
        (r"insufficient_(?:quota|balance|credits?|funds)|billing|payment_required|no_credits?", 402),
        (
            r"invalid_api_key|authentication|unauthenticated|unauthorized|(?:expired|invalid)_(?:key|token)",
            401,
        ),
        (r"permission|forbidden|access_denied|unsupported_country|account_(?:suspended|deactivated)", 403),
        (r"rate_limit|too_many_requests|resource_exhausted|throttl|quota_exceeded|^tokens$|^requests$", 429),
        (r"overload|unavailable|no_capacity|model_loading", 503),
        (r"time_?out|deadline_exceeded", 504),
        (r"context_length|string_above_max_length|invalid_|bad_request|content_(?:filter|policy)", 400),
        (r"not_found", 404),
        (r"server_error|internal|api_error|bad_gateway|upstream", 500),
    )
)


@dataclass(frozen=True)
class ErrorBody:
    """An error in a response; `status` is the HTTP status that its code means, None if that is unknown."""

    status: int | None
    codes: tuple[str, ...]
    message: str
    raw: Any = None
    """The whole error, which may say how long to wait."""


def error_in(document: Any) -> ErrorBody | None:
    """Return the error in a response with status 200; None if there is none."""
    if isinstance(document, list):
        errors = (error_in(item) for item in document)
        return next((error for error in errors if error is not None), None)
    if not isinstance(document, Mapping):
        return None
    for name in ("error", "errors"):
        if document.get(name):
            return described(document[name])
    if "choices" in document:
        return None
    is_error = document.get("object") == "error" or document.get("type") == "error"
    return described(document) if is_error or {"message", "detail"} & document.keys() else None


def described(error: Any) -> ErrorBody:
    """Describe a value that is known to be an error, whatever its form."""
    raw = error
    if isinstance(error, list):
        error = next((item for item in error if item), "")
    if isinstance(error, Mapping) and isinstance(error.get("error"), Mapping | str):
        error = error["error"]
    if not isinstance(error, Mapping):
        return ErrorBody(None, (), words(error), raw)
    values = (error.get(name) for name in ("code", "status", "type"))
    codes = tuple(str(value) for value in values if value not in (None, ""))
    message = next((error[name] for name in ("message", "detail", "msg", "reason") if error.get(name)), "")
    metadata = error.get("metadata")
    if isinstance(metadata, Mapping) and metadata.get("raw"):  # OpenRouter: what the model's host said
        message = f"{words(message)}: {words(metadata['raw'])}"
    status = next((status for code in codes if (status := meaning(code)) is not None), None)
    return ErrorBody(status, codes, words(message or error), raw)


def meaning(code: str) -> int | None:
    """Return the HTTP status that a code in a body means, a number or a name; None if it is unknown."""
    try:
        number = int(float(code))
    except (ValueError, OverflowError):
        number = 0
    if 400 <= number <= 599:
        return number
    name = re.sub(r"[^a-z0-9]+", "_", code.lower()[:100]).strip("_")
    return next((status for pattern, status in _MEANINGS if pattern.search(name)), None)


def words(value: Any) -> str:
    """Return the words of a provider for people: one line, no HTML, at most 300 characters."""
    text = html.unescape(_TAG.sub(" ", "" if value is None else str(value)[:50_000]))
    return " ".join(text.split())[:_LONGEST]


def without_secret(text: str, secret: str) -> str:
    """Remove an API key from a message, also where the provider shows its first and last characters only."""
    if secret == NO_KEY:
        return text
    text = text.replace(secret, "***")
    if len(secret) < 8:
        return text
    shown = re.compile(
        rf"{re.escape(secret[:2])}[\w-]{{0,12}}(?:\*|•|…|\.){{2,}}[\w-]{{0,12}}"
        rf"|[\w-]{{0,12}}(?:\*|•|…){{2,}}[\w-]{{0,12}}{re.escape(secret[-2:])}\b"
    )
    return shown.sub("***", text)
