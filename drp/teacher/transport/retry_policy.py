"""Classify why a request has no answer: slow down, try again, give this request up, or stop."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Literal, TypeAlias

import httpx2

from drp.ledger import NO_ROOM, Usage
from drp.teacher.transport.error_bodies import ErrorBody, described, meaning, without_secret
from drp.teacher.transport.requested_waits import requested_wait

FaultKind: TypeAlias = Literal["load", "passing", "row", "room", "refused"]
"""What to do about a fault.

`load`: the provider is overloaded or a rate limit is reached; send less.
`passing`: a temporary failure; try again.
`row`: this request cannot be answered.
`room`: prompt and longest reply do not fit into the model's context; ask for less.
`refused`: no request can be answered.
"""

SAME_REFUSALS = 5
"""So many requests in a row that fail with the same words, with no answer after them, refuse all requests."""

_NOTHING = Decimal(0)
_NEVER_SENT = (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.PoolTimeout)
_FULL = {429, 503, 529}
_ROOM = re.compile(  # codes and messages of providers for too many tokens
    r"context[ _](?:length|window|limit)|max(?:imum)?[_ ](?:model[_ ])?(?:context|len)"
    r"|max_(?:completion_|output_|new_)?tokens\b.{0,80}(?:too (?:large|high)|exceed|most|range|greater|less)"
    r"|maxOutputTokens|too many tokens|(?:prompt|input) is too long|(?:input|prompt) tokens? exceed",
    re.I | re.S,
)
_KEY = re.compile(  # Google reports an expired key as 400
    r"\bapi[ _-]?key\b|\b(?:credential|access token)s?\b"
    r"|\baccount\b.{0,40}\b(?:suspended|disabled|deactivated|not active|closed)\b",
    re.I | re.S,
)
_VARYING = re.compile(r"\S*\d\S*")  # numbers and request ids


@dataclass(frozen=True)
class RequestFault:
    """Why there is no answer. `cost` is 0 if nothing can have been billed, and None if that is unknown."""

    kind: FaultKind
    why: str
    cost: Decimal | None
    wait_s: float = 0.0
    """Seconds that the provider asked us to wait."""
    usage: Usage | None = None
    """Tokens that the provider billed although there is no answer, if it said so."""

    @property
    def words(self) -> str:
        """`why` without numbers and ids, equal for failures with one cause."""
        return _VARYING.sub("#", self.why)


class NoAnswerError(Exception):
    """A response with status 200 that holds no completion.

    Args:
        why: what it holds instead.
        billed: whether it may have been billed.
        usage: the tokens that it reports.
        error: the error in its body.
        headers: the headers of the response.
        is_load: whether the provider was overloaded.
    """

    def __init__(
        self,
        why: str,
        *,
        billed: bool = True,
        usage: Usage | None = None,
        error: ErrorBody | None = None,
        headers: Mapping[str, str] | None = None,
        is_load: bool = False,
    ) -> None:
        super().__init__(why)
        self.billed, self.usage, self.error = billed, usage, error
        self.headers, self.is_load = headers or {}, is_load


def fault_of(error: Exception, secret: str) -> RequestFault:
    """Classify an error of the client. The key `secret` is removed from the message."""
    fault = _fault_of(error)
    return replace(fault, why=without_secret(fault.why, secret))


def _fault_of(error: Exception) -> RequestFault:
    if isinstance(error, NoAnswerError):
        return _no_answer(error)
    import openai  # here, because the environments of jobs import this package and lack it

    if isinstance(error, openai.APIStatusError):
        return _of_status(error.status_code, described(error.body), error.response.headers)
    if isinstance(error, openai.APITimeoutError | TimeoutError):
        never_sent = isinstance(error.__cause__, _NEVER_SENT)
        return RequestFault("passing", "no answer in time", _NOTHING if never_sent else None)
    never_sent = isinstance(error.__cause__ or error, _NEVER_SENT)
    why = f"the connection failed ({type(error.__cause__ or error).__name__})"
    return RequestFault("passing", why, _NOTHING if never_sent else None)


def _no_answer(error: NoAnswerError) -> RequestFault:
    cost = None if error.billed else _NOTHING
    if error.error is not None:
        fault = _of_status(error.error.status, error.error, error.headers)
        if error.usage is None:
            return fault
        return replace(fault, cost=None, usage=error.usage)
    wait_s = requested_wait(error.headers)
    return RequestFault("load" if error.is_load else "passing", str(error), cost, wait_s, error.usage)


def _of_status(status: int | None, body: ErrorBody, headers: Mapping[str, str]) -> RequestFault:
    """Classify an error by its status, which a body under status 200 may lack, and by its words."""
    message, codes = body.message, [code.lower() for code in body.codes]
    code = next((code for code in body.codes if code != str(status)), "")
    wait_s = requested_wait(headers, body.raw)
    shown = " ".join(filter(None, (str(status or ""), code, message)))
    if status == 401:
        return RequestFault("refused", f"the key is wrong (401): {message}", _NOTHING)
    if status == 402 or 402 in map(meaning, codes):
        return RequestFault("refused", f"the account has no money left ({shown})", _NOTHING)
    if status == 403:
        return RequestFault("refused", f"the key has no permission (403): {message}", _NOTHING)
    if status == 404:
        return RequestFault("refused", f"no such model or address (404): {message}", _NOTHING)
    if status in _FULL:
        return RequestFault("load", shown, _NOTHING, wait_s)
    if status is None or status >= 500 or status in (408, 409):
        return RequestFault("passing", shown or "an error without a word", _NOTHING, wait_s)
    if _ROOM.search(f"{codes} {message}"):
        return RequestFault("room", f"{NO_ROOM}: {shown}", _NOTHING)
    if status == 400 and _KEY.search(message):
        return RequestFault("refused", shown, _NOTHING)
    return RequestFault("row", shown, _NOTHING)
