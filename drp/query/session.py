"""A DuckDB session on the corpus that can read its parts and nothing else: what is behind `drp sql`.

    con = open_session({"rollouts": ["/lake/rollouts/run_date=2026-11-20/a.parquet"]})
    check_statement(con, query)         # for what people write
    con.execute(query)

Two locks, because neither is enough alone. The session may open only the parts it was given, and its settings
cannot be changed any more; and of the statements only those that read are let through, as the lock leaves
`COPY ... TO` an allowed path, and CREATE SECRET, open.
"""

import re
import tempfile
from collections.abc import Mapping, Sequence
from itertools import chain
from pathlib import Path
from uuid import uuid4

import duckdb
import pyarrow as pa

from drp.config import settings
from drp.core import BadInputError, DrpError, TerminalError
from drp.core.schemas import STAGING_TABLES, TABLES
from drp.storage import LakeRefusedError, LakeUnavailableError

_RUN_DATE = "/run_date=([0-9-]+)/[^/]*$"
"""Where the address of a part says its run date."""
VIEWS = Path(__file__).with_name("views")
"""The views that every session has: one .sql file each."""

_REFERRED = {"rollouts": ("revisions", "rollout_id"), "questions": ("rollouts", "question_id")}
"""Tables whose earlier rows a night builds on; what refers to them, and by which column."""

_STATE = "Nothing was changed"
_READING = {duckdb.StatementType.SELECT, duckdb.StatementType.EXPLAIN}
# EXPLAIN ANALYZE runs what it explains, which DuckDB's parser does not tell: it is looked at by itself.
_EXPLAIN = re.compile(r"\s*EXPLAIN\b(?:\s+ANALYZE\b)?(?P<explained>.*)", re.IGNORECASE | re.DOTALL)
# From here on DuckDB repeats the query with a mark below it, over several lines.
_QUERY_ECHO = re.compile(r"\n+LINE \d{1,9}:")


class QueryError(BadInputError):
    """A query that DuckDB could not read or run."""


class QueryRefusedError(TerminalError):
    """A query that would do more than read the corpus."""


class PartsUnreadableError(TerminalError):
    """A part that the manifest names is missing or is not Parquet of its table."""


