"""The loop of batched decoding: samples a token per row and step, and removes completed rows.

Every row has its own random generator, so that its text does not depend on the other rows of the batch, up to
the rounding of matrix products. Needs torch.
"""

import random
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol

import torch

_NUCLEUS = 64  # tokens searched for the nucleus first: it is hardly ever larger
_MIN_ACTIVE = 0.8  # the batch shrinks when less than this share of its rows is active


@dataclass
class Request:
    """A prompt, the maximum number of new tokens, and the random generator for sampling them."""

    prompt: Sequence[int]
    max_tokens: int
    rng: random.Random
    written: list[int] = field(default_factory=list)


class Decoded(NamedTuple):
    """The tokens written after a prompt, without the stop token; `request` is the index of the request."""

    request: int
    tokens: list[int]
    is_finished: bool


class DecodingState(Protocol):
    """The keys and values of a batch, as far as it is decoded."""

    def keep(self, rows: torch.Tensor) -> None:
        """Remove all rows except these."""


class BatchedDecoder(ABC):
    """A model that continues several prompts at once."""

    def __init__(self, model: Any, stops: frozenset[int], rows: int = 96) -> None:
        """`stops` are the ids of stop tokens; `rows` is the number of requests decoded in parallel."""
        self._model, self._stops, self._rows = model, stops, rows

    @abstractmethod
    def start(self, prompts: Sequence[Sequence[int]]) -> tuple[Any, torch.Tensor]:
        """Read the prompts. Return a `DecodingState` and the logits [n, vocabulary] of the next tokens."""

    @abstractmethod
    def step(self, state: Any, tokens: torch.Tensor) -> torch.Tensor:
        """Append one token per row, [n], and return the logits [n, vocabulary] of the next tokens."""

    def decode(self, requests: Sequence[Request], *, temperature: float, top_p: float) -> Iterator[Decoded]:
        """Yield the completion of each request, in the order in which they end.

        A temperature of 0 selects the most likely token; otherwise a token is sampled from the nucleus
        `top_p`.
        """
        for start in range(0, len(requests), self._rows):
            batch = list(enumerate(requests[start : start + self._rows], start))
            with torch.inference_mode():
                completed = list(self._batch(batch, temperature, top_p))
            yield from completed

    def _batch(
        self, batch: Sequence[tuple[int, Request]], temperature: float, top_p: float
    ) -> Iterator[Decoded]:
        rows: list[tuple[int, Request] | None] = list(batch)
        state, logits = self.start([request.prompt for _, request in batch])
        while True:
            uniforms = [row[1].rng.random() if row else 0.0 for row in rows]
            drawn = choose(logits, uniforms, temperature, top_p)
            for place, (row, token) in enumerate(zip(rows, drawn.tolist(), strict=True)):
                if row is None:
                    continue
                index, request = row
                is_finished = token in self._stops
                if not is_finished:
                    request.written.append(token)
                if is_finished or len(request.written) == request.max_tokens:
                    rows[place] = None
                    yield Decoded(index, request.written, is_finished)
            active = [place for place, row in enumerate(rows) if row]
            if not active:
                return
            if len(active) < _MIN_ACTIVE * len(rows):  # moving the cache costs about as much as a step
                rows = [rows[place] for place in active]
                kept = torch.tensor(active, device=drawn.device)
                drawn = drawn[kept]
                state.keep(kept)
            logits = self.step(state, drawn)


def choose(logits: torch.Tensor, uniforms: Sequence[float], temperature: float, top_p: float) -> torch.Tensor:
    """Return one token per row, [n] from [n, vocabulary], by inverse transform sampling with `uniforms`."""
    if temperature == 0:
        return logits.argmax(-1)
    probabilities = torch.softmax(logits.float() / temperature, -1)
    top, tokens = probabilities.topk(min(_NUCLEUS, probabilities.shape[-1]))
    if bool((top.double().sum(-1) < top_p).any()):
        top, tokens = probabilities.sort(descending=True)
    top = top.double()
    before = top.cumsum(-1) - top
    top = top.masked_fill(before >= top_p, 0)
    cumulative = top.cumsum(-1)
    targets = torch.tensor(uniforms, dtype=cumulative.dtype, device=cumulative.device) * cumulative[:, -1]
    place = (cumulative <= targets[:, None]).sum(-1).clamp(max=top.shape[-1] - 1)
    return tokens.gather(-1, place[:, None])[:, 0]
