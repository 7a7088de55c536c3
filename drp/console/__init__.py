"""Output for people in a terminal: tables and progress."""

from drp.console.progress import Progress
from drp.console.tables import add_row, new_table, show
from drp.console.text import printable

__all__ = ["Progress", "add_row", "new_table", "printable", "show"]
