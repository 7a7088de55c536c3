"""Log why requests have no answer: at once when a cause is new, then once a minute for each cause."""

import logging
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from drp.teacher.transport.retry_policy import RequestFault

_log = logging.getLogger(__name__)

INTERVAL_S = 60.0


@dataclass
class FaultLog:
    """Logs the faults of one teacher; times are seconds of one clock."""

    name: str
    _counts: dict[str, int] = field(default_factory=dict)
    """Failures since the last line, by cause."""
    _logged_at: dict[str, float] = field(default_factory=dict)

    def failed(self, fault: RequestFault, wait_s: float, now: float) -> None:
        """Log a failure after which nothing is sent for `wait_s`, unless its cause was logged recently."""
        cause = fault.words
        self._counts[cause] = count = self._counts.get(cause, 0) + 1
        if now - self._logged_at.get(cause, float("-inf")) < INTERVAL_S:
            return
        self._counts[cause], self._logged_at[cause] = 0, now
        times = "" if count == 1 else f" ({count} times)"
        _log.warning("teacher %s: %s%s%s", self.name, fault.why, times, _pause(wait_s, fault.wait_s))

    def paused(self, asked_s: float, wait_s: float, now: float) -> None:
        """Log that an answer's headers ask for a pause, unless one was logged recently."""
        fault = RequestFault("load", "the rate limit is used up", None, asked_s)
        if wait_s >= 1.0:
            self.failed(fault, wait_s, now)


def _pause(wait_s: float, asked_s: float) -> str:
    if asked_s <= 0:
        return ""
    until = (datetime.now().astimezone() + timedelta(seconds=wait_s)).strftime("%H:%M:%S")
    asked = f"the provider asks for a pause of {asked_s:.0f} s"
    if wait_s < asked_s:
        return f"; {asked}, longer than `patience_s` allows: trying again at {until}, in {wait_s:.0f} s"
    return f"; {asked}, until {until}"
