"""The report of a training run: a self-contained HTML page.

html = build_training_report(open_session(run.own()), facts)
"""

from functools import partial

import duckdb
from markupsafe import Markup

from drp.config import BASE
from drp.evaluation import ArmComparison
from drp.report.charts import interval_picture, length_picture, loss_picture
from drp.report.nightly import page_queries
from drp.report.template import render
from drp.report.training import page_queries as training_queries
from drp.report.training.examples import read_pairs
from drp.report.training.page_data import CANDIDATE, Board, TrainingFacts, arm_words
from drp.report.training.read_numbers import read_training

_MIN_REACH = 0.05
"""Minimum extent of a difference's axis to either side: five points."""


def build_training_report(con: duckdb.DuckDBPyConnection, facts: TrainingFacts) -> str:
    """Build the page of a training run from a session with its rows. At most six pairs are shown."""
    numbers = read_training(con, facts)
    deciding = next((board for board in numbers.boards if board.benchmark == facts.deciding), None)
    return render(
        "training.html",
        facts=facts,
        numbers=numbers,
        words_of=arm_words,
        name_of=facts.name_of,
        candidate=CANDIDATE,
        score=deciding.of(CANDIDATE) if deciding else None,
        base=deciding.of(BASE) if deciding else None,
        boards=[(board, _compared(board, facts)) for board in numbers.boards],
        is_truncated=any(
            score.share_cut for board in numbers.boards for score in (*board.scores, *board.cut)
        ),
        lengths=[
            (lengths, name, length_picture(lengths, (facts.name_of(BASE), name)))
            for board in numbers.boards
            for name, lengths in board.lengths.items()
        ],
        curves=[(entrant, loss_picture(done.curve)) for entrant, done in numbers.trained if done.curve],
        kinds=sorted(
            {(d.objective, d.method, d.epochs, tuple(d.versions.items())) for _, d in numbers.trained}
        ),
        pairs=read_pairs(con, facts),
        queries=training_queries,
        command=partial(page_queries.command, facts),
    )


def _compared(board: Board, facts: TrainingFacts) -> list[tuple[ArmComparison, Markup]]:
    """Return the comparisons with their charts, on a common axis that holds DRP's whole interval."""
    margin = facts.rule.margin if facts.rule else None
    bounds = [
        abs(bound)
        for row in board.compared
        if row.arm == CANDIDATE
        for bound in (row.comparison.accuracy.low, row.comparison.accuracy.high)
    ]
    reach = max([_MIN_REACH, 2 * (margin or 0.0), *bounds])
    return [(row, interval_picture(row.comparison.accuracy, margin, reach)) for row in board.compared]
