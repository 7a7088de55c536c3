"""Request one chat completion with the official client."""

import asyncio
import time
from collections.abc import Mapping

import httpx2
import openai

from drp.config import TeacherProfile
from drp.ledger import Completion, TeacherRequest
from drp.teacher.transport.responses import answer_in

CONNECT_S = 10.0
GRACE_S = 1.0
"""So much longer than the client's own timeout, which knows whether the request was sent."""
POOL = 16
"""Requests in flight on one client. A client searches all its connections for a free one; with 256 of them
the search was two fifths of the driver's work."""


def make_clients(profile: TeacherProfile, key: str) -> list[openai.AsyncOpenAI]:
    """Return clients to use in turn, enough for all requests that may be in flight.

    They do not retry, because the ledger records every attempt.
    """
    timeout = httpx2.Timeout(profile.limits.timeout_s, connect=CONNECT_S)
    sockets = httpx2.Limits(max_connections=profile.limits.in_flight, max_keepalive_connections=None)
    ssl_context = httpx2.create_ssl_context()  # takes a tenth of a second, so the clients share it
    return [
        openai.AsyncOpenAI(
            api_key=key,
            base_url=profile.base_url,
            max_retries=0,
            timeout=timeout,
            http_client=openai.DefaultAsyncHttpxClient(limits=sockets, timeout=timeout, verify=ssl_context),
        )
        for _ in range(0, profile.limits.in_flight, POOL)
    ]


async def ask(
    client: openai.AsyncOpenAI, request: TeacherRequest, timeout_s: float
) -> tuple[Completion, Mapping[str, str]]:
    """Send a request and return the answer with the response headers.

    Raises:
        openai.OpenAIError, httpx2.HTTPError, NoAnswerError: there is no answer.
        TimeoutError: there is none after `timeout_s`. The client's own timeout is for the next byte, and some
            providers send blank lines while they work.
    """
    sent = time.monotonic()
    async with asyncio.timeout(timeout_s + GRACE_S):
        # Send exactly the body that was hashed; the typed method would build another one.
        response = await client.post("/chat/completions", body=request.body, cast_to=httpx2.Response)
    return answer_in(response.content, response.headers, time.monotonic() - sent), response.headers
