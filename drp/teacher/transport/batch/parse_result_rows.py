"""Parse a row of a batch's output or error file."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import httpx2
import openai

from drp.ledger import Completion
from drp.teacher.transport.error_bodies import described, without_secret
from drp.teacher.transport.responses import answer_of
from drp.teacher.transport.retry_policy import NoAnswerError, RequestFault, fault_of

_NOT_DONE = {"batch_expired", "batch_cancelled"}
_NOWHERE = httpx2.Request("POST", "https://batch.invalid")


@dataclass(frozen=True)
class Row:
    """One row: an answer, a fault, or neither if the provider did not process the request."""

    request_id: str
    answer: Completion | None = None
    fault: RequestFault | None = None


def read_row(line: bytes, secret: str) -> Row | None:
    """Parse `line`; return None if it is not a row. The key `secret` is removed from messages."""
    try:
        row = json.loads(line)
        request_id, response, error = str(row["custom_id"]), row.get("response"), row.get("error")
        if response is None:
            return _without_response(request_id, error or {}, secret)
        status, body = int(response["status_code"]), response.get("body")
    except (ValueError, KeyError, TypeError, AttributeError):
        return None
    if status != 200:
        return Row(request_id, fault=fault_of(_status_error(status, body), secret))
    try:
        return Row(request_id, answer_of(body))
    except NoAnswerError as missing:
        return Row(request_id, fault=fault_of(missing, secret))


def _without_response(request_id: str, error: Mapping[str, Any], secret: str) -> Row:
    if str(error.get("code")) in _NOT_DONE:
        return Row(request_id)
    described_ = described(error)
    why = without_secret(" ".join((*described_.codes[:1], described_.message)), secret)
    return Row(request_id, fault=RequestFault("passing", why, None))


def _status_error(status: int, body: Any) -> openai.APIStatusError:
    """Return the error that the client would have raised if the request had been sent online."""
    error = body.get("error", body) if isinstance(body, Mapping) else None
    return openai.APIStatusError("", response=httpx2.Response(status, request=_NOWHERE), body=error)
