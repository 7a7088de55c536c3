"""What completions cost, by the prices in a teacher's profile."""

from dataclasses import dataclass
from decimal import Decimal

from drp.config import Prices
from drp.ledger.completions import Usage

_MILLION = Decimal(1_000_000)


@dataclass(frozen=True)
class Tariff:
    """The prices of one teacher, online or in batches."""

    prices: Prices
    in_batch: bool

    def cost(self, usage: Usage) -> Decimal:
        """Return what these tokens cost, in USD."""
        prices = self.prices
        cached_price = prices.input if prices.cached_input is None else prices.cached_input
        amount = (
            (usage.prompt_tokens - usage.cached_tokens) * prices.input
            + usage.cached_tokens * cached_price
            + usage.completion_tokens * prices.output
        ) / _MILLION
        return amount * (1 - prices.batch_discount) if self.in_batch else amount
