"""Answers, errors in the API's words, and answers that never arrive whole."""

import asyncio
import json
import secrets
import socket
import struct
from collections.abc import Mapping
from typing import Any

from starlette.responses import Response
from starlette.types import Receive, Scope, Send


def json_response(content: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """An answer with a request id."""
    return Response(
        json.dumps(content),
        status,
        {"x-request-id": f"req_{secrets.token_hex(16)}", **(headers or {})},
        "application/json",
    )


class ApiError(Exception):
    """An answer other than 200."""

    def __init__(
        self,
        status: int,
        message: str,
        *,
        type_: str = "invalid_request_error",
        code: str | None = None,
        param: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.status, self.headers = status, headers
        self.body = {"error": {"message": message, "type": type_, "param": param, "code": code}}

    def response(self) -> Response:
        """As it goes out."""
        return json_response(self.body, self.status, self.headers)


def server_error(status: int) -> ApiError:
    """500 or 503."""
    said = {
        500: "The server had an error while processing your request. Sorry about that!",
        503: "The engine is currently overloaded, please try again later",
    }
    return ApiError(status, said[status], type_="server_error")


def rate_limited(kind: str, wait_s: float | None, headers: Mapping[str, str] | None = None) -> ApiError:
    """429 that is over soon."""
    found = dict(headers or {})
    if wait_s is not None:
        found |= {"retry-after": str(max(1, round(wait_s))), "retry-after-ms": str(round(wait_s * 1000))}
    said = f"Rate limit reached for stand-in on {kind} per min."
    return ApiError(429, said, type_=kind, code="rate_limit_exceeded", headers=found)


class Reset(Response):
    """The connection is reset, and nothing was said."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        transport = scope["transport"]
        connection = transport.get_extra_info("socket")
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        transport.abort()
        await asyncio.sleep(0.01)  # until the server has seen it, and says nothing more


class Truncated(Response):
    """The connection ends in the middle of the body."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        half = self.body[: len(self.body) // 2]
        await send({"type": "http.response.body", "body": half, "more_body": True})
        scope["transport"].close()
        await asyncio.sleep(0.01)


class Hang(Response):
    """No answer until the client hangs up."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        while (await receive())["type"] != "http.disconnect":
            pass
