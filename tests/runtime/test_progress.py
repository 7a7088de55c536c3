"""How far a shard is, in the log."""

import logging

from drp.runtime import progress
from drp.runtime.progress import Progress


def test_it_tells_rows_done_and_time_left_now_and_then(caplog, monkeypatch):
    clock = iter([10.0, 60.0, 61.0])
    monkeypatch.setattr(progress.time, "monotonic", lambda: next(clock))
    shard = Progress("prune", "ab12", 400, 0.0, 0.0)
    with caplog.at_level(logging.INFO):
        for done in (20, 100, 101):
            shard.tell(done)
    assert caplog.messages == ["prune ab12: 100 of 400 rows, about 3 min left"]
