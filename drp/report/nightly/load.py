"""Reads a night's numbers by SQL from the views of sql/.

numbers = read_numbers(open_session(night.visible_parts()), night)
"""

from collections.abc import Sequence
from datetime import date

import duckdb

from drp.report.chart_data import Budget, LengthHistogram, Recovered, Trend
from drp.report.nightly import queries
from drp.report.nightly.model import (
    Balance,
    NightFacts,
    NightShares,
    Numbers,
    RejectReasonCount,
    Saving,
    StudentSummary,
)

LENGTH_STEPS = 100
"""Steps of a normalised length from 0 to 1; `length_density` has one more for what is longer."""


def read_numbers(con: duckdb.DuckDBPyConnection, night: NightFacts) -> Numbers:
    """The numbers of a night from a session in which all its tables, and the rollouts it refers to, are.

    The rows are counted by DuckDB: what comes here grows with data sets and reasons, not with rollouts.
    """
    nights = [NightShares(*row) for row in queries.ask(con, night, queries.NIGHTS)]
    tonight = next((one for one in nights if one.run_date == night.run_date), None)
    saving_steps = dict(queries.ask(con, night, queries.SAVING_STEPS))
    actions: dict[str, dict[str, int]] = {}
    for family, action, steps, _ in queries.ask(con, night, queries.ACTIONS):
        actions.setdefault(family, {})[action] = steps
    return Numbers(
        balance=next((Balance(*row) for row in queries.ask(con, night, queries.BALANCE)), Balance()),
        nights=nights,
        tonight=tonight,
        students=[StudentSummary(*row) for row in queries.ask(con, night, queries.STUDENTS)],
        teachers=[name for (name,) in queries.ask(con, night, queries.TEACHERS)],
        savings=[Saving(*row) for row in queries.ask(con, night, queries.SAVINGS)],
        saving_steps=[saving_steps.get(step, 0) for step in range(20)],
        lengths=_lengths(con, night),
        recovered=_recovered(con, night),
        reasons=_reasons(con, night, tonight.rollouts if tonight else 0),
        actions=actions,
    )


def _lengths(con: duckdb.DuckDBPyConnection, night: NightFacts) -> Sequence[LengthHistogram]:
    panels: dict[tuple[str, str], LengthHistogram] = {}
    for dataset, counter, full, median_before, median_after, start, before, after in queries.ask(
        con, night, queries.LENGTHS
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
    for counter, right_answers, *budget in queries.ask(con, night, queries.RECOVERED):
        budgets.setdefault((counter, right_answers), []).append(Budget(*budget))
    return [Recovered(*of, budgets=steps) for of, steps in budgets.items()]


def _reasons(con: duckdb.DuckDBPyConnection, night: NightFacts, rollouts: int) -> Sequence[RejectReasonCount]:
    shares: dict[str, dict[date, float]] = {}
    tonight: dict[str, int] = {}
    for name, day, rejected, share in queries.ask(con, night, queries.REASONS):
        shares.setdefault(name, {})[day] = share
        if day == night.run_date:
            tonight[name] = rejected
    reasons = [
        RejectReasonCount(name, tonight.get(name, 0), rollouts, Trend(name, night.run_date, of_nights))
        for name, of_nights in shares.items()
        if any(of_nights.values())
    ]
    return sorted(reasons, key=lambda reason: (-reason.rejected, reason.name))
