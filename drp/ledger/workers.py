"""Who sends requests, and whether they still live.

A worker is a process. On its own host the process table says whether it lives; from elsewhere its heartbeat,
which the database's clock stamps. So one that was
merely suspended is not taken for dead by its neighbours.
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
from drp.ledger.tables import workers

_BEAT_S = 10.0
SILENCE = timedelta(seconds=60)
"""A worker on another host that has been silent for so long is dead."""

_log = logging.getLogger(__name__)


@cache
def this_host() -> str:
    """Name of the place within which process ids mean one thing: a container, since its start."""
    boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    processes = Path("/proc/self/ns/pid").readlink()
    return f"{socket.gethostname()} {boot} {processes}"


def process_started(pid: int) -> int | None:
    """When a process started, in clock ticks since boot; None if there is none, or it is a zombie."""
    try:
        facts = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    state, *others = facts.rpartition(")")[2].split()  # the name before it may hold anything
    return None if state in "ZX" else int(others[18])


def is_alive(host: str, pid: int, started: int, heartbeat_at: datetime, now: datetime) -> bool:
    """Whether the worker with this row lives; `now` is the database's."""
    if host == this_host():
        return process_started(pid) == started
    return now - heartbeat_at <= SILENCE


def living_workers(con: Connection) -> list[str]:
    """Ids of the workers that live."""
    now = func.current_timestamp(type_=Instant()).label("now")
    return [
        row.worker_id
        for row in con.execute(select(workers, now))
        if is_alive(row.host, row.pid, row.process_started, row.heartbeat_at, row.now)
    ]


def forget_others(con: Connection, living: Iterable[str]) -> None:
    """Remove the rows of workers that are dead."""
    con.execute(delete(workers).where(workers.c.worker_id.not_in(list(living))))


class Worker:
    """This process as a sender of requests, until its block ends; a thread of its own beats its heart.

        with ledger.worker() as worker:
            claim = ledger.claim(wanted, worker, ...)

    What is still in flight when the block ends is nobody's, and the next `recover` marks it as lost.
    """

    def __init__(self, database: Database, pid: int) -> None:
        self.worker_id = uuid4().hex
        self._database = database
        self._facts = {
            "worker_id": self.worker_id,
            "host": this_host(),
            "pid": pid,
            "process_started": process_started(pid),
        }
        self._ended = threading.Event()
        self._heart = threading.Thread(target=self._beat_on, name="drp-ledger-heart", daemon=True)

    def __enter__(self) -> Self:
        self._database.write(self._beat)
        self._heart.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended.set()
        self._heart.join()
        try:
            self._database.write(
                lambda con: con.execute(delete(workers).where(workers.c.worker_id == self.worker_id))
            )
        except DrpError as left:  # the process ends, and that says the same
            _log.warning("the worker's row stays in the ledger: %s", left)

    def _beat(self, con: Connection) -> None:
        # An upsert: whoever took this worker for dead has removed its row.
        row = insert(con, workers).values(**self._facts, heartbeat_at=func.current_timestamp())
        now = {"heartbeat_at": func.current_timestamp()}
        con.execute(row.on_conflict_do_update(index_elements=[workers.c.worker_id], set_=now))

    def _beat_on(self) -> None:
        while not self._ended.wait(_BEAT_S):
            try:
                self._database.write(self._beat)
            except DrpError as error:
                _log.warning("no heartbeat: %s", error)
