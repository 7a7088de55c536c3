"""Requests and tokens per minute: two token buckets, and the headers that report them."""

import time
from dataclasses import dataclass, field


@dataclass
class Bucket:
    """A token bucket that holds `size` and refills in 60 s."""

    size: int
    level: float = field(init=False)
    _at: float = field(init=False)

    def __post_init__(self) -> None:
        self.level, self._at = float(self.size), time.monotonic()

    def fill(self) -> None:
        """Update the level to the current time."""
        now = time.monotonic()
        self.level = min(self.size, self.level + (now - self._at) * self.size / 60)
        self._at = now

    def wait_s(self, amount: float) -> float:
        """Return the seconds until there is room for `amount`."""
        return max(0.0, amount - self.level) * 60 / self.size


class Limits:
    """Both buckets of an API key."""

    def __init__(self, requests_per_minute: int, tokens_per_minute: int) -> None:
        self.requests, self.tokens = Bucket(requests_per_minute), Bucket(tokens_per_minute)

    def take(self, tokens: int) -> tuple[str, float | None] | None:
        """Accept a request of so many tokens, or return the limit that it exceeds and the seconds to wait.

        A request with more tokens than the limit of a minute is never accepted; its seconds are None.
        """
        for name, bucket, amount in (("requests", self.requests, 1), ("tokens", self.tokens, tokens)):
            bucket.fill()
            if bucket.level < amount:
                return name, bucket.wait_s(amount) if amount <= bucket.size else None
        self.requests.level -= 1
        self.tokens.level -= tokens
        return None

    def headers(self) -> dict[str, str]:
        """Return the x-ratelimit headers."""
        headers = {}
        for name, bucket in (("requests", self.requests), ("tokens", self.tokens)):
            headers[f"x-ratelimit-limit-{name}"] = str(bucket.size)
            headers[f"x-ratelimit-remaining-{name}"] = str(max(0, int(bucket.level)))
            headers[f"x-ratelimit-reset-{name}"] = duration(bucket.wait_s(bucket.size))
        return headers


def duration(seconds: float) -> str:
    """Format seconds as the API does: `17ms`, `8.64s`, `6m0s`."""
    if seconds < 1:
        return f"{round(seconds * 1000)}ms"
    minutes, rest = divmod(seconds, 60)
    return f"{int(minutes)}m{rest:.0f}s" if minutes else f"{rest:.3g}s"
