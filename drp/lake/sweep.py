"""Find objects that are no longer needed. They are listed first, and deleted only on request.

An object is unneeded if it is a part that no shard file and no kept manifest refers to, a manifest that was
never published or was retired, or a leftover of a writer that died. Only objects older than a day qualify, by
the clock of the store: younger ones may belong to a night that is still running. What was withdrawn from the
corpus stays for a day after that, whatever its own age (`Lake.hold`).
"""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

from drp.core.lake_schemas import STAGING_TABLES, TABLES
from drp.lake.lake import HELD, Lake
from drp.lake.runs import run_ids

AGE = timedelta(days=1)


@dataclass(frozen=True)
class Unneeded:
    """An object to delete: its name, why it is unneeded, and its size (None if the store reports none)."""

    name: str
    why: str
    bytes: int | None
    delete: Callable[[], None]


def unneeded(lake: Lake, age: timedelta = AGE) -> Iterator[Unneeded]:
    """Yield everything that may be deleted. This function deletes nothing."""
    store = lake.store
    before = store.now() - age
    # Parts are listed before the references are read, so that a part written meanwhile is not in the list.
    tables = TABLES | STAGING_TABLES
    parts = [part for table in tables for part in store.listed(table) if part.written_at < before]
    referenced = _referenced_keys(lake) | _held_keys(lake, before)
    for part in parts:
        if part.key not in referenced:
            yield Unneeded(
                part.key, "no run and no version refers to it", part.bytes, partial(store.delete, part.key)
            )
    for stored in store.listed("_manifests"):
        if stored.written_at < before and stored.key not in referenced:
            yield Unneeded(
                stored.key,
                "it was retired" if "/retired/" in stored.key else "it was never published",
                stored.bytes,
                partial(store.delete, stored.key),
            )
    for stored in store.listed(HELD):
        if stored.written_at < before:
            yield Unneeded(stored.key, "its time is over", stored.bytes, partial(store.delete, stored.key))
    for leftover in store.unfinished():
        if leftover.written_at < before:
            yield Unneeded(leftover.name, "its writer did not finish", None, leftover.discard)


def _held_keys(lake: Lake, before: datetime) -> set[str]:
    young = [stored.key for stored in lake.store.listed(HELD) if stored.written_at >= before]
    return {key for held in young for key in json.loads(lake.store.get(held) or b"[]")}


def _referenced_keys(lake: Lake) -> set[str]:
    """Return the keys of all kept manifests, and of all parts that they or the runs refer to."""
    keys: set[str] = set()
    for run_id in run_ids(lake.store):
        for shard in lake.open_run(run_id).shard_files():
            keys.update(part.key for part in shard.parts)
    for versions in (lake.corpus, lake.results):
        for number in versions.numbers():
            keys.add(versions.key(number))
            keys.update(published.part.key for published in versions.read(number).parts)
    return keys
