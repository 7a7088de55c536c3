"""What can go wrong with the money in the ledger."""

from decimal import ROUND_CEILING, Decimal

from drp.core import RunId, TerminalError

_CENT = Decimal("0.01")


class BudgetExhaustedError(TerminalError):
    """What is still to be asked costs more than is left of the night's cap."""

    def __init__(
        self, run_id: str, *, spent: Decimal, reserved: Decimal, cap: Decimal, requests: int, wanted: Decimal
    ) -> None:
        enough = (spent + reserved + wanted).quantize(_CENT, ROUND_CEILING)
        day = RunId.parse(run_id).date
        super().__init__(
            f"the budget of {run_id} is exhausted: of {dollars(cap)} USD {dollars(spent)} are spent and"
            f" {dollars(reserved)} reserved for what is in flight or of unknown cost;"
            f" {requests} requests more would cost about {dollars(wanted)}",
            state="Every answer that arrived is in the ledger and is not bought again",
            next_command=f"DRP_BUDGET_USD={enough} (or more) drp nightly --run-date {day}",
        )


def dollars(amount: Decimal) -> str:
    """An amount with all its digits, at least two of them after the point."""
    return f"{amount.quantize(_CENT) if amount == amount.quantize(_CENT) else amount.normalize():f}"
