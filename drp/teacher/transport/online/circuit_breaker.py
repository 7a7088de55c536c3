"""Pause after many failures in a row, probe with one request, then continue or give up."""

import logging
from dataclasses import dataclass, field

from drp.teacher.transport.errors import TeacherUnavailableError

_log = logging.getLogger(__name__)

BREAK_AFTER = 20
"""Number of failures in a row that open the breaker."""
PAUSES_S = (5.0, 10.0, 20.0, 40.0, 60.0)


@dataclass
class Breaker:
    """A circuit breaker; times are seconds of one clock."""

    name: str
    patience_s: float
    """The stage fails after this many seconds without an answer; Airflow, or a person, runs it again."""
    started: float
    _failures: int = 0
    _opened: int = 0
    _until: float = field(default=float("-inf"))

    def __post_init__(self) -> None:
        self._last_answer = self.started

    @property
    def is_probing(self) -> bool:
        """Whether only one request may be in flight."""
        return self._opened > 0

    def wait(self, now: float) -> float:
        """Return the seconds until a request may be sent."""
        return max(0.0, self._until - now)

    def bounded(self, wait_s: float, now: float) -> float:
        """Return a wait of `wait_s`, but no longer than the patience that is left."""
        return min(wait_s, max(0.0, self.patience_s - (now - self._last_answer)))

    def answered(self, now: float) -> None:
        """Record an answer."""
        if self._opened:
            _log.warning("teacher %s answers again, after %.0f s", self.name, now - self._last_answer)
        self._failures = self._opened = 0
        self._last_answer = now

    def failed(self, why: str, now: float) -> TeacherUnavailableError | None:
        """Record a failure; return the error to raise if `patience_s` is over."""
        self._failures += 1
        silent = now - self._last_answer
        if silent > self.patience_s:
            return TeacherUnavailableError(self.name, f"no answer for {silent:.0f} s; last failure: {why}")
        if self._failures % BREAK_AFTER == 0 or (self._opened and now >= self._until):
            pause = self.bounded(PAUSES_S[min(self._opened, len(PAUSES_S) - 1)], now)
            self._opened += 1
            self._until = now + pause
            _log.warning(
                "teacher %s: %d failures, no answer for %.0f s, last failure: %s; pausing for %.0f s",
                self.name,
                self._failures,
                silent,
                why,
                pause,
            )
        return None
