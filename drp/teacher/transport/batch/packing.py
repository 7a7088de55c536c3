"""Cuts what waits into batches: by requests, by bytes and by the tokens that a provider lets wait at once."""

from collections.abc import Iterable
from dataclasses import dataclass

SMALLEST = 4
"""While others are out, a batch that fills less than this part of the token limit waits for more room."""


@dataclass(frozen=True)
class Size:
    """Of one request: bytes of its line in the file, tokens of its prompt as estimated."""

    bytes: int
    tokens: int


@dataclass(frozen=True)
class BatchLimits:
    """Of one batch; `enqueued_tokens` of all that have not ended (None: no limit is known)."""

    enqueued_tokens: int | None
    requests: int = 50_000
    bytes: int = 200_000_000

    def too_large(self, size: Size) -> str | None:
        """Why a request fits into no batch, or None."""
        if size.bytes > self.bytes:
            return f"its line has {size.bytes} bytes, and a batch takes {self.bytes}"
        if self.enqueued_tokens is not None and size.tokens > self.enqueued_tokens:
            return f"its prompt has {size.tokens} tokens, and the provider lets {self.enqueued_tokens} wait"
        return None


def cut(waiting: Iterable[tuple[str, Size]], limits: BatchLimits, *, enqueued: int) -> list[str]:
    """Ids for the next batch, from the front of `waiting`; none if it is better to wait for room.

    While nothing is out the first one goes, however large.

    Args:
        waiting: (request id, size) in the order in which they are to go.
        limits: to keep to.
        enqueued: tokens of the batches that are out.
    """
    limit = limits.enqueued_tokens
    taken: list[str] = []
    size, tokens = 0, 0
    for request_id, own in waiting:
        if len(taken) == limits.requests or size + own.bytes > limits.bytes:
            break
        if limit is not None and (taken or enqueued) and enqueued + tokens + own.tokens > limit:
            return taken if not enqueued or tokens * SMALLEST >= limit else []
        taken.append(request_id)
        size, tokens = size + own.bytes, tokens + own.tokens
    return taken
