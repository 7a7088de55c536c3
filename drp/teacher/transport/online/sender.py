"""The asyncio side of the online driver: sends what there is room for, and keeps the books.

Every request is claimed in the ledger before it is sent, and every answer is in the ledger before anybody
reads it; both in groups, one transaction for all that is there, so that the disk does not set the pace. A few
requests are claimed ahead, so that a place that becomes free waits for no transaction.
"""

import asyncio
import heapq
import itertools
import logging
import random
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass, field
from functools import partial
from queue import SimpleQueue
from typing import TypeAlias, TypeVar

import httpx2
import openai

from drp.config import TeacherProfile
from drp.ledger import Attempt, CompletedAttempt, FailedAttempt, TeacherReply, TeacherRequest
from drp.teacher.transport.errors import TeacherRefusedError
from drp.teacher.transport.faults import NoAnswerError, RequestFault, fault_of
from drp.teacher.transport.ledger_session import LedgerSession
from drp.teacher.transport.online.chat import ask, make_clients
from drp.teacher.transport.online.circuit_breaker import Breaker
from drp.teacher.transport.online.rate_limits import Pace, Window

_log = logging.getLogger(__name__)

TRIES = 8
"""Failures of one request, other than that the provider is full, after which it is given up."""
AHEAD = 8
"""Of so many that may be under way, one is claimed ahead."""
OTHERS_S = 2.0
"""Before a request that another worker has under way is looked up again."""
DRAIN_S = 30.0
"""What is under way when the stage stops may take so long to come in."""

Result: TypeAlias = TeacherReply | Exception
T = TypeVar("T")


@dataclass(eq=False)
class _PendingRequest:
    request: TeacherRequest
    tries: int = 0

    @property
    def tokens(self) -> int:
        return self.request.estimate.prompt_tokens + self.request.estimate.completion_tokens


@dataclass(frozen=True)
class Control:
    """What is learnt of a provider while asking it."""

    window: Window
    pace: Pace
    breaker: Breaker


