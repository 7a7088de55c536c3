"""Connections to the database of the ledger and the registry: SQLite in a file, or PostgreSQL.

Every write is one transaction, which is durable when `write` returns. Its work must be idempotent: when
PostgreSQL drops a connection, it is unknown whether the transaction was committed, and `write` repeats it.
"""

import fcntl
import re
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any, TypeAlias, TypeVar

from sqlalchemy import URL, Connection, Engine, Table, create_engine, event, make_url
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import ArgumentError, DBAPIError

from drp.config import settings
from drp.core import BadInputError, DrpError
from drp.database.errors import DamagedDatabaseError, DatabaseRefusedError, DatabaseUnavailableError

T = TypeVar("T")
Insert: TypeAlias = "sqlite.Insert | postgresql.Insert"

_BUSY_S = 60
"""Seconds that a write waits for its turn on SQLite."""
_PAUSES_S = (0.1, 0.5, 2, 5)
"""Pauses before the retries of a write on PostgreSQL; long enough for a server to restart."""
_WRITES = "drp_writes"

_SQLITE_REFUSED = {
    sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_READONLY,
    sqlite3.SQLITE_PERM,
    sqlite3.SQLITE_AUTH,
}
_SQLITE_TRANSIENT = {
    sqlite3.SQLITE_BUSY,
    sqlite3.SQLITE_LOCKED,
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_PROTOCOL,
}
_SQLITE_DAMAGED = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_ERROR}
# An error while connecting has a message but no code. These messages need a person; all others are transient.
_CONNECT_REFUSED = re.compile(
    r"authentication failed|no password supplied|no pg_hba\.conf entry|does not exist"
)
_STATES_REFUSED = ("28", "3D", "42501")
_STATES_DAMAGED = ("42P01", "42703", "XX")
_STATES_TRANSIENT = ("08", "40", "53", "55", "57", "58")


class Database:
    """Connections to one database, for all threads of this process.

    Args:
        url: `sqlite:///path` (a relative path starts from DRP_HOME), or
            `postgresql+psycopg://user:password@host/name`.

    Raises:
        BadInputError: the URL is of neither kind.
        DatabaseUnavailableError, DatabaseRefusedError, DamagedDatabaseError: it cannot be opened.
    """

    def __init__(self, url: str) -> None:
        parsed = _parse(url)
        self.address = parsed.render_as_string(hide_password=True)
        self.is_sqlite = parsed.get_backend_name() == "sqlite"
        if self.is_sqlite:
            self._engine = _sqlite(parsed, self.address)
        else:
            self._engine = _postgresql(parsed)
        self._writing = self._engine.execution_options(**{_WRITES: True})
        self._write_lock = threading.Lock() if self.is_sqlite else nullcontext()

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """Open a transaction that only reads."""
        try:
            with self._engine.begin() as con:
                yield con
        except DBAPIError as error:
            raise self._explain(error) from error

    def write(self, work: Callable[[Connection], T]) -> T:
        """Run `work` in a transaction that is durable when this returns. `work` may run more than once.

        Raises:
            DatabaseUnavailableError: nothing was written, or it is unknown whether it was; call it again.
        """
        pauses = iter(() if self.is_sqlite else _PAUSES_S)
        while True:
            try:
                with self._write_lock, self._writing.begin() as con:
                    return work(con)
            except DBAPIError as error:
                explained = self._explain(error)
                pause = next(pauses, None)
                if pause is None or not isinstance(explained, DatabaseUnavailableError):
                    raise explained from error
            time.sleep(pause)

    def close(self) -> None:
        """Close all connections."""
        self._engine.dispose()

    def _explain(self, error: DBAPIError) -> DrpError | DBAPIError:
        """Return the matching error of DRP, or `error` itself if there is none (a bug in this program)."""
        cause = error.orig
        reason = " ".join(str(cause).split())
        if isinstance(cause, sqlite3.Error):
            code = (getattr(cause, "sqlite_errorcode", None) or sqlite3.SQLITE_ERROR) & 0xFF
            is_refused = code in _SQLITE_REFUSED
            is_damaged = code in _SQLITE_DAMAGED
            is_transient = code in _SQLITE_TRANSIENT
        else:
            state = getattr(cause, "sqlstate", None)
            if state is None:
                is_refused = bool(_CONNECT_REFUSED.search(reason))
                is_damaged = False
                is_transient = not is_refused
            else:
                is_refused = state.startswith(_STATES_REFUSED)
                is_damaged = state.startswith(_STATES_DAMAGED)
                is_transient = state.startswith(_STATES_TRANSIENT)
        if is_refused:
            return DatabaseRefusedError(self.address, reason)
        if is_damaged:
            return DamagedDatabaseError(self.address, reason)
        return DatabaseUnavailableError(self.address, reason) if is_transient else error


