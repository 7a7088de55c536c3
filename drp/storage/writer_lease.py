"""A lease for one writer at a time, for stores that ignore conditional writes.

A writer is a run, with any number of processes. Its lease is the object `_writer.json`. The lease lasts until
the run ends, even if the run is killed: it has no timeout, because clocks may jump.
"""

import json
import time
from dataclasses import dataclass

from drp.core import TerminalError
from drp.storage.store import ObjectStore

_LEASE = "_writer.json"
_SETTLE = 1.0
"""Seconds after which the later of two leases has overwritten the earlier one."""


class SecondWriterError(TerminalError):
    """Another run is writing to a store that ignores conditional writes."""

    def __init__(self, store: ObjectStore, run_id: str, holder: str) -> None:
        super().__init__(
            f"{run_id} may not write to the lake at {store.root}: the store ignores conditional writes, so "
            f"one run writes at a time, and {holder} has not ended",
            state="Nothing was written",
            next_command=f"finish {holder} with the command that started it (or, if it is gone for good, "
            f"delete {store.uri(_LEASE)}), then run the same command again",
        )


@dataclass(frozen=True)
class WriterLease:
    """The lease of one run on one store."""

    store: ObjectStore
    run_id: str

    def acquire(self) -> None:
        """Make the run the writer, unless it already is.

        Raises:
            SecondWriterError: another run is the writer.
        """
        if self.store.is_conditional:
            return
        if (holder := self._holder()) is None:
            self.store.put(_LEASE, json.dumps({"run_id": self.run_id}).encode())
            time.sleep(_SETTLE)
            holder = self._holder()
        if holder != self.run_id:
            raise SecondWriterError(self.store, self.run_id, holder or "another run")

    def release(self) -> None:
        """Give the lease back, because the run has ended."""
        if not self.store.is_conditional and self._holder() == self.run_id:
            self.store.delete(_LEASE)

    def _holder(self) -> str | None:
        data = self.store.get(_LEASE)
        return str(json.loads(data)["run_id"]) if data else None
