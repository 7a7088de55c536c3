"""The view review_trend on verdicts with known answers."""

from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pytest
from scipy import stats

from drp.query.session import open_session
from tests.helpers.row_factories import (
    RUN_DATE,
    Row,
    make_review,
    write_parts,
)

LATER = date(2026, 11, 21)


def _open(folder: Path, **tables: list[Row]) -> duckdb.DuckDBPyConnection:
    return open_session(write_parts(folder, tables))


def _rows(con: duckdb.DuckDBPyConnection, query: str) -> list[dict[str, Any]]:
    return list(con.execute(query).to_arrow_table().to_pylist())


def _judge(revision: str, verdict: str, fault: str | None = None, **columns: Any) -> Row:
    return make_review(revision_id=revision, verdict=verdict, fault=fault, **columns)


def test_the_review_trend_counts_last_verdicts_and_of_several_reviewers_the_gravest(tmp_path: Path) -> None:
    con = _open(
        tmp_path,
        reviews=[
            _judge("v1", "severe", "hollow"),
            _judge("v1", "sound", number=2),
            _judge("v2", "minor", "missing_link"),
            _judge("v2", "severe", "contradiction", reviewer="bo"),
            _judge("v3", "moderate", "missing_link"),
            _judge("v3", "moderate", "missing_link", reviewer="bo"),
            *(_judge(f"s{n}", "sound") for n in range(7)),
            _judge("x", "sound", status="rejected"),
        ],
    )
    rows = {(r["status"], r["fault"]): r for r in _rows(con, "FROM review_trend")}
    counts = {key: (r["judged"], r["minor"], r["moderate"], r["severe"]) for key, r in rows.items()}
    assert counts == {
        ("accepted", "any"): (10, 0, 1, 1),
        ("accepted", "contradiction"): (10, 0, 0, 1),
        ("accepted", "missing_link"): (10, 0, 1, 0),
        ("rejected", "any"): (1, 0, 0, 0),
    }
    assert next(iter(rows)) == ("accepted", "any")


@pytest.mark.parametrize(("grave", "judged"), [(0, 1), (1, 1), (0, 20), (3, 20), (20, 20), (17, 400)])
def test_the_interval_of_the_review_trend_is_wilson_s(tmp_path: Path, grave: int, judged: int) -> None:
    verdicts = ["severe"] * grave + ["minor"] * (judged - grave)
    con = _open(tmp_path, reviews=[_judge(f"v{n}", verdict, "hollow") for n, verdict in enumerate(verdicts)])
    [row] = _rows(con, "FROM review_trend WHERE fault = 'any'")
    expected = stats.binomtest(grave, judged).proportion_ci(0.95, "wilson")
    assert (row["share"], row["share_low"], row["share_high"]) == pytest.approx(
        (grave / judged, expected.low, expected.high), abs=1e-6
    )


def test_a_night_has_a_row_for_a_fault_that_only_another_night_of_the_recipe_has(tmp_path: Path) -> None:
    other = {"recipe": "other", "recipe_hash": "h9"}
    con = _open(
        tmp_path,
        reviews=[
            _judge("v1", "severe", "hollow"),
            _judge("v2", "sound", run_date=LATER),
            _judge("w1", "sound", **other),
        ],
    )
    rows = _rows(con, "FROM review_trend")
    assert [(r["run_date"], r["recipe"], r["fault"], r["severe"]) for r in rows] == [
        (RUN_DATE, "drp", "any", 1),
        (RUN_DATE, "drp", "hollow", 1),
        (RUN_DATE, "other", "any", 0),
        (LATER, "drp", "any", 0),
        (LATER, "drp", "hollow", 0),
    ]
