"""What completions cost, by the prices in a teacher's profile."""

from decimal import Decimal

from drp.config import Prices
from drp.ledger.completions import Usage

_MILLION = Decimal(1_000_000)


def cost(prices: Prices, usage: Usage, *, in_batch: bool) -> Decimal:
    """USD that these tokens cost, online or in a batch."""
    cached_price = prices.input if prices.cached_input is None else prices.cached_input
    amount = (
        (usage.prompt_tokens - usage.cached_tokens) * prices.input
        + usage.cached_tokens * cached_price
        + usage.completion_tokens * prices.output
    ) / _MILLION
    return amount * (1 - prices.batch_discount) if in_batch else amount
