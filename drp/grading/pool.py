"""`Grader`: grade answers in warm worker processes that are killed at a time limit and replaced.

    with Grader(workers=2) as grader:
        grader.verdict(r"\\frac{1}{2}", "0.5")

Workers are plain child processes that exchange lines of JSON (`drp.grading.worker`), so that a grader works
in any thread, under any start method and inside a task runner. They start when the first pair needs algebra.
"""

import json
import os
import subprocess
import sys
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from importlib.metadata import version
from pathlib import Path
from queue import SimpleQueue
from threading import Lock
from types import TracebackType
from typing import Self, cast, get_args

from drp.core import TerminalError, Verdict
from drp.grading.equality import quick_verdict
from drp.grading.worker import READY

GRADER_VERSION = f"2+math-verify-{version('math-verify')}"
"""Version of answer extraction and comparison: verdicts of different versions are not compared."""

_WINDOW_PER_WORKER = 64
"""Pairs read ahead per worker, so that a slow check does not hold up others and memory stays bounded."""
_VERDICTS = frozenset(get_args(Verdict))
_PACKAGE_ROOT = str(Path(__file__).resolve().parents[2])


class GraderWorkerError(TerminalError):
    """A worker process could not start, so answers cannot be graded."""


class Grader:
    """Compares answers with gold answers. A context manager; safe to use from several threads.

    Args:
        workers: number of processes for the pairs that need algebra.
        limit_s: limit of one such check in seconds of processor time, from when a worker picks it up. A check
            that exceeds it is tried once more, in a new process and one at a time, and is then undecided.

    Attributes:
        given_up: how many checks ended at the limit both times.
    """

    def __init__(self, workers: int = 1, limit_s: float = 5.0) -> None:
        self._window = _WINDOW_PER_WORKER * workers
        self._threads = ThreadPoolExecutor(max_workers=workers, thread_name_prefix="grader")
        self._workers = [_GraderProcess(limit_s) for _ in range(workers)]
        self._idle: SimpleQueue[_GraderProcess] = SimpleQueue()
        self._second_try = Lock()
        self.given_up = 0
        for worker in self._workers:
            self._idle.put(worker)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the worker processes and drop the checks that are still running."""
        self._threads.shutdown(wait=False, cancel_futures=True)
        for worker in self._workers:
            worker.kill()
        self._threads.shutdown(wait=True)

    def verdict(self, gold: str, prediction: str) -> Verdict:
        """Compare `prediction` with the gold answer: equal, different or undecided.

        A pair is undecided if it cannot be parsed or compared, or if that takes more than the limit twice.

        Raises:
            GraderWorkerError: a worker process cannot be started.
        """
        return quick_verdict(gold, prediction) or self._threads.submit(self._check, gold, prediction).result()

    def verdicts(self, pairs: Iterable[tuple[str, str]]) -> Iterator[Verdict]:
        """Yield the verdicts of (gold, prediction) pairs in input order, reading a bounded window ahead."""
        window: deque[Verdict | Future[Verdict]] = deque()
        for gold, prediction in pairs:
            window.append(
                quick_verdict(gold, prediction) or self._threads.submit(self._check, gold, prediction)
            )
            if len(window) >= self._window:
                yield _result(window.popleft())
        while window:
            yield _result(window.popleft())

    def _check(self, gold: str, prediction: str) -> Verdict:
        worker = self._idle.get()
        try:
            if verdict := worker.check(gold, prediction):
                return verdict
            with self._second_try:
                if not worker.closed and (verdict := worker.check(gold, prediction)):
                    return verdict
                self.given_up += 1
                return "undecided"
        finally:
            self._idle.put(worker)


def _result(verdict: Verdict | Future[Verdict]) -> Verdict:
    return verdict.result() if isinstance(verdict, Future) else verdict


class _GraderProcess:
    """A worker process that is started on first use and restarted after it died."""

    def __init__(self, limit_s: float) -> None:
        self._limit_s = limit_s
        self._process: subprocess.Popen[str] | None = None
        self.closed = False

    def check(self, gold: str, prediction: str) -> Verdict | None:
        """Return the verdict, or None if the process ended at its limit or died."""
        process = self._process or self._start()
        assert process.stdin is not None  # noqa: S101 - a pipe
        assert process.stdout is not None  # noqa: S101 - a pipe
        try:
            process.stdin.write(json.dumps([gold, prediction]) + "\n")
            process.stdin.flush()
            reply = process.stdout.readline().strip()
        except OSError:
            reply = ""
        if reply in _VERDICTS:
            return cast(Verdict, reply)
        self._end()
        return None

    def kill(self) -> None:
        """End the process for good; a check running in another thread then reads an empty reply."""
        self.closed = True
        if self._process:
            self._process.kill()
            self._process.wait()

    def _start(self) -> subprocess.Popen[str]:
        if self.closed:
            raise GraderWorkerError(
                "the grader is closed", state="Nothing was graded", next_command="open a new Grader"
            )
        path = os.pathsep.join(filter(None, (_PACKAGE_ROOT, os.environ.get("PYTHONPATH"))))
        self._process = subprocess.Popen(  # noqa: S603 - our own interpreter and module
            [sys.executable, "-m", "drp.grading.worker", str(self._limit_s)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            encoding="ascii",
            env={**os.environ, "PYTHONPATH": path},
        )
        assert self._process.stdout  # noqa: S101 - a pipe
        if self._process.stdout.readline().strip() != READY:
            status = self._process.wait()
            self._end()
            raise GraderWorkerError(
                f"a grading worker exited with status {status} before its first check",
                state="Nothing was graded",
                next_command=f"{sys.executable} -m drp.grading.worker 5  (to see why)",
            )
        return self._process

    def _end(self) -> None:
        if self._process:
            process, self._process = self._process, None
            process.kill()
            process.wait()
            for pipe in (process.stdin, process.stdout):
                if pipe:
                    pipe.close()
