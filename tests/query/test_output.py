"""`run_query` writes rows for people and for programs."""

import csv
import io
import json
from pathlib import Path

import duckdb
import pytest

from drp.query.output import Format, run_query
from drp.query.session import QueryError, QueryRefusedError, open_session
from tests.helpers.row_factories import make_rollout, one_of_each, write_parts

EVERYTHING = r"""
SELECT 1 AS n, NULL AS nothing, 'nan'::DOUBLE AS nan, 'inf'::DOUBLE AS inf, 1.10 AS price,
       12345678901234567890.123456789 AS exact, sum(range) AS huge,
       TIMESTAMP '2026-11-20 01:02:03' AS at, DATE '2026-11-20' AS day, true AS yes,
       E'a "b",\nc' AS text, '' AS empty, [1, 2] AS list, {'a': 'ü'} AS struct,
       MAP {DATE '2026-11-20': 1} AS map, '\xAA'::BLOB AS bytes
FROM range(3)
"""


@pytest.fixture(scope="module")
def con(tmp_path_factory: pytest.TempPathFactory) -> duckdb.DuckDBPyConnection:
    return open_session(write_parts(tmp_path_factory.mktemp("lake"), one_of_each()))


def _output(con: duckdb.DuckDBPyConnection, query: str, form: Format) -> str:
    out = io.StringIO(newline="")
    run_query(con, query, form, out)
    return out.getvalue()


def test_json_is_a_list_of_objects_that_any_parser_reads(con: duckdb.DuckDBPyConnection) -> None:
    def refuse(name: str) -> None:
        raise AssertionError(f"{name} is not JSON")

    assert json.loads(_output(con, EVERYTHING, "json"), parse_constant=refuse) == [
        {
            "n": 1,
            "nothing": None,
            "nan": None,
            "inf": None,
            "price": 1.1,
            "exact": "12345678901234567890.123456789",
            "huge": 3,
            "at": "2026-11-20T01:02:03",
            "day": "2026-11-20",
            "yes": True,
            "text": 'a "b",\nc',
            "empty": "",
            "list": [1, 2],
            "struct": {"a": "ü"},
            "map": {"2026-11-20": 1},
            "bytes": "aa",
        }
    ]


@pytest.mark.parametrize("rows", [0, 1, 5_000])
def test_json_and_csv_have_every_row(con: duckdb.DuckDBPyConnection, rows: int) -> None:
    query = f"SELECT range AS n FROM range({rows})"
    assert json.loads(_output(con, query, "json")) == [{"n": n} for n in range(rows)]
    assert _output(con, query, "csv").split("\r\n") == ["n", *(str(n) for n in range(rows)), ""]


def test_columns_of_one_name_are_kept_apart_in_json(con: duckdb.DuckDBPyConnection) -> None:
    assert json.loads(_output(con, "SELECT 1 AS a, 2 AS a, 3 AS a", "json")) == [{"a": 1, "a_1": 2, "a_2": 3}]


def test_csv_is_read_back_as_it_was(con: duckdb.DuckDBPyConnection) -> None:
    text = _output(con, EVERYTHING, "csv")
    assert '"a ""b"",\nc"' in text
    [row] = csv.DictReader(io.StringIO(text, newline=""))
    assert row["text"] == 'a "b",\nc'
    assert (row["nothing"], row["nan"], row["price"]) == ("", "nan", "1.10")
    assert (row["exact"], row["yes"]) == ("12345678901234567890.123456789", "true")
    assert json.loads(row["struct"]) == {"a": "ü"}


def test_a_table_says_how_many_rows_there_are(con: duckdb.DuckDBPyConnection) -> None:
    table = _output(con, "SELECT rollout_id, verdict FROM rollouts ORDER BY rollout_id", "table").splitlines()
    assert [line.strip("│ ").split() for line in table if "│" in line] == [
        ["rollout_id", "│", "verdict"],
        ["r1", "│", "equal"],
        ["r2", "│", "different"],
    ]
    assert table[-1] == "2 rows"
    assert _output(con, "SELECT 1", "table").endswith("\n1 row\n")


def test_a_long_table_is_cut_and_says_so(con: duckdb.DuckDBPyConnection) -> None:
    table = _output(con, "SELECT range AS n FROM range(1000)", "table")
    assert "│ 199 │" in table
    assert "│ 200 │" not in table
    assert table.splitlines()[-1] == "the first 200 rows; --format csv or json gives everything"


def test_every_column_of_a_wide_table_is_shown_in_full_width(con: duckdb.DuckDBPyConnection) -> None:
    table = _output(con, "FROM rollouts", "table")
    assert all(name in table for name in ("rollout_id", "grader_version", "is_degenerate", "run_date"))
    assert len({len(line) for line in table.splitlines()[:-1]}) == 1


def test_a_trace_cannot_steer_the_terminal(tmp_path: Path) -> None:
    evil = "a\x1b[2J\x1b]0;title\x07\r[bold red]b\u202e" + "x" * 500
    con = open_session(write_parts(tmp_path, {"rollouts": [make_rollout(thinking=evil)]}))
    table = _output(con, "SELECT thinking FROM rollouts", "table")
    assert "[bold red]b" in table  # markup is shown, not obeyed
    assert all(c.isprintable() for c in table.replace("\n", ""))
    assert "…" in table
    assert table.splitlines()[-1] == "1 row; --format csv or json gives everything"


def test_a_plan_is_shown_as_drawn(con: duckdb.DuckDBPyConnection) -> None:
    assert "┌──" in _output(con, "EXPLAIN FROM rollouts", "table")


@pytest.mark.parametrize(
    ("query", "problem"),
    [
        ("SELECT * FROM rollout", "Table with name rollout does not exist"),
        ("SELECT nope FROM rollouts", '"nope" not found'),
        ("SELECT 'x'::INTEGER", "Could not convert string 'x'"),
        ("SELECT error('late') FROM range(9)", "late"),
    ],
)
def test_an_error_is_one_line_that_says_what_is_wrong(
    con: duckdb.DuckDBPyConnection, query: str, problem: str
) -> None:
    with pytest.raises(QueryError) as error:
        _output(con, query, "json")
    assert problem in str(error.value)
    assert "\n" not in str(error.value)
    assert "LINE 1" not in str(error.value)


def test_reading_another_file_is_refused(con: duckdb.DuckDBPyConnection) -> None:
    with pytest.raises(QueryRefusedError, match="passwd"):
        _output(con, "FROM read_csv('/etc/passwd')", "csv")
