"""What can go wrong with the ledger and with the money in it."""

from decimal import ROUND_CEILING, Decimal

from drp.core.errors import TerminalError, TransientError

_KEPT = "What the ledger had is kept, and nothing was sent that it does not know of"
_CENT = Decimal("0.01")


class LedgerUnavailableError(TransientError):
    """The database does not answer, is locked for long, or its disk is full."""

    def __init__(self, address: str, why: str) -> None:
        super().__init__(
            f"the ledger at {address} does not answer: {why}",
            state=_KEPT,
            next_command="drp ledger show, and once it answers, the same command again",
        )


class LedgerRefusedError(TerminalError):
    """The database is there and does not let us in."""

    def __init__(self, address: str, why: str) -> None:
        super().__init__(
            f"the ledger at {address} does not let us in: {why}",
            state=_KEPT,
            next_command="set DRP_DATABASE_URL right, then drp ledger show",
        )


class LedgerTooNewError(TerminalError):
    """A newer drp has written this ledger."""

    def __init__(self, address: str, found: str, head: str) -> None:
        super().__init__(
            f"the ledger at {address} is of a newer drp (revision {found}; this one knows up to {head})",
            state="Nothing was read or changed",
            next_command="update drp, then the same command again",
        )


class DamagedLedgerError(TerminalError):
    """The database holds something else than a whole ledger."""

    def __init__(self, address: str, why: str) -> None:
        super().__init__(
            f"the ledger at {address} is damaged, or is no ledger: {why}",
            state="Nothing was sent. Without its ledger a night would buy its answers again",
            next_command="restore the database from its backup, then drp ledger show",
        )


class BudgetExhaustedError(TerminalError):
    """What is still to be asked costs more than is left of the night's cap."""

    def __init__(
        self, run_id: str, *, spent: Decimal, reserved: Decimal, cap: Decimal, requests: int, wanted: Decimal
    ) -> None:
        enough = (spent + reserved + wanted).quantize(_CENT, ROUND_CEILING)
        super().__init__(
            f"the budget of {run_id} is exhausted: of {dollars(cap)} USD {dollars(spent)} are spent and"
            f" {dollars(reserved)} reserved for what is in flight or of unknown cost;"
            f" {requests} requests more would cost about {dollars(wanted)}",
            state="Every answer that arrived is in the ledger and is not bought again",
            next_command=f"DRP_BUDGET_USD={enough} (or more) drp nightly --run-date {run_id[:10]}",
        )


def dollars(amount: Decimal) -> str:
    """An amount with all its digits, at least two of them after the point."""
    return f"{amount.quantize(_CENT) if amount == amount.quantize(_CENT) else amount.normalize():f}"
