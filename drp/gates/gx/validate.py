"""The contract over what would be published: Great Expectations suites on the tables of a run, and Data Docs.

    result = check_night(con, recipe, docs, grader)
    if not result.success:
        raise NightQuarantinedError(run, result)

The row gates judge a row by what the stages say of it; the contract reads what was written, and judges the
night as a whole. Frames are read in bounded batches: memory does not grow with the night.
"""

import logging
import math
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb

from drp.config import Recipe
from drp.core import TerminalError

if TYPE_CHECKING:
    import pandas as pd

    from drp.gates.gx.suites import Suite
    from drp.grading import Grader

NAMED = 3
"""Offending rows that a failure, and failures that a quarantine, names."""
ROWS_PER_SLICE = 1_000_000
"""Of the tables with dozens of rows a rollout: what is unique among them is told slice by slice."""


@dataclass(frozen=True)
class ContractFailure:
    """One expectation that does not hold: its suite, its type, and a sentence with what was observed."""

    suite: str
    expectation: str
    sentence: str


@dataclass(frozen=True)
class ContractResult:
    """What the contract says of a night."""

    failures: tuple[ContractFailure, ...]
    expectations: int
    """How many expectations were checked."""
    rows: int
    """Rows of all frames together."""
    docs: str
    """Address of the Data Docs' `index.html`."""

    @property
    def success(self) -> bool:
        """May the night be published?"""
        return not self.failures


class NightQuarantinedError(TerminalError):
    """The contract refused a night: it stays readable, and a person decides."""

    def __init__(self, run: str, result: ContractResult) -> None:
        named = "; ".join(f"{failure.suite}: {failure.sentence}" for failure in result.failures[:NAMED])
        more = len(result.failures) - NAMED
        super().__init__(
            f"run {run} is quarantined, {len(result.failures)} of {result.expectations} expectations fail: "
            f"{named}{f'; and {more} more' if more > 0 else ''}",
            state=f"Nothing was published and the old corpus stays current; Data Docs are at {result.docs}",
            next_command=f"drp report {run}, and if the night is right all the same drp corpus release {run}",
        )
        self.run = run
        self.result = result


def check_night(
    con: duckdb.DuckDBPyConnection,
    recipe: Recipe,
    docs: Path,
    grader: "Grader",
    progress: Callable[[str], object] = lambda suite: None,
) -> ContractResult:
    """Check the tables of a run, and write Data Docs.

    Args:
        con: has a view or table for each corpus table with the rows of the run: its revisions, and all rows
            that they refer to.
        recipe: its night bands are the thresholds.
        docs: folder of the Data Docs, a static site that needs no network; made or made anew.
        grader: compares the answers, which are read from the texts again.
        progress: told the name of each suite before it is checked.
    """
    _quiet()
    from drp.gates.gx.answer_expectation import grading_with
    from drp.gates.gx.data_docs import DataDocs
    from drp.gates.gx.suites import suites

    site = DataDocs(docs)
    failures: list[ContractFailure] = []
    expectations = rows = 0
    with grading_with(grader):
        for suite in suites(recipe.gates.night):
            progress(suite.name)
            tallies: dict[str, _Tally] = {}
            for first, frame in _frames(con, suite):
                rows += len(frame)
                for outcome in site.validate(suite, frame, f"rows from {first}", NAMED):
                    config = outcome.expectation_config
                    tally = tallies.setdefault(config.description, _Tally(config.type, config.description))
                    tally.add(outcome, suite.key)
            expectations += len(suite.expectations)
            failures += [
                ContractFailure(suite.name, tally.expectation, tally.sentence())
                for tally in tallies.values()
                if tally.failed
            ]
    site.build([f"{failure.suite}: {failure.sentence}" for failure in failures])
    return ContractResult(tuple(failures), expectations, rows, str(docs.resolve() / "index.html"))


def _quiet() -> None:
    """Unless told otherwise before its import, Great Expectations reports its use and floods INFO."""
    os.environ["GX_ANALYTICS_ENABLED"] = "false"
    logging.getLogger("great_expectations").setLevel(logging.WARNING)


def _frames(con: duckdb.DuckDBPyConnection, suite: "Suite") -> "Iterator[tuple[int, pd.DataFrame]]":
    """The rows of a suite in bounded frames, each with the number of its first row; at least one frame."""
    first = 0
    for parameters in _slices(con, suite.sliced):
        reader = con.execute(suite.query, parameters).to_arrow_reader(suite.rows)
        for batch in reader:
            if batch.num_rows:
                yield first, batch.to_pandas()
                first += batch.num_rows
    if first == 0:
        yield 0, reader.schema.empty_table().to_pandas()


def _slices(con: duckdb.DuckDBPyConnection, table: str) -> list[dict[str, str]]:
    """Ranges of ids, which are hexadecimal and evenly spread; together they are all texts there can be."""
    if not table:
        return [{}]
    [(rows,)] = con.execute(f"SELECT count(*) FROM {table}").fetchall()  # noqa: S608 - a table of ours
    number = max(1, math.ceil(rows / ROWS_PER_SLICE))
    bounds = ["", *(f"{0x10000 * k // number:04x}" for k in range(1, number)), chr(0x10FFFF)]
    return [{"low": low, "high": high} for low, high in pairwise(bounds)]


class _Tally:
    """One expectation over all batches of its suite."""

    def __init__(self, expectation: str, description: str) -> None:
        self.expectation = expectation
        self.description = description
        self.failed = False
        self.rows = 0
        self.unexpected = 0
        self.examples: list[str] = []
        self.error: str | None = None

    def add(self, outcome: Any, key: str) -> None:
        """Add the outcome on one batch."""
        self.failed |= not outcome.success
        self.rows += outcome.result.get("element_count", 0)
        self.unexpected += outcome.result.get("unexpected_count", 0)
        for row in outcome.result.get("partial_unexpected_index_list") or ():
            values = ", ".join(f"{name} {_shown(value)}" for name, value in row.items() if name != key)
            self.examples.append(f"{row[key]} ({values})")
        if not outcome.success and "unexpected_count" not in outcome.result:
            self.error = _raised(outcome.exception_info)

    def sentence(self) -> str:
        """What was expected and what was observed, for a reader."""
        if self.error is not None:
            return f"expected that {self.description}; it could not be checked: {self.error}"
        named = ", ".join(self.examples[:NAMED])
        return f"expected that {self.description}; {self.unexpected} of {self.rows} rows differ: {named}"


def _shown(value: Any) -> str:
    """A value for a reader: four digits of a number, the end of a text."""
    return (
        repr(value[-80:])
        if isinstance(value, str)
        else f"{value:.4g}"
        if isinstance(value, float)
        else str(value)
    )


def _raised(info: dict[str, Any]) -> str:
    """The message of what an expectation raised: of itself, or of the first metric that it needs."""
    while "exception_message" not in info:
        info = next(iter(info.values()))
    return " ".join(str(info["exception_message"]).split())[:300]
