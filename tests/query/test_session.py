"""The tables of a session, and the statements that it refuses."""

from datetime import date
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from drp.core.errors import BadInputError, TerminalError
from drp.core.lake_schemas import TABLES
from drp.query.session import (
    PartsUnreadableError,
    QueryError,
    QueryRefusedError,
    check_statement,
    open_session,
)
from tests.helpers.row_factories import (
    RUN_DATE,
    make_question,
    make_revision,
    make_rollout,
    one_of_each,
    write_parts,
)


def _columns(con: duckdb.DuckDBPyConnection, table: str) -> list[tuple[str, str]]:
    return [(row[0], row[1]) for row in con.execute(f"DESCRIBE {table}").fetchall()]


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("lake")


@pytest.fixture(scope="module")
def parts(lake: Path) -> dict[str, list[str]]:
    return write_parts(lake, one_of_each())


@pytest.fixture(scope="module")
def con(parts: dict[str, list[str]]) -> duckdb.DuckDBPyConnection:
    return open_session(parts)


@pytest.fixture(scope="module")
def empty() -> duckdb.DuckDBPyConnection:
    return open_session({})


@pytest.mark.parametrize("table", TABLES)
def test_every_table_exists_with_or_without_parts(
    con: duckdb.DuckDBPyConnection, empty: duckdb.DuckDBPyConnection, table: str
) -> None:
    assert empty.table(table).fetchall() == []
    assert con.table(table).project("run_date").distinct().fetchall() == [(RUN_DATE,)]
    assert [name for name, _ in _columns(con, table)] == [*TABLES[table].names, "run_date"]
    assert _columns(empty, table) == _columns(con, table)
    assert _columns(con, table)[-1] == ("run_date", "DATE")


def test_rows_of_several_dates_keep_theirs(tmp_path: Path) -> None:
    other = date(2026, 11, 21)
    rows = [make_rollout(), make_rollout(rollout_id="r2", run_date=other)]
    con = open_session(write_parts(tmp_path, {"rollouts": rows}))
    found = con.execute("SELECT rollout_id, run_date FROM rollouts ORDER BY ALL").fetchall()
    assert found == [("r1", RUN_DATE), ("r2", other)]


def test_earlier_parts_contribute_only_the_rows_that_a_night_refers_to(tmp_path: Path) -> None:
    tonight = write_parts(tmp_path / "tonight", {"revisions": [make_revision(rollout_id="r1")]})
    questions = [make_question(question_id="q1"), make_question(question_id="q2")]
    rollouts = [make_rollout(rollout_id="r1"), make_rollout(rollout_id="r2", question_id="q2")]
    earlier = write_parts(tmp_path / "earlier", {"questions": questions, "rollouts": rollouts})
    con = open_session(tonight, earlier=earlier)
    assert con.execute("SELECT rollout_id FROM rollouts").fetchall() == [("r1",)]
    assert con.execute("SELECT question_id FROM questions").fetchall() == [("q1",)]


def test_a_path_may_hold_quotes_and_wildcards(tmp_path: Path) -> None:
    folder = tmp_path / "o'brien's [lake]; DROP TABLE x --"
    con = open_session(write_parts(folder, {"rollouts": [make_rollout()]}))
    assert con.execute("SELECT rollout_id FROM rollouts").fetchall() == [("r1",)]


def test_a_missing_part_is_named(tmp_path: Path) -> None:
    parts = write_parts(tmp_path, {"steps": []}) | {
        "rollouts": [str(tmp_path / "run_date=2026-01-01/gone.parquet")]
    }
    with pytest.raises(PartsUnreadableError, match=r"rollouts.*gone\.parquet"):
        open_session(parts)


READING = [
    "SELECT 1",
    "WITH a AS (SELECT 1) FROM a",
    "FROM students",
    "VALUES (1), (2)",
    "TABLE rollouts",
    "DESCRIBE rollouts",
    "SHOW TABLES",
    "SUMMARIZE rollouts",
    "PIVOT decisions ON action USING count(*) GROUP BY revision_id",
    "EXPLAIN SELECT 1",
    "explain analyze FROM rollouts",
    "PRAGMA table_info('rollouts')",
    "-- a comment; with a semicolon\nSELECT 1 /* ; DROP VIEW rollouts */;",
]


@pytest.mark.parametrize("query", READING)
def test_statements_that_only_read_are_allowed(con: duckdb.DuckDBPyConnection, query: str) -> None:
    check_statement(con, query)
    assert con.execute(query).fetchall()


