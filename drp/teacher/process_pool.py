"""Run a teacher that computes on this machine in several processes."""

import multiprocessing
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from functools import partial
from itertools import chain
from typing import Literal, TypeAlias

from more_itertools import chunked

from drp.config import DecompositionKind
from drp.core import Draft
from drp.teacher.protocol import Teacher

BATCH = 32
"""Number of drafts sent to a process at a time."""

_Method: TypeAlias = Literal["decompose", "revise"]


class TeacherPool:
    """Create the teacher in each process and send it batches of drafts; results come in order."""

    def __init__(self, make: Callable[[], Teacher], workers: int) -> None:
        self._make = make
        self._workers = workers
        self._teacher = make()

    @property
    def name(self) -> str:
        """Name of the teacher."""
        return self._teacher.name

    @property
    def prompt_version(self) -> str:
        """Prompt version of the teacher."""
        return self._teacher.prompt_version

    def decompose(self, drafts: Iterable[Draft], kind: DecompositionKind) -> Iterator[Draft]:
        """Decompose the drafts in the worker processes."""
        return self._map(drafts, partial(_call, self._make, "decompose", kind=kind))

    def revise(self, drafts: Iterable[Draft]) -> Iterator[Draft]:
        """Revise the drafts in the worker processes."""
        return self._map(drafts, partial(_call, self._make, "revise"))

    def _map(self, drafts: Iterable[Draft], call: Callable[[list[Draft]], list[Draft]]) -> Iterator[Draft]:
        batches = chunked(drafts, BATCH)
        first = next(batches, [])
        if self._workers == 1 or len(first) < BATCH:  # starting processes would cost more than it saves
            for batch in chain([first], batches):
                yield from call(batch)
            return
        # spawn: an Airflow task process has threads, and a forked copy of it may hang
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
