"""Requests and tokens per minute: two buckets that fill up steadily, and the headers that show them."""

import time
from dataclasses import dataclass, field


@dataclass
class Bucket:
    """Holds `size`, fills up from empty in 60 s."""

    size: int
    level: float = field(init=False)
    _at: float = field(init=False)

    def __post_init__(self) -> None:
        self.level, self._at = float(self.size), time.monotonic()

    def fill(self) -> None:
        """Bring the level up to now."""
        now = time.monotonic()
        self.level = min(self.size, self.level + (now - self._at) * self.size / 60)
        self._at = now

    def wait_s(self, amount: float) -> float:
        """Seconds until there is room for `amount`."""
        return max(0.0, amount - self.level) * 60 / self.size


class Limits:
    """Both buckets of a key."""

    def __init__(self, requests_per_minute: int, tokens_per_minute: int) -> None:
        self.requests, self.tokens = Bucket(requests_per_minute), Bucket(tokens_per_minute)

    def take(self, tokens: int) -> tuple[str, float | None] | None:
        """Take a request of so many tokens; or say what there is too little of, and for how many seconds.

        There is never room for a request of more tokens than the limit of a minute: no seconds then.
        """
        for name, bucket, amount in (("requests", self.requests, 1), ("tokens", self.tokens, tokens)):
            bucket.fill()
            if bucket.level < amount:
                return name, bucket.wait_s(amount) if amount <= bucket.size else None
        self.requests.level -= 1
        self.tokens.level -= tokens
        return None

    def headers(self) -> dict[str, str]:
        """The x-ratelimit headers."""
        found = {}
        for name, bucket in (("requests", self.requests), ("tokens", self.tokens)):
            found[f"x-ratelimit-limit-{name}"] = str(bucket.size)
            found[f"x-ratelimit-remaining-{name}"] = str(max(0, int(bucket.level)))
            found[f"x-ratelimit-reset-{name}"] = duration(bucket.wait_s(bucket.size))
        return found


def duration(seconds: float) -> str:
    """As the API writes it: `17ms`, `8.64s`, `6m0s`."""
    if seconds < 1:
        return f"{round(seconds * 1000)}ms"
    minutes, rest = divmod(seconds, 60)
    return f"{int(minutes)}m{rest:.0f}s" if minutes else f"{rest:.3g}s"
