"""Tell a request that the provider cannot answer from a provider that answers none any more.

A key that expires under way, a model that is retired: every request fails with the same words, one by one.
Until an answer to a later request shows that the provider works, such failures are only suspected to be the
requests' own, and the requests are not given up.
"""

from collections import Counter
from dataclasses import dataclass, field

from drp.teacher.transport.retry_policy import SAME_REFUSALS


@dataclass
class Refusals:
    """Counts requests that failed for good since the last answer, by the words of the failure."""

    _counts: Counter[str] = field(default_factory=Counter)
    _since: float = 0.0

    @property
    def are_general(self) -> bool:
        """Whether so many failed with the same words that the provider seems to refuse everything."""
        return max(self._counts.values(), default=0) >= SAME_REFUSALS

    def failed(self, words: str, now: float) -> None:
        """Record a failure at the time `now`."""
        if not self._counts:
            self._since = now
        self._counts[words] += 1

    def answered(self, sent_at: float) -> bool:
        """Record an answer; return whether it shows that the failures were the requests' own.

        An answer to a request that was sent before the first failure shows nothing.
        """
        if sent_at < self._since:
            return False
        self._counts.clear()
        return True
