"""Reads a training run's numbers by SQL from the views of sql/.

numbers = read_training(open_session(run.own()), facts)
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import duckdb

from drp.config import BASE, CHAMPION
from drp.evaluation import Interval
from drp.report.chart_data import LengthHistogram
from drp.report.nightly.load import LENGTH_STEPS
from drp.report.nightly.queries import ask
from drp.report.training.model import ARMS, Board, Score, TrainingFacts, TrainingNumbers
from drp.report.training.queries import LENGTHS, SCORES


@dataclass(frozen=True)
class _Histogram:
    """Lengths of one arm's samples, in steps of `full_length`."""

    counter: str
    full_length: int
    median: float
    counts: list[int]


def read_training(con: duckdb.DuckDBPyConnection, facts: TrainingFacts) -> TrainingNumbers:
    """The numbers of a run from a session in which all its own rows are.

    DuckDB counts: what comes here grows with arms and benchmarks, not with samples.
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
                _lengths(benchmark, histograms[benchmark]),
            )
        )
    counters = {histogram.counter for arms in histograms.values() for histogram in arms.values()}
    counter = counters.pop() if len(counters) == 1 else None
    return TrainingNumbers(facts, boards, _missing(facts, boards), counter)


def _scores(
    con: duckdb.DuckDBPyConnection, facts: TrainingFacts
) -> Mapping[tuple[str, int | None], tuple[int, int, list[Score]]]:
    """Questions, samples and lines by benchmark and cut-off, in the order of the paper's table 1."""
    arms = {entrant.checkpoint_id: entrant.arm for entrant in facts.entrants}
    boards: dict[tuple[str, int | None], tuple[int, int, list[Score]]] = {}
    for benchmark, cutoff, checkpoint_id, n_questions, n_samples, *columns in ask(con, facts, SCORES):
        *_, lines = boards.setdefault((benchmark, cutoff), (n_questions, n_samples, []))
        lines.append(Score(arms[checkpoint_id], Interval(*columns[:3]), *columns[3:]))
    order = list(ARMS)
    for *_, lines in boards.values():
        lines.sort(key=lambda score: order.index(score.arm))
    return boards


def _histograms(
    con: duckdb.DuckDBPyConnection, facts: TrainingFacts
) -> Mapping[str, Mapping[str, _Histogram]]:
    """By benchmark and arm."""
    arms = {entrant.checkpoint_id: entrant.arm for entrant in facts.entrants}
    found: defaultdict[str, dict[str, _Histogram]] = defaultdict(dict)
    for benchmark, checkpoint_id, counter, full_length, median, step, samples in ask(con, facts, LENGTHS):
        empty = _Histogram(counter, full_length, median, [0] * (LENGTH_STEPS + 1))
        found[benchmark].setdefault(arms[checkpoint_id], empty).counts[step] = samples
    return found


def _lengths(benchmark: str, arms: Mapping[str, _Histogram]) -> Mapping[str, LengthHistogram]:
    base = arms.get(BASE)
    if base is None:
        return {}
    return {
        words.name: LengthHistogram(
            benchmark,
            base.counter,
            base.full_length,
            base.median,
            arms[arm].median,
            base.counts,
            arms[arm].counts,
        )
        for arm, words in ARMS.items()
        if arm in arms and arm != BASE and arms[arm].counter == base.counter
    }


def _missing(facts: TrainingFacts, boards: Sequence[Board]) -> Sequence[str]:
    """What the run has still to do, in order."""
    untrained = [e.name for e in facts.entrants if e.arm not in (BASE, CHAMPION) and e.manifest is None]
    scored = {(score.arm, board.benchmark) for board in boards for score in board.scores}
    unmeasured = {
        entrant.name: [benchmark for benchmark in facts.benchmarks if (entrant.arm, benchmark) not in scored]
        for entrant in facts.entrants
    }
    others = len(facts.entrants) - 1  # all but the reference
    return [
        *(f"train {name}" for name in untrained),
        *(f"measure {name} on {' and '.join(where)}" for name, where in unmeasured.items() if where),
        *(["compare"] if len(facts.compared) < others * len(facts.benchmarks) else []),
    ]
