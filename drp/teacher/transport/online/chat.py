"""One chat completion over the official client."""

import time
from collections.abc import Mapping

import httpx2
import openai

from drp.config import TeacherProfile
from drp.ledger import Completion, TeacherRequest
from drp.teacher.transport.responses import answer_in

CONNECT_S = 10.0
POOL = 16
"""Requests under way on one client. It looks through all its connections for a free one: with 256 of them
that was two fifths of the driver's work."""


def make_clients(profile: TeacherProfile, key: str) -> list[openai.AsyncOpenAI]:
    """Clients for all that may be under way, to be taken in turn.

    They retry nothing by themselves: what is tried again is for the ledger to know.
    """
    timeout = httpx2.Timeout(profile.limits.timeout_s, connect=CONNECT_S)
    sockets = httpx2.Limits(max_connections=profile.limits.in_flight, max_keepalive_connections=None)
    trusted = httpx2.create_ssl_context()  # takes a tenth of a second
    return [
        openai.AsyncOpenAI(
            api_key=key,
            base_url=profile.base_url,
            max_retries=0,
            timeout=timeout,
            http_client=openai.DefaultAsyncHttpxClient(limits=sockets, timeout=timeout, verify=trusted),
        )
        for _ in range(0, profile.limits.in_flight, POOL)
    ]


async def ask(client: openai.AsyncOpenAI, request: TeacherRequest) -> tuple[Completion, Mapping[str, str]]:
    """The answer and the headers that came with it.

    Raises:
        openai.OpenAIError, NoAnswerError: there is none.
    """
    sent = time.monotonic()
    # The body is what was hashed, byte for byte; the typed method would take it apart and build it again.
    response = await client.post("/chat/completions", body=request.body, cast_to=httpx2.Response)
    return answer_in(response.content, time.monotonic() - sent), response.headers
