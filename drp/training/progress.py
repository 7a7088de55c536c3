"""How far a training is: a bar in a terminal, now and then a line in the log elsewhere."""

import logging
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeAlias

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

TELL_S = 30.0
"""Seconds between two lines."""

Tell: TypeAlias = Callable[[int, float, float], None]
"""Called after each step with its number, its loss, and the tokens a second so far."""

_log = logging.getLogger(__name__)


@contextmanager
def telling(done: int, total: int, is_heard: bool) -> Iterator[Tell]:
    """Tells, if it `is_heard`, of a training of `total` steps, `done` of which were made before."""
    if not is_heard:
        yield lambda step, loss, pace: None
        return
    if not sys.stderr.isatty():
        yield _lines(done, total)
        return
    columns = (
        TextColumn("training"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("loss {task.fields[loss]:.4f}, {task.fields[pace]:,.0f} tokens/s"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task("", total=total, completed=done, loss=float("nan"), pace=0.0)
        yield lambda step, loss, pace: bar.update(task, completed=step, loss=loss, pace=pace)


def _lines(done: int, total: int) -> Tell:
    began = told = time.monotonic()

    def tell(step: int, loss: float, pace: float) -> None:
        nonlocal told
        now = time.monotonic()
        if now - told < TELL_S and step < total:
            return
        told = now
        left = (now - began) / (step - done) * (total - step)
        _log.info(
            "training: step %s of %s, loss %.4f, %s tokens/s, about %.0f min left",
            *(f"{step:,}", f"{total:,}", loss, f"{pace:,.0f}", left / 60),
        )

    return tell
