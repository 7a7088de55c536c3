"""Classify why a request has no answer: slow down, try again, give this request up, or stop."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Literal, TypeAlias

import httpx2
import openai

FaultKind: TypeAlias = Literal["load", "passing", "row", "refused"]
"""What to do about a fault.

`load`: the provider is overloaded or a rate limit is reached; send less.
`passing`: a temporary failure; try again.
`row`: this request cannot be answered.
`refused`: no request can be answered.
"""

_NOTHING = Decimal(0)
_NEVER_SENT = (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.PoolTimeout)
_NO_MONEY = {"insufficient_quota", "billing_hard_limit_reached", "insufficient_balance"}
_FULL = {429, 503, 529}
_SPAN = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h)")  # "1m30s" of x-ratelimit-reset-requests
_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}
_LONGEST = 200  # characters of a provider's message that are kept


@dataclass(frozen=True)
class RequestFault:
    """Why there is no answer. `cost` is 0 if nothing can have been billed, and None if that is unknown."""

    kind: FaultKind
    why: str
    cost: Decimal | None
    wait_s: float = 0.0
    """Seconds that the provider asked us to wait."""


class NoAnswerError(Exception):
    """A response with status 200 that holds no completion."""

    def __init__(self, why: str, *, billed: bool) -> None:
        super().__init__(why)
        self.billed = billed


def fault_of(error: Exception, secret: str) -> RequestFault:
    """Classify an error of the client. The key `secret` is removed from the message."""
    if isinstance(error, NoAnswerError):
        return RequestFault("passing", str(error), None if error.billed else _NOTHING)
    if isinstance(error, openai.APIStatusError):
        return _of_status(error, secret)
    if isinstance(error, openai.APITimeoutError):
        never_sent = isinstance(error.__cause__, _NEVER_SENT)
        return RequestFault("passing", "no answer in time", _NOTHING if never_sent else None)
    never_sent = isinstance(error.__cause__ or error, _NEVER_SENT)
    why = f"the connection failed ({type(error.__cause__ or error).__name__})"
    return RequestFault("passing", why, _NOTHING if never_sent else None)


def _of_status(error: openai.APIStatusError, secret: str) -> RequestFault:
    status, headers = error.status_code, error.response.headers
    body: Mapping[str, Any] = error.body if isinstance(error.body, dict) else {}
    code = str(body.get("code") or body.get("type") or "")
    message = " ".join(str(body.get("message") or "").replace(secret, "***").split())[:_LONGEST]
    if status == 401:
        return RequestFault("refused", "the key is wrong (401)", _NOTHING)
    if status == 402 or code in _NO_MONEY:
        return RequestFault("refused", f"the account has no money left ({status} {code})", _NOTHING)
    if status == 403:
        return RequestFault("refused", f"the key has no permission (403): {message}", _NOTHING)
    if status == 404:
        return RequestFault("refused", f"no such model or address (404): {message}", _NOTHING)
    if status in _FULL:
        return RequestFault("load", f"{status} {message}", _NOTHING, span(headers.get("retry-after", "")))
    if status >= 500 or status in (408, 409):
        return RequestFault("passing", f"{status} {message}", _NOTHING, span(headers.get("retry-after", "")))
    return RequestFault("row", f"{status} {code} {message}", _NOTHING)


def span(text: str) -> float:
    """Return the seconds in "1m30s", "250ms" or "20"; 0 for anything else."""
    if parts := _SPAN.findall(text):
        return sum(float(number) * _SECONDS[unit] for number, unit in parts)
    try:
        return max(0.0, float(text))
    except ValueError:
        return 0.0
