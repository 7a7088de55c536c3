"""Read the numbers of a training run by SQL, from the views in sql/.

numbers = read_training(open_session(run.own()), facts)
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import duckdb

from drp.config import BASE, UNTRAINED
from drp.evaluation import Interval
from drp.report.chart_data import LengthHistogram
from drp.report.nightly.read_numbers import LENGTH_STEPS, fetch_rows
from drp.report.training.page_data import (
    Board,
    Score,
    TrainingFacts,
    TrainingNumbers,
    in_table_order,
)
from drp.report.training.page_queries import LENGTHS, SCORES


@dataclass(frozen=True)
class _Histogram:
    """Lengths of an arm's samples, in equal bins up to `full_length`."""

    counter: str
    full_length: int
    median: float
    counts: list[int]


def read_training(con: duckdb.DuckDBPyConnection, facts: TrainingFacts) -> TrainingNumbers:
    """Read the numbers of a run from a session with all its rows.

    DuckDB aggregates the rows, so that the result grows with arms and benchmarks, not with samples.
    """
    scores = _scores(con, facts)
    histograms = _histograms(con, facts)
    boards = []
    for benchmark in facts.benchmarks:
        if (benchmark, None) not in scores:
            continue
        n_questions, n_samples, lines = scores[benchmark, None]
        boards.append(
            Board(
                benchmark,
                n_questions,
                n_samples,
                lines,
                scores[benchmark, facts.cutoff][-1] if (benchmark, facts.cutoff) in scores else (),
                [row for row in facts.compared if row.benchmark == benchmark],
                _lengths(facts, benchmark, histograms[benchmark]),
            )
        )
    counters = {histogram.counter for arms in histograms.values() for histogram in arms.values()}
    counter = counters.pop() if len(counters) == 1 else None
    return TrainingNumbers(facts, boards, _missing(facts, boards), counter)


def _scores(
    con: duckdb.DuckDBPyConnection, facts: TrainingFacts
) -> Mapping[tuple[str, int | None], tuple[int, int, list[Score]]]:
    """Return question count, sample count and scores by benchmark and cut-off, in the order of table 1."""
    entrants = {entrant.checkpoint_id: entrant for entrant in facts.entrants}
    boards: dict[tuple[str, int | None], tuple[int, int, list[Score]]] = {}
    for benchmark, cutoff, checkpoint_id, n_questions, n_samples, *columns in fetch_rows(con, facts, SCORES):
        *_, lines = boards.setdefault((benchmark, cutoff), (n_questions, n_samples, []))
        entrant = entrants[checkpoint_id]
        lines.append(Score(entrant.arm, entrant.name, Interval(*columns[:3]), *columns[3:]))
    order = in_table_order(entrant.arm for entrant in facts.entrants)
    for *_, lines in boards.values():
        lines.sort(key=lambda score: order.index(score.arm))
    return boards


def _histograms(
    con: duckdb.DuckDBPyConnection, facts: TrainingFacts
) -> Mapping[str, Mapping[str, _Histogram]]:
    """Return the length histograms by benchmark and arm."""
    arms = {entrant.checkpoint_id: entrant.arm for entrant in facts.entrants}
    histograms: defaultdict[str, dict[str, _Histogram]] = defaultdict(dict)
    rows = fetch_rows(con, facts, LENGTHS)
    for benchmark, checkpoint_id, counter, full_length, median, step, samples in rows:
        empty = _Histogram(counter, full_length, median, [0] * (LENGTH_STEPS + 1))
        histograms[benchmark].setdefault(arms[checkpoint_id], empty).counts[step] = samples
    return histograms


def _lengths(
    facts: TrainingFacts, benchmark: str, arms: Mapping[str, _Histogram]
) -> Mapping[str, LengthHistogram]:
    base = arms.get(BASE)
    if base is None:
        return {}
    return {
        facts.name_of(arm): LengthHistogram(
            benchmark,
            base.counter,
            base.full_length,
            base.median,
            arms[arm].median,
            base.counts,
            arms[arm].counts,
        )
        for arm in in_table_order(arms)
        if arm != BASE and arms[arm].counter == base.counter
    }


def _missing(facts: TrainingFacts, boards: Sequence[Board]) -> Sequence[str]:
    """Return the remaining work of the run, in order."""
    made = () if facts.is_evaluation else facts.entrants
    untrained = [e.name for e in made if e.arm not in UNTRAINED and e.manifest is None]
    scored = {(score.arm, board.benchmark) for board in boards for score in board.scores}
    unmeasured = {
        entrant.name: [benchmark for benchmark in facts.benchmarks if (entrant.arm, benchmark) not in scored]
        for entrant in facts.entrants
    }
    others = len(facts.entrants) - 1  # all except the reference
    return [
        *(f"train {name}" for name in untrained),
        *(f"measure {name} on {' and '.join(names)}" for name, names in unmeasured.items() if names),
        *(["compare"] if len(facts.compared) < others * len(facts.benchmarks) else []),
    ]
