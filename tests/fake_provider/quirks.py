"""Quirks of real providers: completions of odd form, errors under status 200, odd ways to ask for a pause."""

import asyncio
import json
import time
from collections.abc import Callable, Mapping
from email.utils import formatdate
from typing import Any

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from tests.fake_provider.http_responses import json_response

Document = dict[str, Any]
LONG_S = 2
"""Seconds of the waits that end."""


def _with_message(content: object, answer: Document, **message: Any) -> Document:
    choice = answer["choices"][0]
    return {**answer, "choices": [choice | {"message": choice["message"] | {"content": content} | message}]}


def _text(answer: Document) -> str:
    return str(answer["choices"][0]["message"]["content"])


def _usage_of(answer: Document, number: Callable[[int], object]) -> Document:
    usage = answer["usage"]
    cached = usage["prompt_tokens_details"]["cached_tokens"]
    counts = {name: number(usage[name]) for name in ("prompt_tokens", "completion_tokens", "total_tokens")}
    return answer | {"usage": counts | {"prompt_tokens_details": {"cached_tokens": number(cached)}}}


def _failed(answer: Document, reason: str, **more: Any) -> Document:
    answer = _with_message(_text(answer)[:40], answer)
    return {**answer, "choices": [answer["choices"][0] | {"finish_reason": reason} | more]}


_OVERLOADED = {"code": 503, "message": "The model is overloaded.", "status": "UNAVAILABLE"}
DOCUMENTS: Mapping[str, Callable[[Document], Any]] = {
    # answers
    "parts": lambda answer: _with_message(
        [
            {"type": "thinking", "thinking": [{"type": "text", "text": "Let me see. {"}]},
            {"type": "text", "text": _text(answer)[:9]},
            {"type": "text", "text": _text(answer)[9:]},
        ],
        answer,
    ),
    "thinking": lambda answer: _with_message(
        f'<think>\nThe reply is like {{"steps": []}}.\n</think>\n\n{_text(answer)}', answer
    ),
    "usage_text": lambda answer: _usage_of(answer, str),
    "usage_floats": lambda answer: _usage_of(answer, float),
    "no_usage": lambda answer: answer | {"usage": None},
    "usage_list": lambda answer: answer | {"usage": [1, 2], "id": 17},
    # no answers, with the tokens that they cost
    "null_choices": lambda answer: answer | {"choices": None},
    "no_message": lambda answer: {**answer, "choices": [{"index": 0, "finish_reason": "stop"}]},
    "object_content": lambda answer: _with_message({"note": "an object"}, answer),
    "failed": lambda answer: _failed(answer, "error", native_finish_reason="ABORTED"),
    "no_resources": lambda answer: _failed(answer, "insufficient_system_resource"),
    "choice_error": lambda answer: _failed(
        answer, "stop", error={"code": 502, "message": "Upstream idle timeout exceeded"}
    ),
}
"""What a quirk makes of a completion, which is billed."""

ERRORS: Mapping[str, Any] = {
    "error_429": {"error": {"code": 429, "message": "Slow down, please.", "metadata": {"raw": "busy"}}},
    "error_list": [{"error": _OVERLOADED}],
    "error_text": {"error": "upstream connect error or disconnect before headers"},
    "error_name": {"error": {"type": "overloaded_error", "message": "Overloaded"}, "type": "error"},
    "no_money": {"error": {"code": "insufficient_quota", "message": "You are out of credits, top up."}},
}
"""Errors under status 200. Nothing is billed."""

REFUSALS: Mapping[str, tuple[int, Any]] = {
    "expired_key": (400, [{"error": {"code": 400, "message": "API key expired. Please renew the API key."}}]),
    "retired": (400, {"error": {"message": "Preview ended on 2026-11-30, request 7f3a.", "code": "gone"}}),
    "no_money_now": (200, ERRORS["no_money"]),
}
"""How a provider refuses all requests from some moment on (`expires_after`)."""

WAITS = ("wait_until_date", "wait_until_epoch", "wait_in_body", "wait_a_day")
SLOW = ("blank_lines", "drip")
OTHER = ("page",)
QUIRKS = (*DOCUMENTS, *ERRORS, *WAITS, *SLOW, *OTHER)


def unbilled(quirk: str | None) -> Response | None:
    """Return the response of a quirk that answers nothing and bills nothing; None for another one."""
    if quirk in ERRORS:
        return json_response(ERRORS[quirk])
    if quirk in REFUSALS:
        return json_response(REFUSALS[quirk][1], REFUSALS[quirk][0])
    if quirk == "page":
        page = "<html><head><style>h1 {}</style></head><body><h1>We will be back soon</h1></body></html>"
        return Response(page, 200, media_type="text/html")
    if quirk in WAITS:
        return _wait(str(quirk))
    return Drip(None) if quirk == "drip" else None


def _wait(quirk: str) -> Response:
    error: Document = {"message": f"Quota of this window used up ({quirk}).", "code": "rate_limit_exceeded"}
    headers = {}
    match quirk:
        case "wait_until_date":
            headers["retry-after"] = formatdate(time.time() + LONG_S, usegmt=True)
        case "wait_until_epoch":
            at = str(round((time.time() + LONG_S) * 1000))
            error["metadata"] = {"headers": {"X-RateLimit-Reset": at}}
        case "wait_in_body":
            error["details"] = [{"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "2s"}]
        case "wait_a_day":
            headers["retry-after"] = "86400"
    return json_response({"error": error}, 429, headers)


class Drip(Response):
    """Blank lines, as providers send them while they work: a few before the response, or for ever."""

    def __init__(self, response: Response | None) -> None:
        super().__init__(None if response is None else response.body, 200, media_type="application/json")
        self._is_endless = response is None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = [(name, value) for name, value in self.raw_headers if name != b"content-length"]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        lines = 0
        while self._is_endless or lines < 5:
            await send({"type": "http.response.body", "body": b"\n", "more_body": True})
            await asyncio.sleep(0.1)
            lines += 1
            if lines > 600:
                break
        await send({"type": "http.response.body", "body": self.body})


def twisted(quirk: str | None, answer: Document) -> Any:
    """Return what a quirk makes of a completion."""
    return json.loads(json.dumps(DOCUMENTS[quirk](answer))) if quirk in DOCUMENTS else answer
