"""How far a shard is, now and then in the log: rows done, and how long the rest will take at this pace."""

import logging
import time
from dataclasses import dataclass, field

from drp.runtime.context import Night

_log = logging.getLogger(__name__)

TELL_S = 30.0
"""Seconds between two lines."""


@dataclass
class Progress:
    """Of one stage of one shard with `total` rows."""

    stage: str
    shard: str
    total: int
    _began: float = field(default_factory=time.monotonic)
    _told: float = field(default_factory=time.monotonic)

    def tell(self, done: int) -> None:
        """`done` rows are finished; say so if nothing was said for a while."""
        now = time.monotonic()
        if now - self._told < TELL_S or not done:
            return
        self._told = now
        left = (now - self._began) / done * (self.total - done)
        _log.info(
            "%s %s: %s of %s rows, about %.0f min left",
            *(self.stage, self.shard, f"{done:,}", f"{self.total:,}", left / 60),
        )


def rows_in(night: Night, shard: str, stage: str, count: str) -> int:
    """What a finished stage of the shard counted under this name."""
    shard_files = (done for done in night.shard_files(stage) if done.shard.partition("-")[0] == shard)
    return sum(done.counts.get(count, 0) for done in shard_files)
