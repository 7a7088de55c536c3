"""Faults to inject; with the same seed, the same requests get the same faults in every run."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

from tests.fake_provider.config import Faults
from tests.fake_provider.quirks import DOCUMENTS, ERRORS, QUIRKS, REFUSALS

ANSWERS = ("cut", "malformed", "empty", "null", "refusal", "filtered", "wrong_schema")
"""Billed but unusable answers: cut (`length`), no JSON, "", null, refused, `content_filter`, other JSON."""
WIRE = ("rate_limited", "rate_limited_bare", "http_500", "http_503", "reset_before", "reset_after")
"""429 with and without Retry-After; 5xx; connection reset before or after the request is processed."""
API = (*WIRE, *ERRORS, "page")
"""Faults of calls on files and batches; in addition errors under status 200, and a page of HTML."""
ONLINE = (*WIRE, "hang", "truncated", "slow", *ANSWERS, *QUIRKS, *REFUSALS)
"""In addition: no response; half of the HTTP body (billed); slow_factor × the latency; an unusable answer; a
quirk (quirks.py)."""
ROWS = ("row_400", "row_429", "row_500", "row_quota", "missing", *ANSWERS, *DOCUMENTS, *ERRORS)
"""A row that failed; a row that is in neither file; an unusable answer; a quirk of the response."""


def chance(*key: object) -> float:
    """Return a number in [0, 1) that depends only on the key."""
    digest = hashlib.blake2b(repr(key).encode(), digest_size=8).digest()
    return int.from_bytes(digest) / 2**64


def choose(
    rates: Mapping[str, float], known: tuple[str, ...], faults: Faults, key: str, attempt: int
) -> str | None:
    """Return the name of the fault of the `attempt`-th request (from 1) of `key`, if any."""
    if unknown := set(rates) - set(known):
        raise ValueError(f"no such fault: {sorted(unknown)}")
    if faults.until_attempt is not None and attempt > faults.until_attempt:
        return None
    remaining = chance(faults.seed, key, attempt)
    for name in known:
        remaining -= rates.get(name, 0.0)
        if remaining < 0:
            return name
    return None


@dataclass(frozen=True)
class Choice:
    """The choice of a completion."""

    content: str | None
    finish_reason: str = "stop"
    refusal: str | None = None


def spoil(fault: str | None, text: str) -> Choice:
    """Return the choice that a fault makes of `text`."""
    match fault:
        case "cut":
            return Choice(text[: len(text) // 2], "length")
        case "malformed":
            return Choice("Here is the JSON:\n" + text[: len(text) * 2 // 3] + "]}")
        case "empty":
            return Choice("")
        case "null":
            return Choice(None)
        case "refusal":
            return Choice(None, refusal="I'm sorry, I can't help with that.")
        case "filtered":
            return Choice("", "content_filter")
        case "wrong_schema":
            return Choice('{"note": "none of what was asked for"}')
    return Choice(text)
