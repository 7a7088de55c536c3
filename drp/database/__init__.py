"""The database of the ledger and the registry: SQLite in a file, or PostgreSQL."""

from drp.database.column_types import Instant, StorableText
from drp.database.engine import Database, execute_many, insert
from drp.database.errors import (
    DamagedDatabaseError,
    DatabaseRefusedError,
    DatabaseTooNewError,
    DatabaseUnavailableError,
)
from drp.database.migrations import migrate

__all__ = [
    "DamagedDatabaseError",
    "Database",
    "DatabaseRefusedError",
    "DatabaseTooNewError",
    "DatabaseUnavailableError",
    "Instant",
    "StorableText",
    "execute_many",
    "insert",
    "migrate",
]
