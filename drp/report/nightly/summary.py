"""The summary of a night as a table for the terminal, printed at the end of `make nightly`.

rich.print(summary(con, facts))
"""

import duckdb
from rich import box
from rich.table import Table
from rich.text import Text

from drp.report.nightly.page_data import NightFacts
from drp.report.nightly.read_numbers import read_numbers

_STYLES = {
    "published": "green",
    "quarantined": "red",
    "unfinished": "red",
    "nothing new": "dim",
    "discarded": "dim",
}


def summary(con: duckdb.DuckDBPyConnection, night: NightFacts) -> Table:
    """Build the table: outcome, row counts, savings, and the most frequent reject reasons."""
    numbers = read_numbers(con, night)
    balance = numbers.balance
    table = Table(box=box.ROUNDED, show_header=False, title=Text(night.run_id), title_justify="left")
    table.add_column(style="bold")
    table.add_column(overflow="fold")

    headline = f"{night.outcome}: {night.detail}" if night.detail else night.outcome
    table.add_row("outcome", Text(headline, style=_STYLES[night.outcome]))
    for student in numbers.students[:3]:
        table.add_row("student", Text(student.label))
    if len(numbers.students) > 3:
        table.add_row("", Text(f"and {len(numbers.students) - 3} more", style="dim"))
    for teacher in numbers.teachers:
        table.add_row("teacher", Text(teacher))
    table.add_section()
    pending = f" + {balance.left_pending:,} left pending" if balance.left_pending else ""
    table.add_row(
        "rows",
        Text(
            f"{balance.rows_in:,} in = {balance.accepted:,} accepted + {balance.rejected:,} rejected{pending}"
            f" + {balance.dead_lettered:,} dead-lettered"
        ),
    )
    if balance.adds_up:
        table.add_row("", Text("✓ adds up", style="green"))
    else:
        lost = f": {balance.without_revision:,} rollouts have no revision" if balance.without_revision else ""
        table.add_row("", Text(f"✗ DOES NOT ADD UP{lost}", style="bold red"))
    tonight = numbers.tonight
    if tonight is not None:
        table.add_row("answered right", Text(f"{tonight.right:.1%} of rollouts"))
    if tonight is not None and tonight.saving is not None:
        table.add_row("median saving", Text(f"{tonight.saving:.1%}"))
    rejections = [reason for reason in numbers.reasons if reason.rejected]
    if numbers.savings or rejections:
        table.add_section()
    for row in numbers.savings:
        if row.compared:
            lengths = f"median {row.median_before:,.0f} → {row.median_after:,.0f} {row.token_counter}"
            table.add_row(Text(row.dataset), Text(f"{lengths}, {row.saving:.1%} saved"))
    for reason in rejections[:5]:
        table.add_row("rejected", Text(f"{reason.rejected:,} {reason.name} ({reason.trend.now or 0:.1%})"))
    return table
