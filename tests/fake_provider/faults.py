"""What goes wrong, how often, and with which request: the same ones in every run with the same seed."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

from tests.fake_provider.config import Faults

ANSWERS = ("cut", "malformed", "empty", "null", "refusal", "filtered", "wrong_schema")
"""Billed answers that are none: cut (`length`), no JSON, "", null, refused, `content_filter`, other JSON."""
WIRE = ("rate_limited", "rate_limited_bare", "http_500", "http_503", "reset_before", "reset_after")
"""429 with and without Retry-After; the connection dies before, or after what was asked for is done."""
ONLINE = (*WIRE, "hang", "truncated", "slow", *ANSWERS)
"""Never answered; the HTTP body ends half way (billed); slow_factor × the latency."""
ROWS = ("row_400", "row_429", "row_500", "row_quota", "missing", *ANSWERS)
"""A row that failed, or that is in neither file."""


def chance(*key: object) -> float:
    """A number in [0, 1) that is always the same for the same key."""
    digest = hashlib.blake2b(repr(key).encode(), digest_size=8).digest()
    return int.from_bytes(digest) / 2**64


def choose(
    rates: Mapping[str, float], known: tuple[str, ...], faults: Faults, key: str, attempt: int
) -> str | None:
    """Name of the fault that meets the `attempt`-th request (from 1) of `key`, if any."""
    if unknown := set(rates) - set(known):
        raise ValueError(f"no such fault: {sorted(unknown)}")
    if faults.until_attempt is not None and attempt > faults.until_attempt:
        return None
    left = chance(faults.seed, key, attempt)
    for name in known:
        left -= rates.get(name, 0.0)
        if left < 0:
            return name
    return None


@dataclass(frozen=True)
class Said:
    """The choice of a completion."""

    content: str | None
    finish_reason: str = "stop"
    refusal: str | None = None


def spoil(fault: str | None, text: str) -> Said:
    """What is said instead of `text`."""
    match fault:
        case "cut":
            return Said(text[: len(text) // 2], "length")
        case "malformed":
            return Said("Here is the JSON:\n" + text[: len(text) * 2 // 3] + "]}")
        case "empty":
            return Said("")
        case "null":
            return Said(None)
        case "refusal":
            return Said(None, refusal="I'm sorry, I can't help with that.")
        case "filtered":
            return Said("", "content_filter")
        case "wrong_schema":
            return Said('{"note": "none of what was asked for"}')
    return Said(text)