def insert(con: Connection, table: Table[Any]) -> Insert:
    """Return an INSERT that supports ON CONFLICT, whose syntax depends on the database."""
    return sqlite.insert(table) if con.dialect.name == "sqlite" else postgresql.insert(table)


def execute_many(con: Connection, statement: Any, rows: Sequence[Mapping[str, Any]]) -> None:
    """Run a statement once for each row. Without rows, do nothing."""
    if rows:
        con.execute(statement, rows)


def _parse(url: str) -> URL:
    try:
        parsed = make_url(url)
    except ArgumentError:  # its message may hold the password
        parsed = None
    kind = parsed and parsed.get_backend_name()
    if parsed is None or kind not in ("sqlite", "postgresql"):
        raise _bad_url("it is not a URL of SQLite or PostgreSQL")
    if kind == "postgresql":
        return parsed.set(drivername="postgresql+psycopg")
    if parsed.database in (None, "", ":memory:"):
        raise _bad_url("a database in memory would lose the record of what was paid")
    return parsed.set(drivername="sqlite", database=str(settings().home / str(parsed.database)))


def _bad_url(reason: str) -> BadInputError:
    return BadInputError(
        f"the address of the database cannot be used: {reason}",
        state="Nothing was read or written",
        next_command="set DRP_DATABASE_URL to sqlite:///path/drp.db or postgresql+psycopg://user:password@host/name",
    )


def _sqlite(url: URL, address: str) -> Engine:
    path = Path(str(url.database))
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.with_name(f".{path.name}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)  # two processes that switch to WAL at once fail despite timeouts
            con = sqlite3.connect(path, timeout=_BUSY_S)
            try:
                con.execute("PRAGMA journal_mode = WAL")
            finally:
                con.close()
    except OSError as error:
        raise DatabaseRefusedError(address, error.strerror or str(error)) from error
    except sqlite3.OperationalError as error:
        raise DatabaseUnavailableError(address, str(error)) from error
    except sqlite3.DatabaseError as error:
        raise DamagedDatabaseError(address, str(error)) from error

    # The driver begins transactions late, and never as IMMEDIATE. So its transactions are off: see `_begin`.
    engine = create_engine(
        url, hide_parameters=True, connect_args={"timeout": _BUSY_S, "isolation_level": None}
    )

    @event.listens_for(engine, "connect")
    def _connect(con: sqlite3.Connection, _: object) -> None:
        con.execute("PRAGMA synchronous = FULL")
        con.execute("PRAGMA foreign_keys = ON")

    @event.listens_for(engine, "begin")
    def _begin(con: Connection) -> None:
        con.exec_driver_sql("BEGIN IMMEDIATE" if con.get_execution_options().get(_WRITES) else "BEGIN")

    return engine


def _postgresql(url: URL) -> Engine:
    return create_engine(
        url,
        hide_parameters=True,
        pool_pre_ping=True,
        max_overflow=-1,  # a thread never waits for the connection of another
        isolation_level="READ COMMITTED",
        connect_args={"connect_timeout": 10},
    )
