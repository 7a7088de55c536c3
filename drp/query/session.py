"""A DuckDB session on the corpus that can read its parts and nothing else. `drp sql` uses it.

    con = open_session({"rollouts": ["/lake/rollouts/run_date=2026-11-20/a.parquet"]})
    check_statement(con, query)         # for queries from outside
    con.execute(query)

There are two locks, because neither is enough alone. First, the session can open only its parts, and its
settings cannot be changed any more. Second, only statements that read are allowed, because the first lock
still permits CREATE SECRET and `COPY ... TO` an allowed path.
"""

import re
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import Any
from uuid import uuid4

import duckdb
import pyarrow as pa

from drp.config import settings
from drp.core import BadInputError, DrpError, TerminalError
from drp.core.lake_schemas import STAGING_TABLES, TABLES
from drp.lake import Addresses
from drp.storage import LakeRefusedError, LakeUnavailableError

VIEWS = Path(__file__).with_name("views")
"""The views of every session, with one .sql file per view."""

_REFERRED = {
    "rollouts": ("revisions", "rollout_id"),
    "questions": ("rollouts", "question_id"),
    "reviews": ("revisions", "revision_id"),
}
"""Tables of which a night's session also has rows of other runs, with the table and the column that select
them: what the night builds on, and what people said of its revisions."""

# DuckDB evaluates this once per file: a filter on run_date skips files, and a GROUP BY costs nothing more.
_RUN_DATE = r"CAST(regexp_extract(filename, '/run_date=([^/]*)/[^/]*$', 1) AS DATE)"
"""The run date of a part: its folder directly above the file, and no other folder of its path."""

_STATE = "Nothing was changed"
_READING = {duckdb.StatementType.SELECT, duckdb.StatementType.EXPLAIN}
# EXPLAIN ANALYZE runs the statement that it explains, but DuckDB's parser does not expose that statement. So
# it is extracted with this pattern and checked separately.
_EXPLAIN = re.compile(r"\s*EXPLAIN\b(?:\s+ANALYZE\b)?(?P<explained>.*)", re.IGNORECASE | re.DOTALL)
# From here on, a message of DuckDB repeats the query with a marker below it, over several lines.
_QUERY_ECHO = re.compile(r"\n+LINE \d{1,9}:")


BATCH_ROWS = 256
"""Rows in memory at a time; few, because traces are long."""
MEMORY = "256MB"
"""DuckDB's memory limit for each query. Beyond it, DuckDB spills to disk."""
THREADS = 2
"""DuckDB's threads for each query; few, because each holds row groups of long texts."""


class QueryError(BadInputError):
    """A query that DuckDB could not parse or run."""


class QueryRefusedError(TerminalError):
    """A query that would do more than read the corpus."""


class PartsUnreadableError(TerminalError):
    """A part in the manifest is missing, or is not a Parquet file of its table."""


def open_session(
    parts: Mapping[str, Sequence[str]],
    *,
    earlier: Mapping[str, Sequence[str]] | None = None,
    with_part: bool = False,
    views: Path | None = VIEWS,
    memory_limit: str = "4GB",
    threads: int | None = None,
) -> duckdb.DuckDBPyConnection:
    """Create all tables of `lake_schemas` over their parts, and the views in `views`; lock the session.

    Args:
        parts: the Parquet files of each table, each directly in a folder `run_date=YYYY-MM-DD`. Other folders
            of their paths mean nothing. A table without parts exists and is empty.
        earlier: other parts. They contribute only those rollouts and questions that `parts` refer to, and the
            reviews of their revisions.
        with_part: give each table a last column `part`, the address of the row's file.
        views: a folder of .sql files, each with a CREATE VIEW statement; None for no views.
        memory_limit: DuckDB's memory limit. Beyond it, DuckDB spills up to 20 GB to a temporary folder.
        threads: the number of DuckDB's threads; one per core when None.

    Returns:
        A connection. Each table has the columns of its schema and `run_date` (DATE). Close it after use.

    Raises:
        PartsUnreadableError: a part is missing, or is not a Parquet file of its table.
    """
    config: dict[str, str | bool | int | float | list[str]] = {
        "autoinstall_known_extensions": False,
        "autoload_known_extensions": False,
        "allow_community_extensions": False,
        "python_enable_replacements": False,  # else a table name could refer to a Python variable
        "memory_limit": memory_limit,
        "temp_directory": str(Path(tempfile.gettempdir()) / f"drp-{uuid4().hex}"),  # made only to spill
        "max_temp_directory_size": "20GB",
    }
    if threads is not None:
        config["threads"] = threads
    con = duckdb.connect(":memory:", config=config)
    con.execute("SET TimeZone = 'UTC'")
    readable = [*chain(*parts.values(), *(earlier or {}).values())]
    if any(path.startswith("s3://") for path in readable):
        _reach_s3(con)
    staged = (table for table in STAGING_TABLES if table in parts)
    # `revisions` and `rollouts` come first, because the views of earlier rows refer to them.
    for table in dict.fromkeys(("revisions", "rollouts", *TABLES, *staged)):
        paths = parts.get(table, ())
        earlier_paths = [path for path in (earlier or {}).get(table, ()) if path not in paths]
        _create_view(con, table, paths, earlier_paths if table in _REFERRED else (), with_part)
    for path in sorted(views.glob("*.sql")) if views else ():
        con.execute(path.read_text(encoding="utf-8"))
    allowed = ", ".join(map(_literal, readable))
    con.execute(f"SET allowed_paths = [{allowed}]")
    con.execute("SET enable_external_access = false")
    con.execute("SET lock_configuration = true")
    return con


