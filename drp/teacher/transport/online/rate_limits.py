"""How much a provider may be asked at once and a minute, found out while asking.

`Window` is the number of requests under way: one until the first answer, so that a wrong key fails once;
then doubled with every full window that was answered, up to the first refusal; from there on one more a
window, and three quarters after a refusal (additive increase, multiplicative decrease; Chiu and Jain, 1989).
`Pace` is the requests and tokens a minute that the profile allows and the provider's headers report.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from drp.teacher.transport.faults import span

START = 32
"""Requests under way once the first was answered."""
DECREASE = 0.75
BURST = 1 / 12
"""Share of a minute's allowance that may go at once."""


@dataclass
class Window:
    """Requests that may be under way; times are seconds of one clock."""

    most: int
    size: float = 1.0
    is_doubling: bool = True
    _cut_at: float = field(default=float("-inf"))

    def __post_init__(self) -> None:
        self.answered = False

    def grow(self) -> None:
        """A request was answered."""
        if not self.answered:
            self.answered, self.size = True, min(START, self.most)
            return
        step = 1.0 if self.is_doubling else 1 / self.size
        self.size = min(self.most, self.size + step)

    def shrink(self, sent_at: float, now: float) -> None:
        """A request that was sent at `sent_at` was refused for the load; all of one burst count once."""
        if sent_at < self._cut_at:
            return
        self._cut_at, self.is_doubling = now, False
        self.size = max(1.0, self.size * DECREASE)


@dataclass
class Bucket:
    """So many units a minute, evenly, with a little in hand."""

    per_minute: int | None
    _level: float = 0.0
    _at: float | None = None

    def wait(self, units: float, now: float) -> float:
        """Seconds until `units` may go, 0 for now."""
        if self.per_minute is None:
            return 0.0
        most = self.per_minute * BURST
        level = most if self._at is None else min(most, self._level + (now - self._at) * self.per_minute / 60)
        self._level, self._at = level, now
        missing = min(units, most) - level  # what is larger than the bucket goes when the bucket is full
        return max(0.0, missing * 60 / self.per_minute)

    def take(self, units: float) -> None:
        """`units` have gone; more than there is, is owed."""
        self._level -= units


@dataclass
class Pace:
    """Requests and tokens a minute, and a pause that the provider asked for."""

    requests: Bucket
    tokens: Bucket
    _paused_until: float = float("-inf")

    def wait(self, tokens: int, now: float) -> float:
        """Seconds until a request of so many tokens may go, 0 for now."""
        return max(self._paused_until - now, self.requests.wait(1, now), self.tokens.wait(tokens, now), 0.0)

    def take(self, tokens: int) -> None:
        """A request of so many tokens, as estimated, has gone."""
        self.requests.take(1)
        self.tokens.take(tokens)

    def correct(self, estimated: int, used: int) -> None:
        """It was billed with `used` tokens."""
        self.tokens.take(used - estimated)

    def heed(self, headers: Mapping[str, str], now: float) -> None:
        """Pause for as long as an answer's headers say that nothing is left."""
        waits = [
            span(headers.get(f"x-ratelimit-reset-{kind}", ""))
            for kind in ("requests", "tokens")
            if headers.get(f"x-ratelimit-remaining-{kind}") == "0"
        ]
        self.pause(max(waits, default=0.0), now)

    def pause(self, seconds: float, now: float) -> None:
        """Send nothing for so long."""
        self._paused_until = max(self._paused_until, now + seconds)
