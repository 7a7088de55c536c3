"""Limit the requests in flight and the requests and tokens per minute, adapting to the provider.

`Window` limits the requests in flight. It is one until the first answer, so that a wrong key fails once. Then
it doubles with every full window of answers until the provider first reports overload. From there on it grows
by one per window, and shrinks to three quarters at each overload (additive increase, multiplicative decrease;
Chiu and Jain, 1989).

`Pace` keeps to the requests and tokens per minute that the profile allows, and to the pauses that the
provider asks for, in errors or in the headers of answers (`reset_wait`).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from drp.teacher.transport.requested_waits import provider_time, wait_in

START = 32
"""Window size after the first answer."""
DECREASE = 0.75
"""Factor on the window when the provider reports overload."""
BURST = 1 / 12
"""Share of a minute's allowance that may be spent at once."""


@dataclass
class Window:
    """Number of requests that may be in flight; times are seconds of one clock."""

    most: int
    size: float = 1.0
    is_doubling: bool = True
    _cut_at: float = field(default=float("-inf"))

    def __post_init__(self) -> None:
        self.answered = False

    def grow(self) -> None:
        """Record an answer."""
        if not self.answered:
            self.answered, self.size = True, min(START, self.most)
            return
        step = 1.0 if self.is_doubling else 1 / self.size
        self.size = min(self.most, self.size + step)

    def shrink(self, sent_at: float, now: float) -> None:
        """Record an overload for a request sent at `sent_at`; failures of one burst count once."""
        if sent_at < self._cut_at:
            return
        self._cut_at, self.is_doubling = now, False
        self.size = max(1.0, self.size * DECREASE)


# Why not aiolimiter: its AsyncLimiter blocks in `acquire`, and the sender needs the wait in seconds, to take
# the longest of two buckets, a pause and a breaker. An AsyncLimiter also refuses an amount above its
# capacity, and cannot be corrected when the bill of a request differs from the estimate.
@dataclass
class Bucket:
    """A token bucket that refills evenly with `per_minute` units; None: no limit."""

    per_minute: int | None
    _level: float = 0.0
    _at: float | None = None

    def wait(self, units: float, now: float) -> float:
        """Return the seconds until `units` may be spent; 0: now."""
        if self.per_minute is None:
            return 0.0
        most = self.per_minute * BURST
        level = most if self._at is None else min(most, self._level + (now - self._at) * self.per_minute / 60)
        self._level, self._at = level, now
        missing = min(units, most) - level  # more than the bucket holds may go when it is full
        return max(0.0, missing * 60 / self.per_minute)

    def take(self, units: float) -> None:
        """Spend `units`; the level may become negative, and negative `units` are a refund."""
        self._level -= units


@dataclass
class Pace:
    """Requests and tokens per minute, and a pause that the provider asked for."""

    requests: Bucket
    tokens: Bucket
    _paused_until: float = float("-inf")

    def wait(self, tokens: int, now: float) -> float:
        """Return the seconds until a request with `tokens` may be sent; 0: now."""
        return max(self._paused_until - now, self.requests.wait(1, now), self.tokens.wait(tokens, now), 0.0)

    def take(self, tokens: int) -> None:
        """Record that a request with an estimate of `tokens` was sent."""
        self.requests.take(1)
        self.tokens.take(tokens)

    def correct(self, estimated: int, used: int) -> None:
        """Replace the estimate of a request by the tokens that were billed."""
        self.tokens.take(used - estimated)

    def pause(self, seconds: float, now: float) -> None:
        """Send nothing for `seconds`."""
        self._paused_until = max(self._paused_until, now + seconds)


def reset_wait(headers: Mapping[str, str]) -> float:
    """Return the seconds until the limits reset if the headers report that nothing is left; else 0."""
    at = provider_time(headers)
    waits = [
        wait_in(headers.get(f"x-ratelimit-reset-{kind}", ""), at)
        for kind in ("requests", "tokens")
        if headers.get(f"x-ratelimit-remaining-{kind}") == "0"
    ]
    return max(waits, default=0.0)
