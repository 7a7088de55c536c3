"""The commands on the page: each can be pasted into a shell, and gives the numbers that stand above it."""

import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
import typer

from drp.cli.main import app
from drp.lake.runs import StageCounts
from drp.query.session import check_statement, open_session
from drp.report.nightly import page_queries
from drp.report.nightly.page import build_report
from drp.report.nightly.page_data import NightFacts, NightOutcome
from drp.report.nightly.read_numbers import fetch_rows
from tests.helpers.report_pages import Page
from tests.helpers.row_factories import (
    RUN_DATE,
    make_decision,
    make_event,
    make_review,
    one_of_each,
    write_parts,
)

NIGHT = NightFacts(
    "2026-11-20-drp",
    RUN_DATE,
    "drp",
    "h1",
    "published",
    stages=[StageCounts("prune", 3.5, {"accepted": 1}, [])],
)
_SQL = typer.main.get_command(app).commands["sql"]  # type: ignore[attr-defined]


def typed(command: str) -> list[str]:
    """The words that a shell makes of a command."""
    printed = subprocess.run(
        ["sh", "-c", command.replace("drp", "printf '%s\\0'", 1)], capture_output=True, text=True, check=True
    )
    return printed.stdout.split("\0")[:-1]


@pytest.mark.parametrize("outcome", ["published", "quarantined", "unfinished"])
def test_every_command_on_the_page_runs_and_has_rows(tmp_path: Path, outcome: NightOutcome) -> None:
    tables = one_of_each() | {
        "events": [make_event(run_id=NIGHT.run_id)],
        "reviews": [make_review(verdict="severe", fault="missing_link")],
    }
    con = open_session(write_parts(tmp_path, tables))
    pasted = [typed(c) for c in Page(build_report(con, replace(NIGHT, outcome=outcome))).commands]
    assert [words for words in pasted if words[0] != "sql"] == (
        [["review", "--run", NIGHT.run_id]]
        + ([["corpus", "release", NIGHT.run_id]] if outcome == "quarantined" else [])
    )
    asked = [_SQL.make_context("sql", words[1:]).params for words in pasted if words[0] == "sql"]
    assert len(asked) >= 12
    for given in asked:
        assert given["run"] == (None if outcome == "published" else NIGHT.run_id) or "SHOW" in given["query"]
        check_statement(con, given["query"])
        assert con.execute(given["query"]).fetchall()


def test_a_command_asks_what_the_page_asked(tmp_path: Path) -> None:
    tables = one_of_each()
    tables["decisions"].append(make_decision(1, decision_id="other", revision_id="v9"))
    con = open_session(write_parts(tmp_path, tables))
    for query in (
        page_queries.BALANCE,
        page_queries.NIGHTS,
        page_queries.LENGTHS,
        page_queries.REASONS,
        page_queries.ACTIONS,
    ):
        _, pasted = typed(page_queries.command(NIGHT, query))
        assert con.execute(pasted).fetchall() == fetch_rows(con, NIGHT, query)


def test_names_are_quoted_for_sql_and_for_the_shell() -> None:
    name = 'o\'clock "$(date)" `date` $HOME \\ 100 %'
    _, pasted = typed(
        page_queries.command(replace(NIGHT, recipe=name), "SELECT $recipe AS recipe, $run_date")
    )
    assert open_session({}).execute(pasted).fetchall() == [(name, RUN_DATE)]
