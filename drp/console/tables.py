"""Tables for a terminal, or for a file that the output is piped into."""

import sys

from rich.console import Console
from rich.table import Table
from rich.text import Text


def new_table(title: str, *columns: str) -> Table:
    """Return an empty table with a title above it."""
    return Table(*columns, title=Text(title), title_justify="left")


def add_row(table: Table, *cells: object) -> None:
    """Add a row. Cells are plain text: markup in the output of a model or a provider has no effect."""
    table.add_row(*(Text(str(cell)) for cell in cells))


def show(table: Table, width: int = 160) -> None:
    """Print a table as wide as the terminal, or `width` characters wide if there is no terminal."""
    Console(width=None if sys.stdout.isatty() else width).print(table)
