"""The provider's clock: it may run faster than ours, so that 24 hours pass in a test."""

import asyncio
import time


class Clock:
    """Unix seconds that begin at the real time and pass `speed` times as fast."""

    def __init__(self, speed: float) -> None:
        self.speed = speed
        self._real, self._shown = time.monotonic(), time.time()

    def now(self) -> float:
        """Unix seconds."""
        return self._shown + (time.monotonic() - self._real) * self.speed

    def set_speed(self, speed: float) -> None:
        """Go on from now at another speed."""
        self._shown, self._real, self.speed = self.now(), time.monotonic(), speed

    async def sleep(self, seconds: float) -> None:
        """Let so many of its seconds pass; none: let others work."""
        end = self.now() + seconds
        await asyncio.sleep(0)
        while (left := end - self.now()) > 0:  # the speed may be set meanwhile
            await asyncio.sleep(min(left / self.speed, 0.1))
