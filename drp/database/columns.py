"""Column types that SQLite and PostgreSQL store alike."""

import re
from datetime import UTC, datetime

from sqlalchemy import DateTime, Dialect, Text, TypeDecorator

_NO_TEXT = re.compile("[\x00\ud800-\udfff]")


def storable(said: str) -> str:
    """Text as a database can keep it: NUL and lone surrogates, which no text has, become U+FFFD."""
    return _NO_TEXT.sub("\ufffd", said)


class Instant(TypeDecorator[datetime]):
    """A time in UTC, also where the database knows no time zones."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """To the database."""
        return None if value is None else value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """From the database; SQLite gives what it was given, without its zone."""
        if value is None or value.tzinfo is not None:
            return None if value is None else value.astimezone(UTC)
        return value.replace(tzinfo=UTC)


class StorableText(TypeDecorator[str]):
    """Text that a provider wrote."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        """To the database."""
        return None if value is None else storable(value)
