"""The summary of a training run as tables for the terminal: scores by benchmark, outcome and reason.

for table in scoreboard(con, facts):
    rich.print(table)
"""

import duckdb
from rich import box
from rich.table import Table
from rich.text import Text

from drp.report.template import chance, percent, points, signed, times
from drp.report.training.page_data import CANDIDATE, Board, TrainingFacts, TrainingNumbers
from drp.report.training.read_numbers import read_training

_STYLES = {"promoted": "green", "measured": "green", "not promoted": "yellow", "unfinished": "red"}


def scoreboard(con: duckdb.DuckDBPyConnection, facts: TrainingFacts) -> list[Table]:
    """Build the tables of scores, if there are any yet, and the table of the decision.

    An evaluation has no decision to explain: it gets the tables of its comparisons.
    """
    numbers = read_training(con, facts)
    compared = [board for board in numbers.boards if facts.is_evaluation and board.compared]
    comparisons = [_comparisons(board, facts) for board in compared]
    return [*map(_scores, numbers.boards), *comparisons, _decision(numbers)]


def _scores(board: Board) -> Table:
    title = f"{board.benchmark}, {board.n_questions:,} questions × {board.n_samples}"
    table = Table(box=box.ROUNDED, title=Text(title), title_justify="left")
    table.add_column("arm", no_wrap=True)
    for column in ("Pass@1", "95 % interval", "tokens", "vs base", "AES"):
        table.add_column(column, justify="right", no_wrap=True)
    for score in board.scores:
        cells = (
            score.name,
            percent(score.pass_at_1.value),
            f"{100 * score.pass_at_1.low:.1f}–{percent(score.pass_at_1.high)}",
            f"{score.mean_tokens:,.0f}",
            percent(score.share_of_base),
            signed(score.aes),
        )
        table.add_row(*map(Text, cells), style="bold" if score.arm == CANDIDATE else "")
    return table


def _comparisons(board: Board, facts: TrainingFacts) -> Table:
    reference = facts.name_of(board.compared[0].reference)
    title = f"{board.benchmark}, compared with {reference} on the same questions and seeds"
    table = Table(box=box.ROUNDED, title=Text(title), title_justify="left")
    table.add_column("arm", no_wrap=True)
    for column in ("Δ Pass@1, points", "95 % CI", "token ratio", "95 % CI", "lost", "won", "p"):
        table.add_column(column, justify="right", no_wrap=True)
    for row in board.compared:
        accuracy, tokens = row.comparison.accuracy, row.comparison.tokens
        cells = (
            facts.name_of(row.arm),
            points(accuracy.value),
            f"{points(accuracy.low)} to {points(accuracy.high)}",
            times(tokens.value),
            f"{tokens.low:.2f}–{times(tokens.high)}",
            f"{row.comparison.lost:,}",
            f"{row.comparison.won:,}",
            chance(row.comparison.p),
        )
        table.add_row(*map(Text, cells))
    return table


def _decision(numbers: TrainingNumbers) -> Table:
    facts = numbers.facts
    table = Table(box=box.ROUNDED, show_header=False, title=Text(facts.run_id), title_justify="left")
    table.add_column(style="bold")
    table.add_column(overflow="fold")
    table.add_row("outcome", Text(f"{numbers.outcome}: {numbers.detail}", style=_STYLES[numbers.outcome]))
    table.add_row("student", Text(facts.student_label, style="yellow" if facts.is_small else ""))
    for check in numbers.checks:
        mark, style = ("✓", "green") if check.is_met else ("✗", "red")
        table.add_row(Text(f"{mark} {check.what}", style=style), Text(check.figures))
    for board in numbers.boards:
        if board.benchmark == facts.deciding and (caveat := board.caveat(facts.rule)):
            table.add_row("", Text(caveat, style="yellow"))
    return table
