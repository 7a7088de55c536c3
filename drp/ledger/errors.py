"""Errors about the money in the ledger."""

from decimal import ROUND_CEILING, Decimal

from drp.core import DrpError, TerminalError

_CENT = Decimal("0.01")


class BudgetExhaustedError(TerminalError):
    """The next requests cost more than the rest of the night's cap."""

    def __init__(
        self, run_id: str, *, spent: Decimal, reserved: Decimal, cap: Decimal, requests: int, needed: Decimal
    ) -> None:
        self.least_cap = spent + reserved + needed
        """The least cap with which these requests can be sent, in USD."""
        super().__init__(
            f"the budget of {run_id} is exhausted: of {dollars(cap)} USD, {dollars(spent)} are spent and"
            f" {dollars(reserved)} are reserved for requests in flight or of unknown cost;"
            f" the next {requests} requests would cost about {dollars(needed)}",
            state="Every answer that arrived is in the ledger and will not be paid again",
            next_command=f"the same command again with DRP_BUDGET_USD={_cents(self.least_cap)} or more",
        )

    def to_go_on(self, command: str, whole_cost: Decimal) -> None:
        """Let the error name the command that goes on, with a budget for the whole night.

        Args:
            command: the command of the night, in the words of the shell; empty if it is not known.
            whole_cost: what the night will have cost in the end, in USD.
        """
        budget = f"DRP_BUDGET_USD={_cents(max(whole_cost, self.least_cap))}"
        next_command = f"{budget} {command}" if command else f"the same command again with {budget} or more"
        DrpError.__init__(self, self.problem, state=self.state, next_command=next_command)


def _cents(amount: Decimal) -> Decimal:
    return amount.quantize(_CENT, ROUND_CEILING)


def dollars(amount: Decimal) -> str:
    """Format an amount with all its digits, and at least two of them after the point."""
    return f"{amount.quantize(_CENT) if amount == amount.quantize(_CENT) else amount.normalize():f}"
