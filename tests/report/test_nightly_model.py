"""Numbers of a night: usual and rising shares, and the answers that a budget recovers."""

from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest

from drp.query.session import open_session
from drp.report.chart_data import Budget, Recovered, Trend
from drp.report.nightly.page import build_report
from drp.report.nightly.page_data import NightFacts, Numbers, RejectReasonCount
from drp.report.nightly.read_numbers import read_numbers
from tests.helpers.report_pages import Page
from tests.helpers.row_factories import (
    RUN_DATE,
    Row,
    make_question,
    make_rejection,
    make_revision,
    make_rollout,
    write_parts,
)

NIGHT = NightFacts("2026-11-20-drp", RUN_DATE, "drp", "h1", "published", "version 3")


def _ago(days: int) -> date:
    return RUN_DATE - timedelta(days=days)


def _night(days_ago: int, *reasons: str | None, **columns: object) -> dict[str, list[Row]]:
    """Rollouts of a night, each rejected for a reason or, for None, accepted."""
    day = {"run_date": _ago(days_ago)}
    rows: dict[str, list[Row]] = {"rollouts": [], "revisions": []}
    for number, reason in enumerate(reasons):
        name = f"{days_ago}-{number}"
        rows["rollouts"].append(make_rollout(rollout_id=name, **day))
        columns_ = {"revision_id": name, "rollout_id": name, **day, **columns}
        rows["revisions"].append(make_rejection(reason, **columns_) if reason else make_revision(**columns_))
    return rows


def _read(folder: Path, *nights: dict[str, list[Row]], night: NightFacts = NIGHT) -> Numbers:
    tables = {table: [row for rows in nights for row in rows[table]] for table in ("rollouts", "revisions")}
    return read_numbers(open_session(write_parts(folder, tables | {"questions": [make_question()]})), night)


def test_a_trend_is_of_this_recipe_and_of_the_last_14_days(tmp_path: Path) -> None:
    numbers = _read(
        tmp_path,
        _night(0, "hollow", "hollow", None, None),
        _night(1, None, None),
        _night(2, "hollow", None, recipe_hash="h0"),  # the recipe before an edit
        _night(3, "hollow", recipe="other", recipe_hash="h9"),
        _night(13, "malformed"),
        _night(14, "hollow"),
    )
    assert [(shares.run_date, shares.rollouts, shares.accepted) for shares in numbers.nights] == [
        (_ago(13), 1, 0.0),
        (_ago(2), 2, 0.5),
        (_ago(1), 2, 1.0),
        (RUN_DATE, 4, 0.5),
    ]
    hollow, malformed = numbers.reasons
    assert (hollow.rejected, hollow.trend.now) == (2, 0.5)
    assert hollow.trend.shares == {_ago(13): 0.0, _ago(2): 0.5, _ago(1): 0.0, RUN_DATE: 0.5}
    assert (malformed.rejected, malformed.trend.now, malformed.trend.usual) == (0, 0.0, 0.0)


def test_tonight_counts_only_the_current_recipe(tmp_path: Path) -> None:
    other = _night(0, "malformed", recipe_hash="h0")
    other["rollouts"] = []  # the same rollout, decided before the recipe was edited
    numbers = _read(tmp_path, _night(0, "hollow"), other)
    assert [(reason.name, reason.rejected) for reason in numbers.reasons] == [("hollow", 1)]
    assert [shares.rollouts for shares in numbers.nights] == [1]


def test_a_past_night_ignores_later_ones(tmp_path: Path) -> None:
    before = replace(NIGHT, run_id="2026-11-19-drp", run_date=_ago(1))
    numbers = _read(tmp_path, _night(0, "hollow"), _night(1, "malformed"), night=before)
    assert [reason.name for reason in numbers.reasons] == ["malformed"]
    assert numbers.tonight == numbers.nights[-1]
    assert numbers.reasons[0].trend.usual is None


@pytest.mark.parametrize(
    ("tonight", "earlier", "rising"),
    [
        (0.20, [0.05, 0.06, 0.04], True),
        (0.09, [0.05, 0.06, 0.04], False),  # within chance, of 100 rollouts
        (0.20, [0.05, 0.06], False),  # two nights are too few
        (0.01, [0.0, 0.0, 0.0], False),  # one of 100 rollouts
        (0.08, [0.0, 0.0, 0.0], True),
        (0.01, [0.05, 0.06, 0.04], False),
    ],
)
def test_a_reason_rises_when_it_exceeds_the_usual_by_more_than_chance(
    tonight: float, earlier: list[float], rising: bool
) -> None:
    shares = {_ago(n): share for n, share in enumerate([tonight, *earlier])}
    assert RejectReasonCount("hollow", 1, 100, Trend("hollow", RUN_DATE, shares)).is_rising is rising


def test_an_insufficient_budget_is_not_reported() -> None:
    recovered = Recovered(
        "characters", 10, [Budget(64, 0.0, 0.5), Budget(128, 0.5, 0.8), Budget(256, 1.0, 0.8)]
    )
    assert recovered.needed(0.5) == (128, 64)
    assert recovered.needed(0.9) == (256, None)


def test_the_page_shows_a_trend_only_where_there_is_one(tmp_path: Path) -> None:
    nights = [_night(ago, "hollow", *[None] * 9) for ago in range(1, 6)]
    tables = {
        table: [row for rows in [_night(0, *["hollow"] * 9, None), *nights] for row in rows[table]]
        for table in ("rollouts", "revisions")
    }
    con = open_session(write_parts(tmp_path, tables | {"questions": [make_question()]}))
    many = Page(build_report(con, NIGHT))
    assert "hollow ▲ more than usual" in many.words
    assert "9 90.0 % 10.0 %" in many.words
    assert "accepted · usually 90.0 %" in many.words
    assert sum(("class", "now") in a.items() for _, a in many.tags) == 4  # three headlines and a reason
    assert sum(("class", "then") in a.items() for _, a in many.tags) == 4 * 5
    first = Page(build_report(con, replace(NIGHT, run_date=_ago(5))))
    assert "This is the first night of recipe drp in 14 days" in first.words
    assert "usual" not in first.words
