"""Read the numbers of a night by SQL, from the views in sql/.

numbers = read_numbers(open_session(night.visible_parts()), night)
"""

from collections.abc import Sequence
from datetime import date
from typing import Any

import duckdb

from drp.evaluation import Interval
from drp.report.chart_data import Budget, LengthHistogram, Recovered, ReviewedNight, Trend
from drp.report.nightly import page_queries
from drp.report.nightly.page_data import (
    Balance,
    FaultCount,
    FaultyRevision,
    NightFacts,
    NightShares,
    Numbers,
    RejectReasonCount,
    Reviews,
    Saving,
    StudentSummary,
)

ANY_FAULT = "any"
"""The row of `review_trend` that counts all kinds of faults together."""
LENGTH_STEPS = 100
"""Bins of the normalised length from 0 to 1. `length_density` has one more, for longer ones."""


def fetch_rows(
    con: duckdb.DuckDBPyConnection, facts: page_queries.Facts, query: str
) -> list[tuple[Any, ...]]:
    """Run a query of a page and return all its rows, which are few enough for a page."""
    return con.execute(query, query_parameters(facts, query)).fetchall()


def query_parameters(facts: page_queries.Facts, query: str) -> dict[str, page_queries.Value]:
    """Return exactly the parameters that a query uses, because DuckDB rejects others."""
    return {name: facts.parameters[name] for name in page_queries.PARAMETER.findall(query)}


def read_numbers(con: duckdb.DuckDBPyConnection, night: NightFacts) -> Numbers:
    """Read the numbers of a night from a session with its tables and the rollouts they refer to.

    DuckDB aggregates the rows, so that the result grows with data sets and reject reasons, not with rollouts.
    """
    nights = [NightShares(*row) for row in fetch_rows(con, night, page_queries.NIGHTS)]
    tonight = next((shares for shares in nights if shares.run_date == night.run_date), None)
    saving_steps = dict(fetch_rows(con, night, page_queries.SAVING_STEPS))
    actions: dict[str, dict[str, int]] = {}
    for family, action, steps, _ in fetch_rows(con, night, page_queries.ACTIONS):
        actions.setdefault(family, {})[action] = steps
    return Numbers(
        balance=next((Balance(*row) for row in fetch_rows(con, night, page_queries.BALANCE)), Balance()),
        nights=nights,
        tonight=tonight,
        students=[StudentSummary(*row) for row in fetch_rows(con, night, page_queries.STUDENTS)],
        teachers=[name for (name,) in fetch_rows(con, night, page_queries.TEACHERS)],
        savings=[Saving(*row) for row in fetch_rows(con, night, page_queries.SAVINGS)],
        saving_steps=[saving_steps.get(step, 0) for step in range(20)],
        lengths=_lengths(con, night),
        recovered=_recovered(con, night),
        reasons=_reasons(con, night, tonight.rollouts if tonight else 0),
        actions=actions,
        reviews=_reviews(con, night),
    )


def _lengths(con: duckdb.DuckDBPyConnection, night: NightFacts) -> Sequence[LengthHistogram]:
    panels: dict[tuple[str, str], LengthHistogram] = {}
    for dataset, counter, full, median_before, median_after, start, before, after in fetch_rows(
        con, night, page_queries.LENGTHS
    ):
        counts = [0] * (LENGTH_STEPS + 1), [0] * (LENGTH_STEPS + 1)
        panel = panels.setdefault(
            (dataset, counter), LengthHistogram(dataset, counter, full, median_before, median_after, *counts)
        )
        step = round(LENGTH_STEPS * start)
        panel.before[step], panel.after[step] = before, after
    return list(panels.values())


def _recovered(con: duckdb.DuckDBPyConnection, night: NightFacts) -> Sequence[Recovered]:
    budgets: dict[tuple[str, int], list[Budget]] = {}
    for counter, right_answers, *budget in fetch_rows(con, night, page_queries.RECOVERED):
        budgets.setdefault((counter, right_answers), []).append(Budget(*budget))
    return [Recovered(counter, right_answers, steps) for (counter, right_answers), steps in budgets.items()]


def _reasons(con: duckdb.DuckDBPyConnection, night: NightFacts, rollouts: int) -> Sequence[RejectReasonCount]:
    shares: dict[str, dict[date, float]] = {}
    tonight: dict[str, int] = {}
    for name, day, rejected, share in fetch_rows(con, night, page_queries.REASONS):
        shares.setdefault(name, {})[day] = share
        if day == night.run_date:
            tonight[name] = rejected
    reasons = [
        RejectReasonCount(name, tonight.get(name, 0), rollouts, Trend(name, night.run_date, by_night))
        for name, by_night in shares.items()
        if any(by_night.values())
    ]
    return sorted(reasons, key=lambda reason: (-reason.rejected, reason.name))


def _reviews(con: duckdb.DuckDBPyConnection, night: NightFacts) -> Reviews:
    nights: list[ReviewedNight] = []
    shares: dict[str, dict[date, float]] = {}
    counts: dict[str, tuple[int, int, int]] = {}
    for day, fault, judged, minor, moderate, severe, *share in fetch_rows(con, night, page_queries.REVIEWS):
        if fault == ANY_FAULT:
            nights.append(ReviewedNight(day, judged, minor, moderate, severe, Interval(*share)))
            continue
        shares.setdefault(fault, {})[day] = (minor + moderate + severe) / judged
        if day == night.run_date:
            counts[fault] = minor, moderate, severe
    faults = [
        FaultCount(name, *counts.get(name, (0, 0, 0)), Trend(name, night.run_date, by_night))
        for name, by_night in shares.items()
        if any(by_night.values())
    ]
    return Reviews(
        nights,
        next((reviewed for reviewed in nights if reviewed.run_date == night.run_date), None),
        sorted(faults, key=lambda count: (-(count.trend.now or 0), count.name)),
        [FaultyRevision(*row) for row in fetch_rows(con, night, page_queries.FAULTY)],
    )
