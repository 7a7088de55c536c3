"""Streams in bounded batches (itertools.batched needs Python 3.12)."""

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import TypeVar

T = TypeVar("T")


def batched(items: Iterable[T], size: int) -> Iterator[list[T]]:
    """Lists of at most `size` items, in order; only one is held at a time."""
    stream = iter(items)
    while batch := list(islice(stream, size)):
        yield batch
