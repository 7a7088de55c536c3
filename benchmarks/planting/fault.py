"""A planted fault, and how a text is cut."""

import random
from collections.abc import Callable
from typing import NamedTuple, TypeAlias

from benchmarks.planting.sources import Revision


class Fault(NamedTuple):
    """A changed revision. `original` and `response` are None where they stay as they were.

    `response` is the revised response; `span` is in it where `field` says so, else in the revised thinking.
    """

    revised: str
    change: str
    span: tuple[int, int]
    original: str | None = None
    response: str | None = None
    field: str = "revised_thinking"


Planter: TypeAlias = Callable[[random.Random, Revision], Fault | None]


def cut(revised: str, start: int, end: int, change: str, original: str | None = None) -> Fault:
    """The fault of a text that lacks `revised[start:end]`."""
    rest = (revised[:start] + revised[end:]).strip()
    place = min(start, len(rest))
    return Fault(rest, f"{change}: {revised[start:end].strip()}", (place, place), original)


def put(revised: str, start: int, end: int, new: str, change: str, original: str | None = None) -> Fault:
    """The fault of a text with `new` in place of `revised[start:end]`."""
    text = revised[:start] + new + revised[end:]
    return Fault(
        text,
        f"{change}: {revised[start:end].strip()!r} -> {new.strip()!r}",
        (start, start + len(new)),
        original,
    )
