"""A teacher that computes on this machine, in as many processes as the stage is given."""

import multiprocessing
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from functools import partial
from itertools import chain
from typing import Literal, TypeAlias

from drp.config import DecompositionKind
from drp.core import Draft, batched
from drp.teacher.protocol import Teacher

BATCH = 32
"""Drafts sent to a process at a time."""

_Method: TypeAlias = Literal["decompose", "revise"]


class TeacherPool:
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
        return self._spread(drafts, partial(_call, self._make, "decompose", kind=kind))

    def revise(self, drafts: Iterable[Draft]) -> Iterator[Draft]:
        """As the teacher's, in processes."""
        return self._spread(drafts, partial(_call, self._make, "revise"))

    def _spread(self, drafts: Iterable[Draft], call: Callable[[list[Draft]], list[Draft]]) -> Iterator[Draft]:
        batches = batched(drafts, BATCH)
        first = next(batches, [])
        if self._workers == 1 or len(first) < BATCH:  # starting processes costs more than this little work
            for batch in chain([first], batches):
                yield from call(batch)
            return
        # spawn: an Airflow task process has threads, and a fork of one may hang
        context = multiprocessing.get_context("spawn")
        with ProcessPoolExecutor(self._workers, mp_context=context) as pool:
            running: deque[Future[list[Draft]]] = deque()
            for batch in chain([first], batches):
                running.append(pool.submit(call, batch))
                if len(running) > 2 * self._workers:
                    yield from running.popleft().result()
            while running:
                yield from running.popleft().result()


def _call(
    make: Callable[[], Teacher], method: _Method, drafts: list[Draft], **options: DecompositionKind
) -> list[Draft]:
    return list(getattr(make(), method)(drafts, **options))
