"""Responses, errors in the API's format, and responses that do not arrive or arrive incomplete."""

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
    """Return a response with a request id."""
    return Response(
        json.dumps(content),
        status,
        {"x-request-id": f"req_{secrets.token_hex(16)}", **(headers or {})},
        "application/json",
    )


class ApiError(Exception):
    """A response with a status other than 200."""

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
        """Return the response."""
        return json_response(self.body, self.status, self.headers)


def server_error(status: int) -> ApiError:
    """Return the error for 500 or 503."""
    messages = {
        500: "The server had an error while processing your request. Sorry about that!",
        503: "The engine is currently overloaded, please try again later",
    }
    return ApiError(status, messages[status], type_="server_error")


def rate_limited(kind: str, wait_s: float | None, headers: Mapping[str, str] | None = None) -> ApiError:
    """Return the error 429, with or without the seconds to wait."""
    all_headers = dict(headers or {})
    if wait_s is not None:
        all_headers |= {
            "retry-after": str(max(1, round(wait_s))),
            "retry-after-ms": str(round(wait_s * 1000)),
        }
    message = f"Rate limit reached for stand-in on {kind} per min."
    return ApiError(429, message, type_=kind, code="rate_limit_exceeded", headers=all_headers)


class Reset(Response):
    """The connection is reset before the response."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        transport = scope["transport"]
        connection = transport.get_extra_info("socket")
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        transport.abort()
        await asyncio.sleep(0.01)  # until the server has noticed, so that it sends nothing more


class Truncated(Response):
    """The connection ends in the middle of the body."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        half = self.body[: len(self.body) // 2]
        await send({"type": "http.response.body", "body": half, "more_body": True})
        scope["transport"].close()
        await asyncio.sleep(0.01)


class Hang(Response):
    """No response until the client disconnects."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        while (await receive())["type"] != "http.disconnect":
            pass