def open_bounded(addresses: Addresses) -> duckdb.DuckDBPyConnection:
    """Open a session with bounded memory, for stages: it does not grow with the night or the machine.

    Close the session after use.
    """
    return open_session(addresses, memory_limit=MEMORY, threads=THREADS)


def select(
    addresses: Addresses,
    query: str,
    parameters: Mapping[str, object] | None = None,
    *,
    wanted: Sequence[str] | None = None,
) -> Iterator[dict[str, Any]]:
    """Yield the rows of `query` over these parts. The ids in `wanted` are available as table `wanted(id)`."""
    con = open_bounded(addresses)
    try:
        if wanted is not None:
            con.register("wanted", pa.table({"id": pa.array(wanted, pa.string())}))
        reader = con.execute(query, parameters or {}).to_arrow_reader(BATCH_ROWS)
        for batch in reader:
            yield from batch.to_pylist()
    finally:
        con.close()


def check_statement(con: duckdb.DuckDBPyConnection, query: str) -> None:
    """Check that `query` is a single statement that only reads.

    Such a statement is a SELECT, WITH, FROM, VALUES, TABLE, DESCRIBE, SHOW, SUMMARIZE, PIVOT or UNPIVOT, or
    an EXPLAIN of one of them. The session that will run the query also parses it, so that both agree.

    Raises:
        QueryError: the query is empty or cannot be parsed.
        QueryRefusedError: there are several statements, or one that does more than read or has parameters.
    """
    try:
        statements = con.extract_statements(query)
    except duckdb.Error as error:
        raise explain(error) from error
    # DuckDB parses PIVOT into a SELECT and a preceding CREATE of a temporary type, which has no text.
    statements = [s for s in statements if not (s.type == duckdb.StatementType.CREATE and not s.query)]
    if not statements:
        raise QueryError("the query is empty", state=_STATE, next_command='drp sql "SHOW TABLES"')
    if len(statements) > 1:
        raise _refused(f"it has {len(statements)} statements, but only one is allowed")
    statement = statements[0]
    if statement.type not in _READING:
        raise _refused(f"{statement.type.name} does more than read")
    if statement.named_parameters:
        raise _refused("it has parameters, which cannot be given a value")
    if statement.type == duckdb.StatementType.EXPLAIN:
        match = _EXPLAIN.fullmatch(statement.query)
        if match is None:
            raise _refused("EXPLAIN must be its first word")
        check_statement(con, match["explained"])


def explain(error: duckdb.Error) -> DrpError:
    """Return an error of DuckDB as an error of DRP, in one line and without the text of the query."""
    if isinstance(error, duckdb.PermissionException):
        return _refused(_one_line(error))
    if isinstance(error, duckdb.IOException):
        return unreadable(error, "a part")
    return QueryError(_one_line(error), state=_STATE, next_command='drp sql "SHOW TABLES"')


