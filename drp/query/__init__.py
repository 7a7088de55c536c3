"""SQL on the lake: a locked DuckDB session, streamed rows, and the difference between versions."""

from drp.query.diff import Difference, difference
from drp.query.output import run_query, write_rows
from drp.query.session import PartsUnreadableError, QueryError, QueryRefusedError, open_session
from drp.query.stream import THREADS, open_bounded, select

__all__ = [
    "THREADS",
    "Difference",
    "PartsUnreadableError",
    "QueryError",
    "QueryRefusedError",
    "difference",
    "open_bounded",
    "open_session",
    "run_query",
    "select",
    "write_rows",
]
