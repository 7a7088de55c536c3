"""Errors about the money in the ledger."""

from decimal import ROUND_CEILING, Decimal

from drp.core import RunId, TerminalError

_CENT = Decimal("0.01")


class BudgetExhaustedError(TerminalError):
    """The remaining requests cost more than the rest of the night's cap."""

    def __init__(
        self, run_id: str, *, spent: Decimal, reserved: Decimal, cap: Decimal, requests: int, needed: Decimal
    ) -> None:
        sufficient_cap = (spent + reserved + needed).quantize(_CENT, ROUND_CEILING)
        day = RunId.parse(run_id).date
        super().__init__(
            f"the budget of {run_id} is exhausted: of {dollars(cap)} USD, {dollars(spent)} are spent and"
            f" {dollars(reserved)} are reserved for requests in flight or of unknown cost;"
            f" {requests} more requests would cost about {dollars(needed)}",
            state="Every answer that arrived is in the ledger and will not be paid again",
            next_command=f"DRP_BUDGET_USD={sufficient_cap} (or more) drp nightly --run-date {day}",
        )


def dollars(amount: Decimal) -> str:
    """Format an amount with all its digits, and at least two of them after the point."""
    return f"{amount.quantize(_CENT) if amount == amount.quantize(_CENT) else amount.normalize():f}"
