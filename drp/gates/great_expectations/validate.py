"""Validate what would be published: Great Expectations suites on the tables of a run, and Data Docs.

    result = check_night(con, recipe, docs, grader)
    if not result.success:
        raise NightQuarantinedError(run, result)

The row gates check single rows in the pipeline; the contract checks the written tables and the run as a
whole. Frames are read in bounded batches, so that memory does not grow with the size of the run.
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

    from drp.gates.great_expectations.suites import Suite
    from drp.grading import Grader

MAX_EXAMPLES = 3
"""Maximum number of rows named in a failure, and of failures named in an error message."""
ROWS_PER_SLICE = 1_000_000
"""Slice size for tables with dozens of rows per rollout, whose unique ids are checked slice by slice."""


@dataclass(frozen=True)
class ContractFailure:
    """A failed expectation: its suite, its type, and a sentence with the observed values."""

    suite: str
    expectation: str
    sentence: str


@dataclass(frozen=True)
class ContractResult:
    """The result of checking a run against the contract."""

    failures: tuple[ContractFailure, ...]
    expectations: int
    """Number of expectations checked."""
    rows: int
    """Total number of rows in all frames."""
    docs: str
    """Path of the Data Docs' `index.html`."""

    @property
    def success(self) -> bool:
        """Whether the run may be published."""
        return not self.failures


class NightQuarantinedError(TerminalError):
    """A run failed the contract; it stays readable until a person decides whether to release it."""

    def __init__(self, run: str, result: ContractResult) -> None:
        examples = "; ".join(
            f"{failure.suite}: {failure.sentence}" for failure in result.failures[:MAX_EXAMPLES]
        )
        more = len(result.failures) - MAX_EXAMPLES
        super().__init__(
            f"run {run} is quarantined, {len(result.failures)} of {result.expectations} expectations fail: "
            f"{examples}{f'; and {more} more' if more > 0 else ''}",
            state=f"Nothing was published and the old corpus stays current; Data Docs are at {result.docs}",
            next_command=f"drp report {run}, then drp corpus release {run} if it should be published anyway",
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
    """Check the tables of a run and write Data Docs.

    Args:
        con: a connection with a view or table for each corpus table, which holds the revisions of the run and
            all rows that they refer to.
        recipe: its night bands are the thresholds.
        docs: folder of the Data Docs, a static site that works without a network; created or replaced.
        grader: grades the answers, which are extracted from the texts again.
        progress: called with the name of each suite before it is checked.
    """
    _quiet()
    from drp.gates.great_expectations.answer_expectation import grading_with
    from drp.gates.great_expectations.data_docs import DataDocs
    from drp.gates.great_expectations.suites import suites

    site = DataDocs(docs)
    failures: list[ContractFailure] = []
    expectations = rows = 0
    with grading_with(grader):
        for suite in suites(recipe.gates.night):
            progress(suite.name)
            tallies: dict[str, _Tally] = {}
            for first, frame in _frames(con, suite):
                rows += len(frame)
                for outcome in site.validate(suite, frame, f"rows from {first}", MAX_EXAMPLES):
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
    """Turn off usage statistics and INFO logs of Great Expectations, which must precede its import."""
    os.environ["GX_ANALYTICS_ENABLED"] = "false"
    logging.getLogger("great_expectations").setLevel(logging.WARNING)


def _frames(con: duckdb.DuckDBPyConnection, suite: "Suite") -> "Iterator[tuple[int, pd.DataFrame]]":
    """Yield the rows of a suite in bounded frames with the number of their first row; at least one frame."""
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
    """Return ranges of ids, which are evenly distributed hexadecimal texts; together they cover all texts."""
    if not table:
        return [{}]
    [(rows,)] = con.execute(f"SELECT count(*) FROM {table}").fetchall()  # noqa: S608 - a table name from DRP
    number = max(1, math.ceil(rows / ROWS_PER_SLICE))
    bounds = ["", *(f"{0x10000 * k // number:04x}" for k in range(1, number)), chr(0x10FFFF)]
    return [{"low": low, "high": high} for low, high in pairwise(bounds)]


class _Tally:
    """The outcomes of one expectation, added up over all batches of its suite."""

    def __init__(self, expectation: str, description: str) -> None:
        self.expectation = expectation
        self.description = description
        self.failed = False
        self.rows = 0
        self.unexpected = 0
        self.examples: list[str] = []
        self.error: str | None = None

    def add(self, outcome: Any, key: str) -> None:
        """Add the outcome for one batch."""
        self.failed |= not outcome.success
        self.rows += outcome.result.get("element_count", 0)
        self.unexpected += outcome.result.get("unexpected_count", 0)
        for row in outcome.result.get("partial_unexpected_index_list") or ():
            values = ", ".join(f"{name} {_shown(value)}" for name, value in row.items() if name != key)
            self.examples.append(f"{row[key]} ({values})")
        if not outcome.success and "unexpected_count" not in outcome.result:
            self.error = _exception_message(outcome.exception_info)

    def sentence(self) -> str:
        """Return a sentence with what was expected and what was observed."""
        if self.error is not None:
            return f"expected that {self.description}; it could not be checked: {self.error}"
        examples = ", ".join(self.examples[:MAX_EXAMPLES])
        return f"expected that {self.description}; {self.unexpected} of {self.rows} rows differ: {examples}"


def _shown(value: Any) -> str:
    """Format a value for a reader: four digits of a number, the end of a text."""
    if isinstance(value, str):
        return repr(value[-80:])
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _exception_message(info: dict[str, Any]) -> str:
    """Return the message of the exception raised by an expectation or by the first of its metrics."""
    while "exception_message" not in info:
        info = next(iter(info.values()))
    return " ".join(str(info["exception_message"]).split())[:300]
