"""The progress reporter: a bar in a terminal, or a log line from time to time.

with Progress("training", total=300, unit="steps", bar=True) as progress:
    progress.update(step, f"loss {loss:.4f}")
"""

import logging
import sys
import time
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bar

INTERVAL_S = 30.0
"""Seconds between two log lines."""

_log = logging.getLogger(__name__)


class Progress:
    """Progress of one piece of work.

    Args:
        name: name of the work, such as `prune 5f0c`.
        total: the number of units; None if it is unknown.
        unit: name of the units.
        done: the number of units that an earlier attempt has finished.
        bar: draw a bar instead of logging, if standard error is a terminal. Only one bar can be drawn at a
            time.
    """

    def __init__(
        self, name: str, total: int | None, *, unit: str = "rows", done: int = 0, bar: bool = False
    ) -> None:
        self._name, self._total, self._unit, self._done_before = name, total, unit, done
        self._started = self._last = time.monotonic()
        self._bar: Bar | None = None
        if bar and sys.stderr.isatty():
            columns = (
                TextColumn(name),
                BarColumn(),
                MofNCompleteColumn(),
                TextColumn("{task.description}"),
                TimeRemainingColumn(),
            )
            self._bar = Bar(*columns, console=Console(stderr=True))
            self._task = self._bar.add_task("", total=total, completed=done)

    def __enter__(self) -> Self:
        if self._bar:
            self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar:
            self._bar.stop()

    def update(self, done: int, detail: str = "") -> None:
        """Report progress. A line is logged if the last one is at least INTERVAL_S old.

        Args:
            done: the number of finished units, including those of earlier attempts.
            detail: more information, such as the loss.
        """
        if self._bar:
            self._bar.update(self._task, completed=done, description=detail)
            return
        now = time.monotonic()
        if done <= self._done_before or now - self._last < INTERVAL_S:
            return
        self._last = now
        done_now, seconds = done - self._done_before, now - self._started
        texts = [f"{done:,} of {self._total:,} {self._unit}" if self._total else f"{done:,} {self._unit}"]
        if detail:
            texts.append(detail)
        if self._total:
            texts.append(f"about {seconds / done_now * (self._total - done) / 60:.0f} min left")
        else:
            texts.append(f"{done_now / seconds * 60:,.0f} per minute")
        _log.info("%s: %s", self._name, ", ".join(texts))