def unreadable(error: duckdb.Error, what: str) -> DrpError:
    """Return why parts cannot be read: the store does not answer, it denies access, or parts are missing."""
    status = getattr(error, "status_code", 0) if isinstance(error, duckdb.HTTPException) else 0
    if status in (408, 429) or status >= 500:
        return LakeUnavailableError(settings().lake_root, _one_line(error))
    if status in (401, 403):
        return LakeRefusedError(settings().lake_root, _one_line(error))
    return PartsUnreadableError(
        f"{what} cannot be read: {_one_line(error)}",
        state="The lake was not changed",
        next_command="drp corpus verify, then drp sql --version N with an older version",
    )


def _reach_s3(con: duckdb.DuckDBPyConnection) -> None:
    """Let DuckDB read from the lake's bucket, with the httpfs extension that is installed as a package."""
    import duckdb_extension_httpfs

    from drp.storage import S3Store, open_store

    store = open_store(settings().lake_root)
    if not isinstance(store, S3Store):
        return
    folder = Path(duckdb_extension_httpfs.__file__).parent
    extension = next(folder.rglob(f"v{duckdb.__version__}/httpfs.duckdb_extension"))
    con.execute(f"LOAD {_literal(str(extension))}")
    con.execute("SET http_retries = 6")
    con.execute("SET http_retry_backoff = 2")  # 6 s in all
    access = store.access
    options = {
        "KEY_ID": _literal(access.key_id),
        "SECRET": _literal(access.secret),
        "REGION": _literal(access.region),
        "USE_SSL": str(access.use_ssl),
    }
    if access.session_token:
        options["SESSION_TOKEN"] = _literal(access.session_token)
    if access.path_style:
        options |= {"ENDPOINT": _literal(access.endpoint), "URL_STYLE": "'path'"}
    con.execute(f"CREATE SECRET lake (TYPE s3, {', '.join(f'{k} {v}' for k, v in options.items())})")


def _create_view(
    con: duckdb.DuckDBPyConnection,
    table: str,
    paths: Sequence[str],
    earlier_paths: Sequence[str],
    with_part: bool,
) -> None:
    try:
        query = _select_rows(con, (TABLES | STAGING_TABLES)[table], paths, with_part)
        if earlier_paths:
            referring_table, key = _REFERRED[table]
            earlier_rows = _select_rows(con, TABLES[table], earlier_paths, with_part)
            query += f" UNION ALL ({earlier_rows} SEMI JOIN {referring_table} USING ({key}))"
        con.execute(f"CREATE VIEW {table} AS {query}")
    except duckdb.Error as error:
        raise unreadable(error, f"a part of {table}") from error


def _select_rows(
    con: duckdb.DuckDBPyConnection, schema: pa.Schema, paths: Sequence[str], with_part: bool
) -> str:
    """Return a query for all rows of these parts. A column that an older part lacks is NULL there."""
    empty = con.from_arrow(schema.empty_table())
    nulls = {name: f"NULL::{kind} AS {name}" for name, kind in zip(empty.columns, empty.types, strict=True)}
    if not paths:
        columns = ", ".join(nulls.values())
        part = ", NULL::VARCHAR AS part" if with_part else ""
        return f"SELECT {columns}, NULL::DATE AS run_date{part} FROM range(0)"  # noqa: S608 (names are ours)
    files = ", ".join(_literal(path) for path in paths)
    # DuckDB would take every folder `key=value` above the lake for a column, which wins over the rows'.
    source = f"read_parquet([{files}], union_by_name = true, hive_partitioning = false, filename = true)"
    present = {row[0] for row in con.execute(f"DESCRIBE FROM {source}").fetchall()}
    columns = ", ".join(name if name in present else null for name, null in nulls.items())
    part = ", filename AS part" if with_part else ""
    return f"SELECT {columns}, {_RUN_DATE} AS run_date{part} FROM {source}"  # noqa: S608 (names are ours)


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _one_line(error: duckdb.Error) -> str:
    return " ".join(_QUERY_ECHO.split(str(error), maxsplit=1)[0].split())


def _refused(reason: str) -> QueryRefusedError:
    return QueryRefusedError(
        f"the query is refused: {reason}",
        state=_STATE,
        next_command='drp sql "SELECT ...", with --format csv or json to export rows',
    )
