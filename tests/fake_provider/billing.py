"""Record what the provider billed (`books.jsonl` in its folder) and how often each body was received."""

import hashlib
import json
import time
from collections import Counter
from collections.abc import Mapping
from decimal import ROUND_HALF_EVEN, Decimal
from pathlib import Path
from typing import Any

from tests.fake_provider.config import Config

NAME = "books.jsonl"


def digest(body: Mapping[str, Any]) -> str:
    """Return the digest of a body, whatever the order of its keys."""
    canonical = json.dumps(body, sort_keys=True, separators=(",", ":"))
    return hashlib.blake2b(canonical.encode(), digest_size=16).hexdigest()


def nano_usd(config: Config, model: str, usage: Mapping[str, Any], *, batch: bool) -> int:
    """Return the cost of a completion in 10^-9 USD."""
    prices = config.models[model]
    cached = usage["prompt_tokens_details"]["cached_tokens"]
    usd_per_million = (
        (usage["prompt_tokens"] - cached) * prices.input
        + cached * prices.cached_input
        + usage["completion_tokens"] * prices.output
    )
    discount = 1 - config.batch_discount if batch else Decimal(1)
    return int((usd_per_million * 1000 * discount).quantize(Decimal(1), ROUND_HALF_EVEN))


class Books:
    """The billing records in `folder`; records of a provider that was killed are continued."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / NAME
        self.path.touch()
        self._asked: Counter[str] = Counter()
        self._billed: Counter[str] = Counter()
        self._nano: Counter[str] = Counter()
        with self.path.open() as lines:
            for line in lines:
                self._add(json.loads(line))
        self._file = self.path.open("a")

    def asked(self, body_digest: str) -> int:
        """Count a body, and return how often it has been received, including this time."""
        self._asked[body_digest] += 1
        return self._asked[body_digest]

    def bill(self, **entry: Any) -> None:
        """Record one completion, before its answer is sent."""
        entry["at"] = time.time()
        self._file.write(json.dumps(entry) + "\n")
        self._file.flush()
        self._add(entry)

    def _add(self, entry: Mapping[str, Any]) -> None:
        self._billed[entry["digest"]] += 1
        self._nano[entry["mode"]] += entry["nano_usd"]

    def totals(self) -> dict[str, Any]:
        """Return counts and costs; `paid_twice` counts the completions after the first one of each body."""
        return {
            "asked": self._asked.total(),
            "billed": self._billed.total(),
            "bodies": len(self._billed),
            "paid_twice": self._billed.total() - len(self._billed),
            "nano_usd": self._nano.total(),
            "by_mode": dict(self._nano),
        }

    def asked_by_digest(self) -> dict[str, int]:
        """Return how often each body was received since the start."""
        return dict(self._asked)
