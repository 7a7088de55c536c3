"""Configuration of the fake provider: models, prices, limits, faults and delays. Read from a JSON file."""

from decimal import Decimal
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

KEY = "sk-stand-in-8d1f0c7a5b3e"
"""The API key that the fake provider accepts by default."""

Standing = Literal["ok", "exhausted", "forbidden"]


class _Settings(BaseModel):
    model_config = ConfigDict(extra="forbid", validate_assignment=True)


class Prices(_Settings):
    """USD per million tokens."""

    input: Decimal = Decimal("2.5")
    cached_input: Decimal = Decimal("1.25")
    output: Decimal = Decimal("10")


class Batching(_Settings):
    """How batches are processed. Seconds are of the provider's clock, except where noted."""

    validating_s: float = 0.05
    row_s: float = 0.0
    finalizing_s: float = 0.05
    cancelling_s: float = 0.05
    window_s: float = 86_400
    stall_after: int | None = None
    """A batch stalls after this many rows, until it expires or is cancelled."""
    hold: bool = False
    """Batches stay in `validating`."""
    fail: list[str] = []
    """Error codes with which the next batches fail after validation, one code per batch."""
    max_requests: int = 50_000
    max_bytes: int = 200_000_000
    listing_delay_s: float = 0.0
    """Real seconds until a new batch appears in the list."""


class Faults(_Settings):
    """Rates of faults by name (see faults.py); the seed decides which request gets which fault."""

    seed: int = 0
    until_attempt: int | None = None
    """A body gets no faults after it has been sent this many times."""
    online: dict[str, float] = {}
    """Faults of chat completions."""
    rows: dict[str, float] = {}
    """Faults of rows of a batch."""
    api: dict[str, float] = {}
    """Faults of calls on files and batches."""
    retry_after_s: float = 0.2
    slow_factor: float = 10.0


class Config(_Settings):
    """The whole configuration."""

    keys: dict[str, Standing] = {KEY: "ok"}
    models: dict[str, Prices] = {"stand-in": Prices()}
    batch_discount: Decimal = Decimal("0.5")
    requests_per_minute: int = 1_000_000
    tokens_per_minute: int = 1_000_000_000
    enqueued_tokens: int = 1_000_000_000
    context: int = 1_000_000_000
    """Most tokens of a prompt together with the longest reply that is asked for."""
    expires_after: int | None = None
    """After so many answers the provider refuses every request, in the way of `expiry` (quirks.REFUSALS)."""
    expiry: str = "expired_key"
    latency_s: float = 0.0
    latency_spread: float = 0.0
    """Latency is uniform within latency_s × (1 ± latency_spread)."""
    mind: str = "tests.fake_provider.reply_text:think"
    """`module:function` from a body to a text, `echo` (the last message), or `text:...` (a constant)."""
    counter: str = "tests.fake_provider.reply_text:count_tokens"
    """`module:function` from a text to its number of tokens, or `quarter` (a quarter of the characters)."""
    clock_speed: float = 1.0
    """Seconds of the provider's clock per real second."""
    file_delay_s: float = 0.0
    """Real seconds until a new file is visible."""
    file_processing_s: float = 0.0
    """Real seconds until a new file's status is `processed`."""
    batches: Batching = Field(default_factory=Batching)
    faults: Faults = Field(default_factory=Faults)
