"""The workers, which send requests, and whether they are alive.

A worker is a process. On the same host, the process table shows whether it is alive, so that a process that
is merely suspended is not taken for dead. On other hosts its heartbeat shows it, with the database's clock.
"""

import logging
import socket
import threading
from collections.abc import Iterable
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from types import TracebackType
from typing import Self
from uuid import uuid4

from sqlalchemy import Connection, delete, func, select

from drp.core import DrpError
from drp.database import Database, Instant, insert
from drp.ledger.database_tables import workers

_BEAT_S = 10.0
SILENCE = timedelta(seconds=60)
"""A worker on another host whose last heartbeat is older than this is dead."""

_log = logging.getLogger(__name__)


@cache
def this_host() -> str:
    """Return a name for the scope in which process ids are unique: a machine or container, since its boot."""
    boot_id = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    pid_namespace = Path("/proc/self/ns/pid").readlink()
    return f"{socket.gethostname()} {boot_id} {pid_namespace}"


def process_started(pid: int) -> int | None:
    """Return when a process started, in clock ticks since boot. None if it does not exist or is a zombie."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    state, *fields = stat.rpartition(")")[2].split()  # the name in parentheses may contain anything
    return None if state in "ZX" else int(fields[18])


def is_alive(host: str, pid: int, started: int, heartbeat_at: datetime, now: datetime) -> bool:
    """Return whether the worker with this row is alive; `now` is the time of the database."""
    if host == this_host():
        return process_started(pid) == started
    return now - heartbeat_at <= SILENCE


def living_workers(con: Connection) -> list[str]:
    """Return the ids of the workers that are alive."""
    now = func.current_timestamp(type_=Instant()).label("now")
    return [
        row.worker_id
        for row in con.execute(select(workers, now))
        if is_alive(row.host, row.pid, row.process_started, row.heartbeat_at, row.now)
    ]


def forget_others(con: Connection, living: Iterable[str]) -> None:
    """Delete the rows of all workers but the living ones."""
    con.execute(delete(workers).where(workers.c.worker_id.not_in(list(living))))


class Worker:
    """This process as a sender of requests, until its block ends. A thread writes its heartbeat.

        with ledger.worker() as worker:
            claim = ledger.claim(priced_requests, worker, ...)

    The next `recover` marks the attempts that are still in flight when the block ends as lost.
    """

    def __init__(self, database: Database, pid: int) -> None:
        self.worker_id = uuid4().hex
        self._database = database
        self._row = {
            "worker_id": self.worker_id,
            "host": this_host(),
            "pid": pid,
            "process_started": process_started(pid),
        }
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._keep_beating, name="drp-ledger-heartbeat", daemon=True)

    def __enter__(self) -> Self:
        self._database.write(self._beat)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended.set()
        self._thread.join()
        try:
            self._database.write(
                lambda con: con.execute(delete(workers).where(workers.c.worker_id == self.worker_id))
            )
        except DrpError as error:  # harmless: once the process has ended, it counts as dead anyway
            _log.warning("the row of this worker stays in the ledger: %s", error)

    def _beat(self, con: Connection) -> None:
        # An upsert, because another worker that took this one for dead has deleted its row.
        row = insert(con, workers).values(**self._row, heartbeat_at=func.current_timestamp())
        changes = {"heartbeat_at": func.current_timestamp()}
        con.execute(row.on_conflict_do_update(index_elements=[workers.c.worker_id], set_=changes))

    def _keep_beating(self) -> None:
        while not self._ended.wait(_BEAT_S):
            try:
                self._database.write(self._beat)
            except DrpError as error:
                _log.warning("the heartbeat of this worker could not be written: %s", error)
