"""The asyncio side of the online driver: send requests as limits allow, and record every outcome.

Every request is claimed in the ledger before it is sent, and every answer is recorded before it is returned.
Both happen in groups, with one transaction for all that is ready, so that the disk does not limit the rate. A
few requests are claimed ahead, so that a free place does not wait for a transaction.
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
from dataclasses import dataclass, field, replace
from functools import partial
from queue import SimpleQueue
from typing import TypeAlias, TypeVar

import httpx2
import openai

from drp.config import TeacherProfile
from drp.ledger import Attempt, CompletedAttempt, FailedAttempt, TeacherReply, TeacherRequest
from drp.teacher.transport.credentials import mend_of_refusal
from drp.teacher.transport.errors import TeacherRefusedError
from drp.teacher.transport.ledger_session import LedgerSession
from drp.teacher.transport.online.chat import ask, make_clients
from drp.teacher.transport.online.circuit_breaker import Breaker
from drp.teacher.transport.online.fault_log import FaultLog
from drp.teacher.transport.online.rate_limits import Pace, Window, reset_wait
from drp.teacher.transport.online.refusals import Refusals
from drp.teacher.transport.retry_policy import NoAnswerError, RequestFault, fault_of

_log = logging.getLogger(__name__)

TRIES = 8
"""Failures after which a request is given up. Overload does not count, nor what fails while nothing works."""
AHEAD = 8
"""One request is claimed ahead per this many requests that may be in flight."""
OTHERS_S = 2.0
"""Seconds before a request that another worker has claimed is looked up again."""
DRAIN_S = 30.0
"""Seconds to wait for requests in flight when the stage stops."""

Result: TypeAlias = TeacherReply | Exception
T = TypeVar("T")


@dataclass(eq=False)
class _PendingRequest:
    request: TeacherRequest
    tries: int = 0

    @property
    def tokens(self) -> int:
        return self.request.estimate.prompt_tokens + self.request.estimate.completion_tokens


_Outcome: TypeAlias = CompletedAttempt | FailedAttempt


@dataclass(frozen=True)
class Control:
    """What limits the requests to a provider; learnt while sending."""

    window: Window
    pace: Pace
    breaker: Breaker
    refusals: Refusals
    faults: FaultLog


@dataclass
class Sender:
    """Sends requests from its own thread; `start`, `put` and `stop` are called from another thread."""

    name: str
    profile: TeacherProfile
    key: str
    session: LedgerSession
    control: Control
    results: SimpleQueue[Result]
    _waiting: deque[_PendingRequest] = field(default_factory=deque)
    """To be claimed."""
    _delayed: list[tuple[float, int, _PendingRequest]] = field(default_factory=list)
    """Heap by the time at which a request waits again."""
    _ready: deque[tuple[Attempt, _PendingRequest]] = field(default_factory=deque)
    """Claimed, to be sent."""
    _in_flight: set["asyncio.Task[None]"] = field(default_factory=set)
    _ended: list[tuple[_PendingRequest, _Outcome, float]] = field(default_factory=list)
    """To be recorded, with the seconds to wait before another try."""
    _suspects: list[tuple[_PendingRequest, FailedAttempt]] = field(default_factory=list)
    """Failed for good, unless it turns out that the provider refuses everything."""
    _claiming: "asyncio.Task[None] | None" = None
    _fatal: Exception | None = None
    _exhausted: Exception | None = None
    _stopping: bool = False
    _delay_count: int = 0

    def __post_init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._changed = asyncio.Event()
        self._has_ended = asyncio.Event()
        self._ledger = ThreadPoolExecutor(1, thread_name_prefix="ledger")
        self._thread = threading.Thread(target=self._main, name=f"teacher {self.name}", daemon=True)

    # --- called from the other thread

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def put(self, requests: Sequence[TeacherRequest]) -> None:
        """Queue requests, to be sent when the limits allow it."""
        self._call(lambda: self._waiting.extend(map(_PendingRequest, requests)))

    def stop(self) -> None:
        """Send nothing more, and wait for the requests in flight, because they are paid for."""

        def set_stopping() -> None:
            self._stopping = True

        self._call(set_stopping)
        self._thread.join()

    def _call(self, function: Callable[[], object]) -> None:
        def call_and_wake() -> None:
            function()
            self._changed.set()

        with suppress(RuntimeError):  # the loop has ended already, and its error is in the results
            self._loop.call_soon_threadsafe(call_and_wake)

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
            clients = [
                await stack.enter_async_context(client) for client in make_clients(self.profile, self.key)
            ]
            in_turn = itertools.cycle(clients)
            recording = asyncio.create_task(self._record())
            try:
                while not (self._stopping or self._fatal or recording.done() or self._is_spent):
                    await self._send_ready(in_turn)
                await self._drain()
            finally:
                self._stopping = True
                self._has_ended.set()
                await recording
        if error := self._fatal or self._exhausted:
            raise error

    @property
    def _ahead(self) -> int:
        """How many requests to claim ahead.

        Only one until the first answer, and none while it is in flight, so that a bad API key costs one call.
        """
        if not self.control.window.answered:
            return 0 if self._in_flight else 1
        return max(1, self.profile.limits.in_flight // AHEAD)

    @property
    def _is_spent(self) -> bool:
        """Whether the budget is spent and every claimed request has been sent."""
        return self._exhausted is not None and not self._ready

    @property
    def _is_busy(self) -> bool:
        """Whether a request is claimed, under way or to be recorded."""
        return bool(self._ready or self._in_flight or self._ended)

    async def _send_ready(self, clients: Iterator[openai.AsyncOpenAI]) -> None:
        """Send what may be sent now, start claiming more, and wait until something changes."""
        now = self._loop.time()
        while self._delayed and self._delayed[0][0] <= now:
            self._waiting.append(heapq.heappop(self._delayed)[2])
        while (wait := self._wait(now)) <= 0:
            attempt, pending = self._ready.popleft()
            self.control.pace.take(pending.tokens)
            task = asyncio.create_task(self._send(next(clients), attempt, pending))
            self._in_flight.add(task)
            task.add_done_callback(self._task_done)
        is_claiming = self._claiming is not None and not self._claiming.done()
        if self._waiting and not is_claiming and not self._exhausted and 2 * len(self._ready) < self._ahead:
            self._claiming = asyncio.create_task(self._claim())
            self._claiming.add_done_callback(self._task_done)
        if self._suspects and not (self._waiting or self._delayed or is_claiming or self._is_busy):
            self._judge_suspects()
        self._changed.clear()
        with suppress(TimeoutError):
            await asyncio.wait_for(self._changed.wait(), min(wait, 1.0))

    async def _claim(self) -> None:
        """Claim the next requests for this worker, as many as are to be ready."""
        batch: dict[str, _PendingRequest] = {}
        while self._waiting and len(self._ready) + len(batch) < self._ahead:
            pending = self._waiting.popleft()
            batch[pending.request.request_id] = pending
        requests = [pending.request for pending in batch.values()]
        claim = await self._in_ledger(partial(self.session.claim, requests))
        self._ready.extend((attempt, batch[attempt.request_id]) for attempt in claim.mine)
        for entry in claim.landed + claim.dead:
            self.results.put(self.session.reply(batch[entry.request_id].request, entry))
        for entry in claim.others:
            self._delay(batch[entry.request_id], OTHERS_S)
        self._exhausted = self._exhausted or claim.exhausted

    def _wait(self, now: float) -> float:
        """Return the seconds until the next request may be sent; 0: now."""
        control = self.control
        is_probing = control.breaker.is_probing or control.refusals.are_general
        window = 1 if is_probing else int(control.window.size)
        if not self._ready or len(self._in_flight) >= window:
            return max(0.01, self._delayed[0][0] - now) if self._delayed else 1.0
        return max(control.breaker.wait(now), control.pace.wait(self._ready[0][1].tokens, now))

    async def _send(self, client: openai.AsyncOpenAI, attempt: Attempt, pending: _PendingRequest) -> None:
        control, sent = self.control, self._loop.time()
        try:
            answer, headers = await ask(client, pending.request, self.profile.limits.timeout_s)
        except (openai.OpenAIError, NoAnswerError, httpx2.HTTPError, TimeoutError) as error:
            self._failed(attempt, pending, fault_of(error, self.key), sent)
            return
        except asyncio.CancelledError:
            self._end(pending, FailedAttempt(attempt, "given up while under way", may_retry=True, cost=None))
            raise
        now = self._loop.time()
        control.window.grow()
        control.breaker.answered(now)
        if control.refusals.answered(sent):
            self._end_suspects(may_retry=False)
        if asked_s := reset_wait(headers):
            pause_s = control.breaker.bounded(asked_s, now)
            control.pace.pause(pause_s, now)
            control.faults.paused(asked_s, pause_s, now)
        if answer.usage:
            control.pace.correct(pending.tokens, answer.usage.prompt_tokens + answer.usage.completion_tokens)
        self._end(pending, CompletedAttempt(attempt, answer, self.session.cost(answer)))

    def _failed(self, attempt: Attempt, pending: _PendingRequest, fault: RequestFault, sent: float) -> None:
        control, now = self.control, self._loop.time()
        pause_s = control.breaker.bounded(fault.wait_s, now)
        control.faults.failed(fault, pause_s, now)
        failed = self.session.failed(attempt, fault, may_retry=True)
        if fault.kind == "row":
            control.refusals.failed(fault.words, now)
            self._suspects.append((pending, failed))
            if control.refusals.are_general and len(self._in_flight) == 1:  # this one was a probe
                self._judge_suspects()
            return
        if fault.kind == "refused":
            self._fatal = self._fatal or TeacherRefusedError(
                self.name, fault.why, next_command=mend_of_refusal(self.profile.api_key_env)
            )
        elif fault.kind == "load":
            control.window.shrink(sent, now)
            control.pace.pause(pause_s, now)
        pending.tries += fault.kind == "passing" and not control.breaker.is_probing
        may_retry = fault.kind != "room" and pending.tries < TRIES
        if fault.kind in ("load", "passing"):
            self._fatal = self._fatal or control.breaker.failed(fault.why, now)
        wait_s = max(pause_s, control.breaker.bounded(_backoff_s(pending.tries), now))
        self._end(pending, replace(failed, may_retry=may_retry), wait_s)

    def _judge_suspects(self) -> None:
        """Give up the suspected requests, or stop if the provider seems to refuse all requests."""
        control, why = self.control, self._suspects[-1][1].error
        if control.refusals.are_general or not control.window.answered:
            problem = f"the provider refuses all requests, the last {len(self._suspects)} of them: {why}"
            if not control.window.answered:
                problem = f"the provider does not accept DRP's requests: {why}"
            self._fatal = self._fatal or TeacherRefusedError(
                self.name,
                problem,
                next_command="check the account and the profile's `supports`, `sampling` and `extra_body` "
                "(docs/how-to/use-an-llm-as-teacher.md), then run the same night again",
            )
        else:
            self._end_suspects(may_retry=False)

    def _end_suspects(self, *, may_retry: bool) -> None:
        suspects, self._suspects = self._suspects, []
        for pending, failed in suspects:
            self._end(pending, replace(failed, may_retry=may_retry))

    def _end(self, pending: _PendingRequest, outcome: _Outcome, wait_s: float = 0.0) -> None:
        self._ended.append((pending, outcome, wait_s))
        self._has_ended.set()

    def _delay(self, pending: _PendingRequest, wait_s: float) -> None:
        self._delay_count += 1  # breaks ties in the heap
        heapq.heappush(self._delayed, (self._loop.time() + wait_s, self._delay_count, pending))
        self._changed.set()

    def _task_done(self, task: "asyncio.Task[None]") -> None:
        self._in_flight.discard(task)
        self._changed.set()
        if not task.cancelled() and isinstance(error := task.exception(), Exception):
            self._fatal = self._fatal or error

    # --- the ledger

    async def _record(self) -> None:
        """Record the outcomes, as many as are ready at a time, and only then hand out the replies."""
        while True:
            if not self._ended:
                if self._stopping and not self._in_flight:
                    return
                self._has_ended.clear()
                await self._has_ended.wait()
                continue
            ended, self._ended = self._ended, []
            await self._in_ledger(partial(self.session.write, [outcome for _, outcome, _ in ended]))
            for pending, outcome, wait_s in ended:
                if isinstance(outcome, CompletedAttempt):
                    self.results.put(TeacherReply(pending.request, outcome.answer))
                elif not outcome.may_retry:
                    self.results.put(TeacherReply.dead(pending.request, outcome.error))
                else:
                    self._delay(pending, wait_s)

    async def _in_ledger(self, function: Callable[[], T]) -> T:
        return await self._loop.run_in_executor(self._ledger, function)

    async def _drain(self) -> None:
        if self._claiming:
            await asyncio.wait([self._claiming])
        if self._ready:
            unsent = [attempt for attempt, _ in self._ready]
            await self._in_ledger(partial(self.session.release, unsent))
        if self._in_flight:
            _, late = await asyncio.wait(self._in_flight, timeout=DRAIN_S)
            for task in late:
                task.cancel()
            if late:
                await asyncio.wait(late)
        self._end_suspects(may_retry=True)  # no answer has shown that they are at fault


def _backoff_s(tries: int) -> float:
    """Exponential backoff, at most 60 s, times a random factor between 0.5 and 1.5.

    tenacity does not fit here. It repeats a call in place; here every try is a new claim in the ledger, the
    request waits in a heap without holding a place in the window, and overload does not count as a try.
    """
    return min(60.0, 0.5 * 2.0**tries) * random.uniform(0.5, 1.5)  # noqa: S311
