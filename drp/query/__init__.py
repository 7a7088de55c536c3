"""SQL on the lake: a locked DuckDB session, streams of rows, and the difference between versions."""

from drp.query.output import run_query, write_rows
from drp.query.session import (
    BATCH_ROWS,
    THREADS,
    PartsUnreadableError,
    QueryError,
    QueryRefusedError,
    open_bounded,
    open_session,
    select,
)
from drp.query.version_diff import Difference, difference

__all__ = [
    "BATCH_ROWS",
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
