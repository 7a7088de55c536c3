"""The provider's clock, which may run faster than real time, so that 24 hours pass in a test."""

import asyncio
import time


class Clock:
    """Unix seconds that start at the real time and pass `speed` times as fast."""

    def __init__(self, speed: float) -> None:
        self.speed = speed
        self._real, self._shown = time.monotonic(), time.time()

    def now(self) -> float:
        """Return Unix seconds."""
        return self._shown + (time.monotonic() - self._real) * self.speed

    def set_speed(self, speed: float) -> None:
        """Continue at another speed."""
        self._shown, self._real, self.speed = self.now(), time.monotonic(), speed

    async def sleep(self, seconds: float) -> None:
        """Wait for `seconds` of this clock; 0: yield to other tasks."""
        end = self.now() + seconds
        await asyncio.sleep(0)
        while (remaining := end - self.now()) > 0:  # the speed may change in the meantime
            await asyncio.sleep(min(remaining / self.speed, 0.1))
