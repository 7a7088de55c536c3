"""Rollout engine `server`: a student behind any OpenAI-compatible server, such as `vllm serve`.

    for rollout in ServedEngine(student).sample(wanted): ...

The server is ours, its tokens cost nothing: a request that failed is simply asked again. Tokens are counted
by the server (`usage`), those of the thinking by the student's tokenizer where that is on this machine.
"""

import os
from collections.abc import Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from itertools import islice
from pathlib import Path
from typing import Any

import openai

from drp.config import LONGEST
from drp.core import CHARACTERS, BadInputError, FinishReason, Rollout, TransientError
from drp.student.prompts import prompt
from drp.student.protocol import SampleRequest, Student
from drp.student.response import Response, sample_seed, to_rollout
from drp.traces import THINK, THOUGHT, TokenCounter

_TRIES = 6
"""Of one sample; the client waits longer each time."""
_REASONS: dict[str | None, FinishReason] = {"stop": "stop", "length": "length"}


class StudentUnavailableError(TransientError):
    """The student's server does not answer."""


class ServedEngine:
    """Question, seed and k decide what is asked; whether the server repeats itself is its affair."""

    name = "server"

    def __init__(self, student: Student) -> None:
        """`student.server` says where it is."""
        assert student.server is not None  # noqa: S101 - this engine was chosen for it
        self._student, self._server = student, student.server
        key = os.environ.get(self._server.api_key_env, "") if self._server.api_key_env else "none"
        self._client = openai.OpenAI(base_url=self._server.base_url, api_key=key, max_retries=_TRIES)
        folder = Path(student.model)
        self._lengths = TokenCounter(folder if folder.is_dir() else None)

    def sample(self, wanted: Iterable[SampleRequest]) -> Iterator[Rollout]:
        """The rollouts that are wanted, as they land.

        Raises:
            BadInputError: the server refuses a request for good.
            StudentUnavailableError: it does not answer.
        """
        source = iter(wanted)
        with ThreadPoolExecutor(self._server.in_flight) as threads:
            asked: set[Future[Rollout]] = set()
            try:
                while True:
                    room = 2 * self._server.in_flight - len(asked)
                    asked |= {threads.submit(self._ask, sample) for sample in islice(source, room)}
                    if not asked:
                        return
                    landed, asked = wait(asked, return_when=FIRST_COMPLETED)
                    for one in landed:
                        yield one.result()
            finally:
                threads.shutdown(wait=False, cancel_futures=True)

    def _ask(self, sample: SampleRequest) -> Rollout:
        sampling = self._student.sampling
        asked = prompt(self._student.prompt_version, sample.question.question)
        try:
            reply = self._client.chat.completions.create(
                model=self._server.model,
                messages=[{"role": "user", "content": asked}],
                temperature=sampling.temperature,
                top_p=sampling.top_p,
                seed=sample_seed(self._student, sample),
                max_tokens=sampling.max_tokens if sampling.max_tokens < LONGEST else openai.omit,
            )
        except (openai.APIConnectionError, openai.InternalServerError, openai.RateLimitError) as error:
            raise StudentUnavailableError(
                f"the student's server at {self._server.base_url} does not answer: {error}",
                state="What was rolled out before it is kept",
                next_command="start the server, then run the same command again",
            ) from error
        except openai.APIStatusError as error:
            raise BadInputError(
                f"the student's server at {self._server.base_url} refuses question"
                f" {sample.question.question_id}: {error}",
                state="What was rolled out before it is kept",
                next_command="check server.model and its key in the recipe, then run the same command again",
            ) from error
        return self._rollout(sample, reply)

    def _rollout(self, sample: SampleRequest, reply: Any) -> Rollout:
        choice = reply.choices[0]
        thinking, response = _parts(choice.message)
        total = reply.usage.completion_tokens
        length = self._lengths.of(thinking, response, self._lengths.name)
        is_counted = self._lengths.name != CHARACTERS
        said = Response(
            thinking,
            response,
            _REASONS.get(choice.finish_reason, "unknown"),
            think_tokens=min(length.thinking, total) if is_counted else length.thinking,
            total_tokens=total if is_counted else length.total,
            token_counter=length.counter,
        )
        return to_rollout(self._student, self.name, sample, said)


def _parts(message: Any) -> tuple[str, str]:
    """Thinking and answer summary: as a server with a reasoning parser separates them, or by their marks."""
    said = message.content or ""
    thought = getattr(message, "reasoning", None) or getattr(message, "reasoning_content", None)
    if thought is not None:
        return thought.strip(), said.strip()
    thinking, mark, response = said.partition(THOUGHT)
    if not mark and THINK not in said:
        # a prompt that opens the thinking leaves no mark before it: without an end nothing is an answer
        return said.strip(), ""
    return thinking.strip().removeprefix(THINK).strip(), response.strip()
