"""What the stand-in is like: models and prices, limits, faults, how long things take. JSON in a file."""

from decimal import Decimal
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

KEY = "sk-stand-in-8d1f0c7a5b3e"
"""The key that the stand-in lets in unless told otherwise."""

Standing = Literal["ok", "exhausted", "forbidden"]


class _Settings(BaseModel):
    model_config = ConfigDict(extra="forbid", validate_assignment=True)


class Prices(_Settings):
    """USD per million tokens."""

    input: Decimal = Decimal("2.5")
    cached_input: Decimal = Decimal("1.25")
    output: Decimal = Decimal("10")


class Batching(_Settings):
    """How batches go. Seconds are of the provider's clock unless they say otherwise."""

    validating_s: float = 0.05
    row_s: float = 0.0
    finalizing_s: float = 0.05
    cancelling_s: float = 0.05
    window_s: float = 86_400
    stall_after: int | None = None
    """A batch does nothing more after so many rows, until it expires or is cancelled."""
    hold: bool = False
    """Batches stay in `validating`."""
    fail: list[str] = []
    """Codes with which the next batches fail after validating, one batch each."""
    max_requests: int = 50_000
    max_bytes: int = 200_000_000
    listing_delay_s: float = 0.0
    """Real seconds until a new batch shows in the list."""


class Faults(_Settings):
    """Rates of faults by name (see faults.py); which request meets which is settled by the seed."""

    seed: int = 0
    until_attempt: int | None = None
    """A body that was sent so many times goes through from then on."""
    online: dict[str, float] = {}
    """Of chat completions."""
    rows: dict[str, float] = {}
    """Of the rows of a batch."""
    api: dict[str, float] = {}
    """Of calls on files and batches."""
    retry_after_s: float = 0.2
    slow_factor: float = 10.0


class Config(_Settings):
    """All of it."""

    keys: dict[str, Standing] = {KEY: "ok"}
    models: dict[str, Prices] = {"stand-in": Prices()}
    batch_discount: Decimal = Decimal("0.5")
    requests_per_minute: int = 1_000_000
    tokens_per_minute: int = 1_000_000_000
    enqueued_tokens: int = 1_000_000_000
    latency_s: float = 0.0
    latency_spread: float = 0.0
    """Latency lies within latency_s × (1 ± latency_spread), evenly."""
    mind: str = "tests.fake_provider.mind:think"
    """`module:function` from a body to a text, `echo` (the last message), or `text:...` (always the same)."""
    counter: str = "tests.fake_provider.mind:count_tokens"
    """`module:function` from a text to its tokens, or `quarter` (of the characters)."""
    clock_speed: float = 1.0
    """Provider's seconds in a real second."""
    file_delay_s: float = 0.0
    """Real seconds in which a new file is not there yet."""
    file_processing_s: float = 0.0
    """Real seconds until a new file's status is `processed`."""
    batches: Batching = Field(default_factory=Batching)
    faults: Faults = Field(default_factory=Faults)
