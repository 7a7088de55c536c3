"""A teacher that thinks on this machine's cores, in as many processes as the stage is given."""

import multiprocessing
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from functools import partial

from drp.batches import batched
from drp.records import DecompositionKind, Draft
from drp.teacher.protocol import Teacher

BATCH = 32
"""Drafts sent to a process at a time."""


class InProcesses:
    """Makes the teacher once in each process and gives it batches of drafts; results come in order."""

    def __init__(self, make: Callable[[], Teacher], workers: int) -> None:
        self._make = make
        self._workers = workers
        self._here = make()
        self._started: ProcessPoolExecutor | None = None

    @property
    def name(self) -> str:
        """As the teacher's."""
        return self._here.name

    @property
    def prompt_version(self) -> str:
        """As the teacher's."""
        return self._here.prompt_version

    def decompose(self, drafts: Iterable[Draft], kind: DecompositionKind) -> Iterator[Draft]:
        """As the teacher's, in processes."""
        return self._spread(partial(_decompose, self._make, kind), drafts)

    def revise(self, drafts: Iterable[Draft]) -> Iterator[Draft]:
        """As the teacher's, in processes."""
        return self._spread(partial(_revise, self._make), drafts)

    def synthesise(self, drafts: Iterable[Draft]) -> Iterator[Draft]:
        """As the teacher's, in processes."""
        return self._spread(partial(_synthesise, self._make), drafts)

    def _spread(self, work: Callable[[list[Draft]], list[Draft]], drafts: Iterable[Draft]) -> Iterator[Draft]:
        batches = batched(drafts, BATCH)
        first = next(batches, [])
        if self._workers == 1 or len(first) < BATCH:  # starting processes costs more than this little work
            yield from work(first)
            for batch in batches:
                yield from work(batch)
            return
        pool = self._pool()
        running: deque[Future[list[Draft]]] = deque([pool.submit(work, first)])
        for batch in batches:
            running.append(pool.submit(work, batch))
            if len(running) > 2 * self._workers:
                yield from running.popleft().result()
        while running:
            yield from running.popleft().result()

    def _pool(self) -> ProcessPoolExecutor:
        """One pool for all three methods; its processes end with this object."""
        if self._started is None:
            # spawn: an Airflow task process has threads, and a fork of one may hang
            context = multiprocessing.get_context("spawn")
            self._started = ProcessPoolExecutor(self._workers, mp_context=context)
        return self._started


def _decompose(make: Callable[[], Teacher], kind: DecompositionKind, drafts: list[Draft]) -> list[Draft]:
    return list(make().decompose(drafts, kind))


def _revise(make: Callable[[], Teacher], drafts: list[Draft]) -> list[Draft]:
    return list(make().revise(drafts))


def _synthesise(make: Callable[[], Teacher], drafts: list[Draft]) -> list[Draft]:
    return list(make().synthesise(drafts))
