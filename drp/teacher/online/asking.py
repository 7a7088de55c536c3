"""One chat completion over the official client, and what its answer says."""

import json
import time
from collections.abc import Mapping
from typing import Any

import httpx2
import openai

from drp.teacher.online.faults import NoAnswerError
from drp.teacher.profiles import TeacherProfile
from drp.teacher.requests import Answer, TeacherRequest, Usage

CONNECT_S = 10.0


def make_client(profile: TeacherProfile, key: str) -> openai.AsyncOpenAI:
    """A client that retries nothing by itself: what is tried again is for the ledger to know."""
    timeout = httpx2.Timeout(profile.limits.timeout_s, connect=CONNECT_S)
    sockets = httpx2.Limits(max_connections=profile.limits.in_flight, max_keepalive_connections=None)
    return openai.AsyncOpenAI(
        api_key=key,
        base_url=profile.base_url,
        max_retries=0,
        timeout=timeout,
        http_client=openai.DefaultAsyncHttpxClient(limits=sockets, timeout=timeout),
    )


async def ask(client: openai.AsyncOpenAI, request: TeacherRequest) -> tuple[Answer, Mapping[str, str]]:
    """The answer and the headers that came with it.

    Raises:
        openai.OpenAIError, NoAnswerError: there is none.
    """
    sent = time.monotonic()
    # The body is what was hashed, byte for byte; the typed method would take it apart and build it again.
    response = await client.post("/chat/completions", body=request.body, cast_to=httpx2.Response)
    return answer_in(response.content, time.monotonic() - sent), response.headers


def answer_in(body: bytes, latency_s: float | None) -> Answer:
    """The answer in the body of a response.

    Raises:
        NoAnswerError: it is no completion.
    """
    try:
        document = json.loads(body)
    except ValueError as error:
        raise NoAnswerError("the response is no JSON (cut on the way?)", billed=True) from error
    if not isinstance(document, dict) or not document.get("choices"):
        said = isinstance(document, dict) and document.get("error")
        raise NoAnswerError(f"the response holds no choice: {str(said or '')[:200]}", billed=not said)
    choice = document["choices"][0]
    message = choice.get("message") or {}
    return Answer(
        provider_id=document.get("id"),
        text=message.get("content"),
        refusal=message.get("refusal"),
        finish_reason=choice.get("finish_reason"),
        usage=_usage(document.get("usage")),
        latency_s=latency_s,
    )


def _usage(said: Mapping[str, Any] | None) -> Usage | None:
    if not said or said.get("prompt_tokens") is None or said.get("completion_tokens") is None:
        return None
    details = said.get("prompt_tokens_details") or {}
    cached = details.get("cached_tokens") or said.get("prompt_cache_hit_tokens") or 0  # DeepSeek's name
    return Usage(said["prompt_tokens"], cached, said["completion_tokens"])
