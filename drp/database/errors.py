"""What can go wrong with the database of the ledger and the registry."""

from drp.core import TerminalError, TransientError

_KEPT = "What the ledger had is kept, and nothing was sent that it does not know of"


class DatabaseUnavailableError(TransientError):
    """The database does not answer, stays locked, or its disk is full."""

    def __init__(self, address: str, why: str) -> None:
        super().__init__(
            f"the database at {address} does not answer: {why}",
            state=_KEPT,
            next_command="drp ledger show, and once that works, the same command again",
        )


class DatabaseRefusedError(TerminalError):
    """The database is there and refuses the connection."""

    def __init__(self, address: str, why: str) -> None:
        super().__init__(
            f"the database at {address} refuses the connection: {why}",
            state=_KEPT,
            next_command="correct DRP_DATABASE_URL, then run drp ledger show",
        )


class DatabaseTooNewError(TerminalError):
    """A newer version of DRP has changed the tables."""

    def __init__(self, address: str, found: str, head: str) -> None:
        super().__init__(
            f"the tables in the database at {address} are those of a newer drp (revision {found}; this one"
            f" knows up to {head})",
            state="Nothing was read or changed",
            next_command="update drp, then the same command again",
        )


class DamagedDatabaseError(TerminalError):
    """The database is damaged, or holds tables that are not DRP's."""

    def __init__(self, address: str, why: str) -> None:
        super().__init__(
            f"the database at {address} is damaged, or is not one of DRP's: {why}",
            state="Nothing was sent. Without its ledger a night would buy its answers again",
            next_command="restore the database from its backup, then drp ledger show",
        )