WRITING = [
    "COPY (SELECT 1) TO '{tmp}/out.csv'",
    "COPY (SELECT 1 AS a) TO '{part}'",
    "EXPORT DATABASE '{tmp}/out'",
    "IMPORT DATABASE '{tmp}/out'",
    "ATTACH '{tmp}/a.db'",
    "INSTALL httpfs",
    "LOAD httpfs",
    "SET memory_limit = '100GB'",
    "RESET threads",
    "PRAGMA threads = 3",
    "PRAGMA enable_profiling",
    "CREATE SECRET s (TYPE s3)",
    "CREATE TABLE x (a INTEGER)",
    "CREATE OR REPLACE VIEW rollouts AS SELECT 1",
    "DROP VIEW rollouts",
    "INSERT INTO rollouts (rollout_id) VALUES ('x')",
    "CALL pragma_version()",
    "CHECKPOINT",
    "BEGIN",
    "PREPARE p AS COPY (SELECT 1) TO '{tmp}/out.csv'",
    "EXECUTE p",
    "SELECT 1; SELECT 2",
    "SELECT 1; COPY (SELECT 1) TO '{tmp}/out.csv'",
    "SELECT 1 -- a comment\n; DROP VIEW rollouts",
    "SELECT 1 /* a comment */; DROP VIEW rollouts",
    "CREATE TYPE mood AS ENUM ('a'); SELECT 1",
    "PIVOT decisions ON action USING count(*); COPY (SELECT 1) TO '{tmp}/out.csv'",
    "EXPLAIN COPY (SELECT 1) TO '{tmp}/out.csv'",
    "EXPLAIN ANALYZE COPY (SELECT 1) TO '{tmp}/out.csv'",
    "EXPLAIN (ANALYZE) COPY (SELECT 1) TO '{tmp}/out.csv'",
    "EXPLAIN/**/ANALYZE COPY (SELECT 1) TO '{tmp}/out.csv'",
    "/**/EXPLAIN ANALYZE COPY (SELECT 1) TO '{tmp}/out.csv'",
    "EXPLAIN ANALYZE CREATE TABLE x (a INTEGER)",
    "SELECT $a",
]


@pytest.mark.parametrize("query", WRITING)
def test_statements_that_do_more_than_read_are_refused(
    con: duckdb.DuckDBPyConnection, parts: dict[str, list[str]], tmp_path: Path, query: str
) -> None:
    part = Path(parts["rollouts"][0])
    before = part.read_bytes()
    with pytest.raises((QueryRefusedError, QueryError)) as refusal:
        check_statement(con, query.format(tmp=tmp_path, part=part))
    assert "\n" not in str(refusal.value)
    assert list(tmp_path.iterdir()) == []
    assert part.read_bytes() == before


OUTSIDE = [
    "FROM read_csv('{secret}')",
    "FROM read_text('{secret}')",
    "FROM read_blob('{secret}')",
    "FROM '{secret}'",
    "FROM glob('{folder}/*')",
    "FROM sniff_csv('{secret}')",
    "FROM read_parquet('{other}')",
    "FROM parquet_metadata('{other}')",
    "FROM read_parquet('{folder}/**/*.parquet')",
    "FROM read_parquet('s3://bucket/x.parquet')",
    "FROM read_csv('https://example.com/x.csv')",
    "SELECT getenv('HOME')",
    "FROM duckdb_secrets()",
    "FROM query('COPY (SELECT 1) TO ''{folder}/out.csv''')",
    "FROM outsider",
]


@pytest.mark.parametrize("query", OUTSIDE)
def test_only_the_parts_of_the_session_can_be_read(
    con: duckdb.DuckDBPyConnection, lake: Path, tmp_path: Path, query: str
) -> None:
    unpublished = lake / "rollouts" / f"run_date={RUN_DATE}" / "unpublished.parquet"
    outsider = pa.table({"a": [1]})  # a variable of this program is not a table
    pq.write_table(outsider, unpublished)
    secret = tmp_path / "secret.csv"
    secret.write_text("a,b\n1,2\n")
    with pytest.raises(duckdb.Error):
        con.execute(query.format(secret=secret, folder=tmp_path, other=unpublished)).fetchall()


@pytest.mark.parametrize(
    "query", ["SET enable_external_access = true", "SET allowed_paths = ['/etc/passwd']", "SET threads = 1"]
)
def test_the_lock_holds_even_past_the_check(con: duckdb.DuckDBPyConnection, query: str) -> None:
    with pytest.raises(duckdb.Error, match="locked"):
        con.execute(query)


@pytest.mark.parametrize("query", ["", " ;", "-- nothing", "SELEC 1", "SELECT 'open"])
def test_an_invalid_query_is_bad_input(con: duckdb.DuckDBPyConnection, query: str) -> None:
    with pytest.raises(QueryError) as error:
        check_statement(con, query)
    assert isinstance(error.value, BadInputError)
    assert "drp sql" in str(error.value)
    assert "\n" not in str(error.value)


def test_a_refusal_is_terminal() -> None:
    assert issubclass(QueryRefusedError, TerminalError)


def test_data_beyond_the_memory_limit_is_spilled_and_removed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    con = open_session({}, memory_limit="60MB", threads=1)
    rows = con.execute("SELECT md5(range::VARCHAR) AS text FROM range(1500000) ORDER BY text")
    assert rows.fetchone() is not None
    assert list(tmp_path.rglob("*")), "nothing was spilled: the test proves nothing"
    con.close()
    assert list(tmp_path.iterdir()) == []
