"""What nobody needs any more: found and shown first, deleted when told to.

Unneeded are parts that no run file and no kept manifest names, manifests that were never pointed at, and
what writers that died have left. Only what is older than a day counts, by the clock that stamped it: younger
things may belong to a night that is still at work.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from functools import partial

from drp.core.schemas import TABLES
from drp.lake.lake import Lake
from drp.lake.runs import run_ids

AGE = timedelta(days=1)


@dataclass(frozen=True)
class Unneeded:
    """One thing to delete: its name, why nobody needs it, its size (None where the store does not tell)."""

    name: str
    why: str
    bytes: int | None
    delete: Callable[[], None]


def unneeded(lake: Lake, age: timedelta = AGE) -> Iterator[Unneeded]:
    """All that may be deleted; nothing is.

    The listing comes before the names: a part that is named meanwhile is younger than the listing.
    """
    store = lake.store
    before = store.now() - age
    parts = [part for table in TABLES for part in store.listed(table) if part.written_at < before]
    named = _named(lake)
    for part in parts:
        if part.key not in named:
            yield Unneeded(
                part.key, "no run and no version names it", part.bytes, partial(store.delete, part.key)
            )
    for stored in store.listed("_manifests"):
        if stored.written_at < before and stored.key not in named:
            yield Unneeded(
                stored.key,
                "it was never published",
                stored.bytes,
                partial(store.delete, stored.key),
            )
    for left in store.unfinished():
        if left.written_at < before:
            yield Unneeded(left.name, "its writer did not end", None, left.discard)


def _named(lake: Lake) -> set[str]:
    """Keys of all manifests that are kept, and of all parts that they or the runs name."""
    named: set[str] = set()
    for run_id in run_ids(lake.store):
        for done in lake.open_run(run_id).shard_files():
            named.update(part.key for part in done.parts)
    for versions in (lake.corpus, lake.results):
        for number in versions.numbers():
            named.add(versions.key(number))
            named.update(published.part.key for published in versions.read(number).parts)
    return named
