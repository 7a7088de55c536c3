"""Divide waiting requests into batches within the limits on requests, bytes and enqueued tokens."""

from collections.abc import Iterable
from dataclasses import dataclass

SMALLEST = 4
"""While others are pending, a batch that fills less than one part in this many of the token limit waits."""


@dataclass(frozen=True)
class Size:
    """Size of one request: bytes of its line in the file, and estimated tokens of its prompt."""

    bytes: int
    tokens: int


@dataclass(frozen=True)
class BatchLimits:
    """Limits of one batch; `enqueued_tokens` is for all batches that have not ended (None: unknown)."""

    enqueued_tokens: int | None
    requests: int = 50_000
    bytes: int = 200_000_000

    def too_large(self, size: Size) -> str | None:
        """Return why a request does not fit into any batch, or None."""
        if size.bytes > self.bytes:
            return f"its line has {size.bytes} bytes, and a batch takes {self.bytes}"
        if self.enqueued_tokens is not None and size.tokens > self.enqueued_tokens:
            return f"its prompt has {size.tokens} tokens, and the provider lets {self.enqueued_tokens} wait"
        return None


def cut(waiting: Iterable[tuple[str, Size]], limits: BatchLimits, *, enqueued: int) -> list[str]:
    """Return the ids for the next batch, from the front of `waiting`; none if it is better to wait for room.

    While no batch is pending, the first request is always taken, whatever its size.

    Args:
        waiting: (request id, size), in the order in which to send them.
        limits: limits of the batch.
        enqueued: tokens of the pending batches.
    """
    limit = limits.enqueued_tokens
    taken: list[str] = []
    total_bytes, tokens = 0, 0
    for request_id, request_size in waiting:
        if len(taken) == limits.requests or total_bytes + request_size.bytes > limits.bytes:
            break
        if limit is not None and (taken or enqueued) and enqueued + tokens + request_size.tokens > limit:
            return taken if not enqueued or tokens * SMALLEST >= limit else []
        taken.append(request_id)
        total_bytes += request_size.bytes
        tokens += request_size.tokens
    return taken
