"""A teacher that thinks on this machine's cores, in as many processes as the stage is given."""

import multiprocessing
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from itertools import chain
from typing import TypeAlias

from drp.core.batched import batched
from drp.core.records import DecompositionKind, Draft
from drp.teacher.protocol import Teacher

BATCH = 32
"""Drafts sent to a process at a time."""

_Work: TypeAlias = Callable[[Teacher, Iterable[Draft]], Iterator[Draft]]


class InProcesses:
    """Makes the teacher in each process and gives it batches of drafts; results come in order."""

    def __init__(self, make: Callable[[], Teacher], workers: int) -> None:
        self._make = make
        self._workers = workers
        self._here = make()

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
        return self._then(drafts, partial(_decompose, kind=kind))

    def revise(self, drafts: Iterable[Draft]) -> Iterator[Draft]:
        """As the teacher's, in processes."""
        return self._then(drafts, _revise)

    def synthesise(self, drafts: Iterable[Draft]) -> Iterator[Draft]:
        """As the teacher's, in processes."""
        return self._then(drafts, _synthesise)

    def _then(self, drafts: Iterable[Draft], work: _Work) -> Iterator[Draft]:
        """What is done to the drafts of another call goes there and back together with it."""
        if isinstance(drafts, _Spread):
            return _Spread(self._make, self._workers, drafts.drafts, (*drafts.works, work))
        return _Spread(self._make, self._workers, drafts, (work,))


@dataclass
class _Spread(Iterator[Draft]):
    """Drafts to which `works` are done, one after the other, from when the first is asked for."""

    make: Callable[[], Teacher]
    workers: int
    drafts: Iterable[Draft]
    works: tuple[_Work, ...]
    _done: Iterator[Draft] | None = None

    def __next__(self) -> Draft:
        if self._done is None:
            self._done = self._begin()
        return next(self._done)

    def _begin(self) -> Iterator[Draft]:
        batches = batched(self.drafts, BATCH)
        first = next(batches, [])
        work = partial(_work, self.make, self.works)
        if self.workers == 1 or len(first) < BATCH:  # starting processes costs more than this little work
            for batch in chain([first], batches):
                yield from work(batch)
            return
        # spawn: an Airflow task process has threads, and a fork of one may hang
        context = multiprocessing.get_context("spawn")
        with ProcessPoolExecutor(self.workers, mp_context=context) as pool:
            running: deque[Future[list[Draft]]] = deque()
            for batch in chain([first], batches):
                running.append(pool.submit(work, batch))
                if len(running) > 2 * self.workers:
                    yield from running.popleft().result()
            while running:
                yield from running.popleft().result()


def _work(make: Callable[[], Teacher], works: Iterable[_Work], drafts: Iterable[Draft]) -> list[Draft]:
    teacher = make()
    for work in works:
        drafts = work(teacher, drafts)
    return list(drafts)


def _decompose(teacher: Teacher, drafts: Iterable[Draft], kind: DecompositionKind) -> Iterator[Draft]:
    return teacher.decompose(drafts, kind)


def _revise(teacher: Teacher, drafts: Iterable[Draft]) -> Iterator[Draft]:
    return teacher.revise(drafts)


def _synthesise(teacher: Teacher, drafts: Iterable[Draft]) -> Iterator[Draft]:
    return teacher.synthesise(drafts)
