"""Print rows as a table."""

from typing import Any


def print_table(title: str, columns: list[str], rows: list[Any]) -> None:
    """Print a table with a title to standard output."""
    from drp.console import add_row, new_table, show

    table = new_table(title, *columns)
    for row in rows:
        add_row(table, *row)
    show(table)
