"""Rollout engine `server`: a student behind an OpenAI-compatible server such as `vllm serve`.

    for rollout in ServedEngine(student).sample(samples): ...

The server is self-hosted and its tokens are free, so failed requests are simply retried. If the student's
tokenizer is on this machine, it counts the tokens of the thinking and the server (`usage`) those of the whole
response; otherwise lengths are in characters.
"""

import os
from collections.abc import Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from itertools import islice
from pathlib import Path
from typing import Any

import openai

from drp.config import LONGEST, ThinkingMarks
from drp.core import CHARACTERS, BadInputError, FinishReason, Rollout, TransientError
from drp.student.engines.checkpoint_server import serve_checkpoint
from drp.student.protocol import SampleRequest, Student
from drp.student.response import Response, sample_seed, to_rollout
from drp.traces import TokenCounter

_MAX_RETRIES = 6
"""Retries of one request; the client waits longer each time."""
_REASONS: dict[str | None, FinishReason] = {"stop": "stop", "length": "length"}


class StudentUnavailableError(TransientError):
    """The student's server does not respond."""


class ServedEngine:
    """Question, seed and k determine a request; whether its response is reproducible is up to the server."""

    name = "server"

    def __init__(self, student: Student) -> None:
        """Sample the student of `student.server`."""
        assert student.server is not None  # noqa: S101 - this engine was chosen for it
        self._student, self._server = student, student.server
        folder = Path(student.model)
        self._token_counter = TokenCounter(folder if folder.is_dir() else None, student.thinking)

    def sample(self, samples: Iterable[SampleRequest]) -> Iterator[Rollout]:
        """Yield the requested rollouts as they are completed. A checkpoint gets a separate server.

        Raises:
            BadInputError: the server rejects a request.
            StudentUnavailableError: the server does not respond.
            CheckpointServerError: no server could be started for the checkpoint.
        """
        if self._student.is_checkpoint:
            requests = list(samples)
            with serve_checkpoint(self._student, requests) as self._server:
                yield from self._sample(requests)
        else:
            yield from self._sample(samples)

    def _sample(self, samples: Iterable[SampleRequest]) -> Iterator[Rollout]:
        key = os.environ.get(self._server.api_key_env, "") if self._server.api_key_env else "none"
        self._client = openai.OpenAI(base_url=self._server.base_url, api_key=key, max_retries=_MAX_RETRIES)
        queue = iter(samples)
        with ThreadPoolExecutor(self._server.in_flight) as threads:
            pending: set[Future[Rollout]] = set()
            try:
                while True:
                    room = 2 * self._server.in_flight - len(pending)
                    pending |= {threads.submit(self._request, sample) for sample in islice(queue, room)}
                    if not pending:
                        return
                    completed, pending = wait(pending, return_when=FIRST_COMPLETED)
                    for future in completed:
                        yield future.result()
            finally:
                threads.shutdown(wait=False, cancel_futures=True)

    def _request(self, sample: SampleRequest) -> Rollout:
        sampling = self._student.sampling
        prompt = self._student.prompt
        messages: Any = prompt.messages(sample.question.question)
        try:
            reply = self._client.chat.completions.create(
                model=self._server.model,
                messages=messages,
                temperature=sampling.temperature,
                top_p=sampling.top_p,
                seed=sample_seed(self._student, sample),
                max_tokens=sampling.max_tokens if sampling.max_tokens < LONGEST else openai.omit,
                extra_body={"chat_template_kwargs": prompt.template} if prompt.template else None,
            )
        except (openai.APIConnectionError, openai.InternalServerError, openai.RateLimitError) as error:
            raise StudentUnavailableError(
                f"the student's server at {self._server.base_url} does not respond: {error}",
                state="Rollouts sampled before it are kept",
                next_command="start the server, then run the same command again",
            ) from error
        except openai.APIStatusError as error:
            raise BadInputError(
                f"the student's server at {self._server.base_url} rejects question"
                f" {sample.question.question_id}: {error}",
                state="Rollouts sampled before it are kept",
                next_command="check server.model and its key in the recipe, then run the same command again",
            ) from error
        return self._rollout(sample, reply)

    def _rollout(self, sample: SampleRequest, reply: Any) -> Rollout:
        choice = reply.choices[0]
        thinking, summary = _parts(choice.message, self._student.thinking)
        total = reply.usage.completion_tokens
        length = self._token_counter.of(thinking, summary, self._token_counter.name)
        is_counted = self._token_counter.name != CHARACTERS
        response = Response(
            thinking,
            summary,
            _REASONS.get(choice.finish_reason, "unknown"),
            think_tokens=min(length.thinking, total) if is_counted else length.thinking,
            total_tokens=total if is_counted else length.total,
            token_counter=length.counter,
        )
        return to_rollout(self._student, self.name, sample, response)


def _parts(message: Any, marks: ThinkingMarks) -> tuple[str, str]:
    """Return thinking and answer summary, as separated by the server's reasoning parser or by their marks."""
    content = message.content or ""
    reasoning = getattr(message, "reasoning", None) or getattr(message, "reasoning_content", None)
    if reasoning is not None:
        return reasoning.strip(), content.strip()
    # the prompt may have opened the thinking: without an end mark all of the content is thinking
    thinking, summary, _ = marks.split(content)
    return thinking, summary
