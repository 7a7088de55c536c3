"""Errors of the database of the ledger and the registry."""

from drp.core import TerminalError, TransientError

_KEPT = "Everything in the ledger is kept, and no request was sent that is not in the ledger"


class DatabaseUnavailableError(TransientError):
    """The database does not answer or stays locked, or its disk is full."""

    def __init__(self, address: str, reason: str) -> None:
        super().__init__(
            f"the database at {address} does not answer: {reason}",
            state=_KEPT,
            next_command="drp ledger show; once that works, run the same command again",
        )


class DatabaseRefusedError(TerminalError):
    """The database refuses the connection."""

    def __init__(self, address: str, reason: str) -> None:
        super().__init__(
            f"the database at {address} refuses the connection: {reason}",
            state=_KEPT,
            next_command="correct DRP_DATABASE_URL, then run drp ledger show",
        )


class DatabaseTooNewError(TerminalError):
    """A newer version of DRP has changed the tables."""

    def __init__(self, address: str, revision: str, newest_known: str) -> None:
        super().__init__(
            f"the tables in the database at {address} are those of a newer drp (revision {revision}; this one"
            f" knows up to {newest_known})",
            state="Nothing was read or changed",
            next_command="update drp, then run the same command again",
        )


class DamagedDatabaseError(TerminalError):
    """The database is damaged, or its tables are not those of DRP."""

    def __init__(self, address: str, reason: str) -> None:
        super().__init__(
            f"the database at {address} is damaged, or is not a database of DRP: {reason}",
            state="Nothing was sent. Without the ledger, a night would pay again for replies that it has",
            next_command="restore the database from its backup, then run drp ledger show",
        )
