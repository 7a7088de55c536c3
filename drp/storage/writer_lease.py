"""One writer at a time, where the store ignores conditional writes and so cannot tell two apart.

A writer is a run, whatever number of processes it has. Its claim is the object `_writer.json`; it lasts until
the run ends, also through kills: a clock that could end it may jump.
"""

import json
import time

from drp.core import TerminalError
from drp.storage.store import ObjectStore

_CLAIM = "_writer.json"
_SETTLE = 1.0
"""Seconds after which the later of two claims has overwritten the earlier."""


class SecondWriterError(TerminalError):
    """Another run is writing to a store that ignores conditional writes."""

    def __init__(self, store: ObjectStore, run_id: str, holder: str) -> None:
        super().__init__(
            f"{run_id} may not write to the lake at {store.root}: the store ignores conditional writes, so "
            f"one run writes at a time, and {holder} has not ended",
            state="Nothing was written",
            next_command=f"finish {holder} by the command that began it; or, if it is gone for good, delete "
            f"{store.uri(_CLAIM)}, then run the same command again",
        )


def acquire(store: ObjectStore, run_id: str) -> None:
    """Make `run_id` the writer, or find that it is.

    Raises:
        SecondWriterError: another run is.
    """
    if store.is_conditional:
        return
    if (holder := _holder(store)) is None:
        store.put(_CLAIM, json.dumps({"run_id": run_id}).encode())
        time.sleep(_SETTLE)
        holder = _holder(store)
    if holder != run_id:
        raise SecondWriterError(store, run_id, holder or "another run")


def release(store: ObjectStore, run_id: str) -> None:
    """The run has ended."""
    if not store.is_conditional and _holder(store) == run_id:
        store.delete(_CLAIM)


def _holder(store: ObjectStore) -> str | None:
    data = store.get(_CLAIM)
    return str(json.loads(data)["run_id"]) if data else None