def open_session(
    parts: Mapping[str, Sequence[str]],
    *,
    earlier: Mapping[str, Sequence[str]] | None = None,
    views: Path = VIEWS,
    memory_limit: str = "4GB",
    threads: int | None = None,
) -> duckdb.DuckDBPyConnection:
    """Open every table of `drp.core.schemas` over its parts, and the views of `views`, then lock the session.

    Args:
        parts: the Parquet files of each table, each below a folder `run_date=YYYY-MM-DD`. A table without
            parts is there and is empty.
        earlier: other parts, of which only the rollouts and questions are there that these parts refer to.
        views: a folder of .sql files, each a CREATE VIEW.
        memory_limit: of DuckDB; what needs more is spilled to a temporary folder, to 20 GB.
        threads: of DuckDB; as many as it finds cores when None.

    Returns:
        A connection with the columns of the schema and `run_date` (DATE) in each table. Close it.

    Raises:
        PartsUnreadableError: a part is missing or is not what its table says.
    """
    config: dict[str, str | bool | int | float | list[str]] = {
        "autoinstall_known_extensions": False,
        "autoload_known_extensions": False,
        "allow_community_extensions": False,
        "python_enable_replacements": False,  # else a table name finds variables of this program
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
    # what refers before what is referred to
    for table in dict.fromkeys(("revisions", "rollouts", *TABLES, *staged)):
        own = parts.get(table, ())
        rest = [path for path in (earlier or {}).get(table, ()) if path not in own]
        _create_view(con, table, own, rest if table in _REFERRED else ())
    for path in sorted(views.glob("*.sql")):
        con.execute(path.read_text(encoding="utf-8"))
    allowed = ", ".join(map(_literal, readable))
    con.execute(f"SET allowed_paths = [{allowed}]")
    con.execute("SET enable_external_access = false")
    con.execute("SET lock_configuration = true")
    return con


def check_statement(con: duckdb.DuckDBPyConnection, query: str) -> None:
    """Let `query` through if it is one statement that only reads.

    That is a SELECT, WITH, FROM, VALUES, TABLE, DESCRIBE, SHOW, SUMMARIZE, PIVOT, UNPIVOT or EXPLAIN of one.
    It is parsed by the session that will run it, so that nothing is understood in two ways.

    Raises:
        QueryError: it cannot be parsed, or is empty.
        QueryRefusedError: several statements, one that does more than read, or one with parameters.
    """
    try:
        statements = con.extract_statements(query)
    except duckdb.Error as error:
        raise explain(error) from error
    # PIVOT is parsed into a SELECT and, before it, the creation of a temporary type that has no text.
    asked = [s for s in statements if not (s.type == duckdb.StatementType.CREATE and not s.query)]
    if not asked:
        raise QueryError("the query is empty", state=_STATE, next_command='drp sql "SHOW TABLES"')
    if len(asked) > 1:
        raise _refused(f"there are {len(asked)} statements, and one is run at a time")
    statement = asked[0]
    if statement.type not in _READING:
        raise _refused(f"{statement.type.name} does more than read")
    if statement.named_parameters:
        raise _refused("it has parameters, and there is nothing to fill them with")
    if statement.type == duckdb.StatementType.EXPLAIN:
        match = _EXPLAIN.fullmatch(statement.query)
        if match is None:
            raise _refused("EXPLAIN must be its first word")
        check_statement(con, match["explained"])


def explain(error: duckdb.Error) -> DrpError:
    """What DuckDB says of a query, in one line and without the query."""
    if isinstance(error, duckdb.PermissionException):
        return _refused(_one_line(error))
    if isinstance(error, duckdb.IOException):
        return unreadable(error, "a part")
    return QueryError(_one_line(error), state=_STATE, next_command='drp sql "SHOW TABLES"')


def unreadable(error: duckdb.Error, what: str) -> DrpError:
    """Why parts cannot be read: the store does not answer, does not let us in, or they are not there."""
    status = getattr(error, "status_code", 0) if isinstance(error, duckdb.HTTPException) else 0
    if status in (408, 429) or status >= 500:
        return LakeUnavailableError(settings().lake_root, _one_line(error))
    if status in (401, 403):
        return LakeRefusedError(settings().lake_root, _one_line(error))
    return PartsUnreadableError(
        f"{what} cannot be read: {_one_line(error)}",
        state="The lake was not changed",
        next_command="drp corpus verify, then drp sql --version N with an older one",
    )


def _reach_s3(con: duckdb.DuckDBPyConnection) -> None:
    """Let DuckDB read from the lake's bucket, by the extension that is installed beside it."""
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
    con: duckdb.DuckDBPyConnection, table: str, own: Sequence[str], earlier: Sequence[str]
) -> None:
    query = _rows(con, (TABLES | STAGING_TABLES)[table], own)
    if earlier:
        by, key = _REFERRED[table]
        query += f" UNION ALL ({_rows(con, TABLES[table], earlier)} SEMI JOIN {by} USING ({key}))"
    try:
        con.execute(f"CREATE VIEW {table} AS {query}")
    except duckdb.Error as error:
        raise unreadable(error, f"a part of {table}") from error


def _rows(con: duckdb.DuckDBPyConnection, schema: pa.Schema, paths: Sequence[str]) -> str:
    """A query for all rows of these parts of a table; a column that an older part lacks is NULL there.

    DuckDB is told the columns, so that it opens no part before a query needs it. `run_date` comes from the
    folder of the part alone: other folders of the form `key=value` above the lake are no columns.
    """
    empty = con.from_arrow(schema.empty_table())
    types = list(zip(empty.columns, empty.types, strict=True))
    if not paths:
        columns = ", ".join([*(f"NULL::{kind} AS {name}" for name, kind in types), "NULL::DATE AS run_date"])
        return f"SELECT {columns} FROM range(0)"  # noqa: S608 (names are ours)
    files = ", ".join(_literal(path) for path in paths)
    known = ", ".join(
        f"{_literal(name)}: {{name: {_literal(name)}, type: {_literal(str(kind))}, default_value: NULL}}"
        for name, kind in types
    )
    columns = ", ".join([*schema.names, f"regexp_extract(filename, '{_RUN_DATE}', 1)::DATE AS run_date"])
    source = f"read_parquet([{files}], filename = true, schema = MAP {{{known}}})"
    return f"SELECT {columns} FROM {source}"  # noqa: S608 (names are ours)


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _one_line(error: duckdb.Error) -> str:
    return " ".join(_QUERY_ECHO.split(str(error), maxsplit=1)[0].split())


def _refused(why: str) -> QueryRefusedError:
    return QueryRefusedError(
        f"the query is refused: {why}",
        state=_STATE,
        next_command='drp sql "SELECT ..." with --format csv or json to take rows elsewhere',
    )
