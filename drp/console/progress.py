"""The one progress reporter: a bar where a person watches a terminal, a log line now and then elsewhere.

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
        name: what is done, such as `prune 5f0c`.
        total: how many units there are; None if that is not known.
        unit: what is counted.
        done: how many were done before, by an earlier attempt.
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
        """`done` units are finished in all; a log line follows if the last one is long ago.

        Args:
            done: units, those of earlier attempts included.
            detail: what else is worth saying, such as the loss.
        """
        if self._bar:
            self._bar.update(self._task, completed=done, description=detail)
            return
        now = time.monotonic()
        if done <= self._done_before or now - self._last < INTERVAL_S:
            return
        self._last = now
        done_now, seconds = done - self._done_before, now - self._started
        said = [f"{done:,} of {self._total:,} {self._unit}" if self._total else f"{done:,} {self._unit}"]
        said += [detail] if detail else []
        if self._total:
            said.append(f"about {seconds / done_now * (self._total - done) / 60:.0f} min left")
        else:
            said.append(f"{done_now / seconds * 60:,.0f} a minute")
        _log.info("%s: %s", self._name, ", ".join(said))