@dataclass
class Sender:
    """Runs in a thread of its own; `put`, `finish` and `stop` are called from another."""

    name: str
    profile: TeacherProfile
    key: str
    books: LedgerSession
    control: Control
    results: SimpleQueue[Result]
    _waiting: deque[_PendingRequest] = field(default_factory=deque)
    _later: list[tuple[float, int, _PendingRequest]] = field(default_factory=list)
    _ready: deque[tuple[Attempt, _PendingRequest]] = field(default_factory=deque)
    _flying: set["asyncio.Task[None]"] = field(default_factory=set)
    _ended: list[tuple[_PendingRequest, CompletedAttempt | FailedAttempt, float]] = field(
        default_factory=list
    )
    _claiming: "asyncio.Task[None] | None" = None
    _fatal: Exception | None = None
    _exhausted: Exception | None = None
    _stopping: bool = False
    _number: int = 0

    def __post_init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._changed = asyncio.Event()
        self._booked = asyncio.Event()
        self._ledger = ThreadPoolExecutor(1, thread_name_prefix="ledger")
        self._thread = threading.Thread(target=self._main, name=f"teacher {self.name}", daemon=True)

    # --- from the other thread

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def put(self, requests: Sequence[TeacherRequest]) -> None:
        """Have these sent when there is room for them."""
        self._call(lambda: self._waiting.extend(map(_PendingRequest, requests)))

    def stop(self) -> None:
        """Send nothing more; wait for what is under way, as it is paid for."""

        def stopping() -> None:
            self._stopping = True

        self._call(stopping)
        self._thread.join()

    def _call(self, work: Callable[[], object]) -> None:
        def here() -> None:
            work()
            self._changed.set()

        with suppress(RuntimeError):  # it has ended by itself, and has said why in the results
            self._loop.call_soon_threadsafe(here)

    # --- in the loop's thread

    def _main(self) -> None:
        try:
            self._loop.run_until_complete(self._run())
        except Exception as error:  # raised where the replies are read
            self.results.put(error)
        finally:
            self._ledger.shutdown()
            self._loop.close()

    async def _run(self) -> None:
        async with AsyncExitStack() as stack:
            clients = [await stack.enter_async_context(each) for each in make_clients(self.profile, self.key)]
            in_turn = itertools.cycle(clients)
            booking = asyncio.create_task(self._book())
            try:
                while not (self._stopping or self._fatal or booking.done() or self._is_spent):
                    await self._send_some(in_turn)
                await self._drain()
            finally:
                self._stopping = True
                self._booked.set()
                await booking
        if error := self._fatal or self._exhausted:
            raise error

    @property
    def _ahead(self) -> int:
        """How many may wait for a place: none beside the very first, for with a wrong key all are in vain."""
        if not self.control.window.answered:
            return 0 if self._flying else 1
        return max(1, self.profile.limits.in_flight // AHEAD)

    @property
    def _is_spent(self) -> bool:
        """The money is at its end, and what was claimed with the last of it is under way."""
        return self._exhausted is not None and not self._ready

    async def _send_some(self, clients: Iterator[openai.AsyncOpenAI]) -> None:
        """Send what may go now, have more claimed, and wait until something changes."""
        now = self._loop.time()
        while self._later and self._later[0][0] <= now:
            self._waiting.append(heapq.heappop(self._later)[2])
        while (wait := self._wait(now)) <= 0:
            attempt, job = self._ready.popleft()
            self.control.pace.take(job.tokens)
            task = asyncio.create_task(self._send(next(clients), attempt, job))
            self._flying.add(task)
            task.add_done_callback(self._landed)
        is_claiming = self._claiming is not None and not self._claiming.done()
        if self._waiting and not is_claiming and not self._exhausted and 2 * len(self._ready) < self._ahead:
            self._claiming = asyncio.create_task(self._claim())
            self._claiming.add_done_callback(self._landed)
        self._changed.clear()
        with suppress(TimeoutError):
            await asyncio.wait_for(self._changed.wait(), min(wait, 1.0))

    async def _claim(self) -> None:
        """Make the next requests this worker's, as many as are to be ready."""
        jobs: dict[str, _PendingRequest] = {}
        while self._waiting and len(self._ready) + len(jobs) < self._ahead:
            job = self._waiting.popleft()
            jobs[job.request.request_id] = job
        claim = await self._in_ledger(partial(self.books.claim, [job.request for job in jobs.values()]))
        self._ready.extend((attempt, jobs[attempt.request_id]) for attempt in claim.mine)
        for entry in claim.landed + claim.dead:
            self.results.put(self.books.reply(jobs[entry.request_id].request, entry))
        for entry in claim.others:
            self._again(jobs[entry.request_id], OTHERS_S)
        self._exhausted = self._exhausted or claim.exhausted

    def _wait(self, now: float) -> float:
        """Seconds until the next request may go; 0 for now."""
        control = self.control
        room = 1 if control.breaker.is_probing else int(control.window.size)
        if not self._ready or len(self._flying) >= room:
            return max(0.01, self._later[0][0] - now) if self._later else 1.0
        return max(control.breaker.wait(now), control.pace.wait(self._ready[0][1].tokens, now))

    async def _send(self, client: openai.AsyncOpenAI, attempt: Attempt, job: _PendingRequest) -> None:
        control, sent = self.control, self._loop.time()
        try:
            answer, headers = await ask(client, job.request)
        except (openai.OpenAIError, NoAnswerError, httpx2.HTTPError) as error:
            self._failed(attempt, job, fault_of(error, self.key), sent)
            return
        except asyncio.CancelledError:
            self._end(job, FailedAttempt(attempt, "given up while under way", may_retry=True, cost=None))
            raise
        now = self._loop.time()
        control.window.grow()
        control.breaker.answered(now)
        control.pace.heed(headers, now)
        if answer.usage:
            control.pace.correct(job.tokens, answer.usage.prompt_tokens + answer.usage.completion_tokens)
        self._end(job, CompletedAttempt(attempt, answer, self.books.cost(answer)))

    def _failed(self, attempt: Attempt, job: _PendingRequest, fault: RequestFault, sent: float) -> None:
        control, now = self.control, self._loop.time()
        if fault.kind == "refused":
            self._fatal = self._fatal or TeacherRefusedError(
                self.name, fault.why, next_command="mend that, then the same night again"
            )
        elif fault.kind == "row" and not control.window.answered:
            self._fatal = self._fatal or TeacherRefusedError(
                self.name,
                f"it does not take our requests: {fault.why}",
                next_command="look at the profile's `supports` and `sampling` (docs/teachers.md), then again",
            )
        elif fault.kind == "load":
            control.window.shrink(sent, now)
            control.pace.pause(fault.wait_s, now)
        job.tries += fault.kind == "passing"
        may_retry = fault.kind != "row" and job.tries < TRIES
        if fault.kind in ("load", "passing"):
            self._fatal = self._fatal or control.breaker.failed(fault.why, now)
        wait_s = max(fault.wait_s, min(60.0, 0.5 * 2**job.tries) * random.uniform(0.5, 1.5))  # noqa: S311
        self._end(job, FailedAttempt(attempt, fault.why, may_retry=may_retry, cost=fault.cost), wait_s)

    def _end(
        self, job: _PendingRequest, outcome: CompletedAttempt | FailedAttempt, wait_s: float = 0.0
    ) -> None:
        self._ended.append((job, outcome, wait_s))
        self._booked.set()

    def _again(self, job: _PendingRequest, wait_s: float) -> None:
        self._number += 1
        heapq.heappush(self._later, (self._loop.time() + wait_s, self._number, job))
        self._changed.set()

    def _landed(self, task: "asyncio.Task[None]") -> None:
        self._flying.discard(task)
        self._changed.set()
        if not task.cancelled() and isinstance(error := task.exception(), Exception):
            self._fatal = self._fatal or error

    # --- the books

    async def _book(self) -> None:
        """Write down what ended, all that is there at a time; only then is it anybody's."""
        while True:
            if not self._ended:
                if self._stopping and not self._flying:
                    return
                self._booked.clear()
                await self._booked.wait()
                continue
            ended, self._ended = self._ended, []
            await self._in_ledger(partial(self.books.write, [outcome for _, outcome, _ in ended]))
            for job, outcome, wait_s in ended:
                if isinstance(outcome, CompletedAttempt):
                    self.results.put(TeacherReply(job.request, outcome.answer))
                elif not outcome.may_retry:
                    self.results.put(TeacherReply(job.request, None, f"dead: {outcome.error}"))
                else:
                    self._again(job, wait_s)

    async def _in_ledger(self, work: Callable[[], T]) -> T:
        return await self._loop.run_in_executor(self._ledger, work)

    async def _drain(self) -> None:
        if self._claiming:
            await asyncio.wait([self._claiming])
        if self._ready:
            unsent = [attempt for attempt, _ in self._ready]
            await self._in_ledger(partial(self.books.release, unsent))
        if self._flying:
            _, late = await asyncio.wait(self._flying, timeout=DRAIN_S)
            for task in late:
                task.cancel()
            if late:
                await asyncio.wait(late)
