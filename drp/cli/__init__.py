"""The `drp` command: one file for each group of commands, and the tables that they print."""

__all__ = ["main"]
