"""Tables as people see them in a terminal, or in what they pipe into a file."""

import sys

from rich.console import Console
from rich.table import Table
from rich.text import Text


def new_table(title: str, *columns: str) -> Table:
    """An empty table with its title above it."""
    return Table(*columns, title=Text(title), title_justify="left")


def add_row(table: Table, *cells: object) -> None:
    """Add a line; what a model or a provider said is no markup."""
    table.add_row(*(Text(str(cell)) for cell in cells))


def show(table: Table, width: int = 160) -> None:
    """Print a table: as wide as the terminal, or `width` characters where there is none."""
    Console(width=None if sys.stdout.isatty() else width).print(table)
