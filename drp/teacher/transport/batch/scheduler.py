"""One call of the batch driver: what waits, what is out and in which batch, and what to do next."""

import logging
import re
import tempfile
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from openai.types import Batch as RemoteBatch

from drp.config import TeacherProfile
from drp.core import DrpError, batched
from drp.ledger import (
    CARRIED,
    OUT,
    BudgetExhaustedError,
    LedgerEntry,
    ProviderBatch,
    TeacherReply,
    TeacherRequest,
)
from drp.teacher.transport.batch.errors import BatchesPendingError, BatchRefusedError
from drp.teacher.transport.batch.packing import BatchLimits, cut
from drp.teacher.transport.batch.provider import TERMINAL, BatchProvider
from drp.teacher.transport.batch.request_queue import RequestQueue
from drp.teacher.transport.batch.results import import_results
from drp.teacher.transport.errors import TeacherRefusedError
from drp.teacher.transport.ledger_session import LedgerSession

_log = logging.getLogger(__name__)

CHUNK = 200
"""Requests looked up in the ledger together."""
INTERVAL_S = 300
"""Seconds between two log lines on a batch that goes on as it did."""
FAILURES = 3
"""Batches that the provider may fail for no reason of ours, one after the other."""
_PASSING = {"server_error", "internal_error"}
_LIMIT = re.compile(r"Limit: (\d[\d,]{0,20}) enqueued tokens")  # in the message of token_limit_exceeded


@dataclass
class BatchScheduler:
    """State of one call; what survives it is in the ledger."""

    name: str
    profile: TeacherProfile
    books: LedgerSession
    provider: BatchProvider
    spool: RequestQueue
    since: datetime
    """When the stage began."""
    limits: BatchLimits
    """That the provider is known to have."""
    _room: int | None = None
    """Enqueued tokens that seem to be ours, when they are fewer."""
    _waiting: dict[str, None] = field(default_factory=dict)
    """To be sent, in order."""
    _out: dict[str, set[str]] = field(default_factory=dict)
    """By our batch id."""
    _elsewhere: set[str] = field(default_factory=set)
    """To be looked up again: another worker has them, or they ended a moment ago."""
    _too_dear: dict[str, None] = field(default_factory=dict)
    _hopeless: dict[str, str] = field(default_factory=dict)
    _batches: dict[str, ProviderBatch] = field(default_factory=dict)
    """All at this provider that may bring answers, whoever sent them."""
    _exhausted: BudgetExhaustedError | None = None
    _refused: TeacherRefusedError | None = None
    _failures: int = 0
    _no_room: int = 0
    _no_room_until: float = float("-inf")
    _told: float = field(default_factory=time.monotonic)

    # --- requests

    def take_in(self, requests: Iterable[TeacherRequest]) -> Iterator[TeacherReply]:
        """Replies to what the ledger has; the others are held from now on."""
        for some in batched(requests, CHUNK):
            known = self.books.known(some)
            yield from (known[request.request_id] for request in some if request.request_id in known)
            fresh = [request for request in some if request.request_id not in known]
            entries = self.books.ledger.known([request.request_id for request in fresh])
            for request in fresh:
                self.spool.add(request)
                self._place(request.request_id, entries.get(request.request_id))

    def answered(self) -> Iterator[TeacherReply]:
        """Replies to what has landed, died, or can never be sent; what came back waits again."""
        ended = [batch_id for batch_id in self._out if batch_id not in self._batches]
        ids = [request_id for batch_id in ended for request_id in self._out.pop(batch_id)]
        ids += self._elsewhere
        self._elsewhere.clear()
        for some in batched(ids, CHUNK):
            known = self.books.known([self.spool.light(request_id) for request_id in some])
            rest = [request_id for request_id in some if request_id not in known]
            entries = self.books.ledger.known(rest)
            for request_id in rest:
                self._place(request_id, entries.get(request_id))
            for request_id, reply in known.items():
                yield from (replace(reply, request=request) for request in self.spool.take(request_id))
        for request_id, why in self._hopeless.items():
            yield from (TeacherReply(request, None, why) for request in self.spool.take(request_id))
        self._hopeless.clear()

    def carried(self) -> Iterator[TeacherReply]:
        """Replies to what is left to another night."""
        now = datetime.now(UTC)
        late = [batch_id for batch_id in self._out if now >= self._carry_at(self._batches.get(batch_id))]
        ids = [request_id for batch_id in late for request_id in self._out.pop(batch_id)]
        if now >= self._carry_at(None):
            ids += [*self._waiting, *self._elsewhere]
            self._waiting.clear()
            self._elsewhere.clear()
        if ids:
            _log.warning("teacher %s: %d requests are carried into another night", self.name, len(ids))
        for request_id in ids:
            yield from (TeacherReply(request, None, CARRIED) for request in self.spool.take(request_id))

    def still_out(self) -> BatchesPendingError:
        """To be raised instead of waiting."""
        batches = [self._batches[batch_id] for batch_id in self._out if batch_id in self._batches]
        ids = [batch.provider_batch_id for batch in batches if batch.provider_batch_id]
        carry_at = min(map(self._carry_at, batches), default=self._carry_at(None))
        return BatchesPendingError(self.name, ids, len(self.spool), carry_at)

    def raise_if_refused(self) -> None:
        """Raise if the provider refuses all alike."""
        if self._refused is not None:
            raise self._refused

    def raise_if_exhausted(self) -> None:
        """Raise if the money is gone and nothing is out that could leave some of it."""
        if self._exhausted is not None and not self._out and not self._elsewhere:
            raise self._exhausted

    def _place(self, request_id: str, entry: LedgerEntry | None) -> None:
        if entry is not None and entry.batch_id is not None:
            self._out.setdefault(entry.batch_id, set()).add(request_id)
        elif entry is not None and entry.state == "submitted":
            self._elsewhere.add(request_id)
        elif why := self.limits.too_large(self.spool.size(request_id)):
            self._hopeless[request_id] = why
        else:
            self._waiting[request_id] = None

    def _carry_at(self, batch: ProviderBatch | None) -> datetime:
        submitted = batch.submitted_at if batch is not None else None
        return (submitted or self.since) + timedelta(seconds=self.profile.pace.carry_after_s)

    # --- batches that are out

    def settle(self) -> bool:
        """See how all batches stand, and land those that have ended; whether anything has changed."""
        if self._elsewhere:
            self.books.ledger.recover()
        changed = self._adopt()
        self._batches = self._open()
        for batch in list(self._batches.values()):
            if batch.provider_batch_id is not None:
                changed |= self._look_at(batch, batch.provider_batch_id)
        if changed and self._exhausted is not None:  # what has ended may have cost less than was expected
            self._exhausted = None
            self._waiting |= self._too_dear
            self._too_dear.clear()
        return changed

    def _open(self) -> dict[str, ProviderBatch]:
        batches = self.books.ledger.batches(OUT)
        return {batch.batch_id: batch for batch in batches if batch.base_url == self.profile.base_url}

    def _adopt(self) -> bool:
        """Find out how far those came who died, or heard nothing, between a batch's intent and its id."""
        ledger, doubtful = self.books.ledger, self.provider.doubtful
        left = [b for b in self._open().values() if b.provider_batch_id is None]
        left = [b for b in left if b.is_orphan or b.batch_id in doubtful]
        uploaded = {batch.batch_id for batch in left if batch.state == "uploaded"}
        found: dict[str, RemoteBatch] = {}
        if uploaded:
            oldest = min(batch.created_at for batch in left)
            found = self.provider.find(uploaded, oldest)
            if missing := uploaded - found.keys():
                time.sleep(self.profile.pace.settle_s)
                found |= self.provider.find(missing, oldest)
        for batch in left:
            if (theirs := found.get(batch.batch_id)) is not None:
                _log.info("batch %s is found again: it is %s", batch.batch_id, theirs.id)
                ledger.record_submission(batch.batch_id, theirs.id, theirs.status)
            else:
                ledger.abandon_batch(batch.batch_id, "its batch was never created")
            doubtful.discard(batch.batch_id)
        return bool(left)

    def _look_at(self, batch: ProviderBatch, provider_batch_id: str) -> bool:
        theirs = self.provider.batch(provider_batch_id)
        if theirs.status not in TERMINAL:
            is_new = theirs.status != batch.provider_state
            if is_new:
                self.books.ledger.record_state(batch.batch_id, theirs.status)
            if theirs.status == "in_progress":
                self._no_room = self._failures = 0
            if is_new or time.monotonic() - self._told >= INTERVAL_S:
                self._tell(theirs)
            return is_new
        if theirs.status == "failed":
            self._failed(batch, theirs)
        elif why := import_results(self.books, self.provider, batch.batch_id, theirs):
            self._refused = self.provider.refused(why)
        del self._batches[batch.batch_id]
        return True

    def _tell(self, theirs: RemoteBatch) -> None:
        self._told, counts = time.monotonic(), theirs.request_counts
        done = "" if counts is None else f", {counts.completed + counts.failed} of {counts.total} rows"
        spent = self.books.ledger.spent(self.books.run_id).known
        _log.info("batch %s is %s%s; %.2f USD so far", theirs.id, theirs.status, done, spent)

    def _failed(self, batch: ProviderBatch, theirs: RemoteBatch) -> None:
        """The provider took the batch and then did not: nothing of it was answered or billed."""
        errors = (theirs.errors and theirs.errors.data) or []
        codes = {str(error.code) for error in errors}
        first = next((error for error in errors if error.code not in _PASSING), None)
        why = "it gives no reason"
        if first is not None:
            line = f", line {first.line}" if first.line else ""
            why = f"{first.code}{line}: {self.provider.without_key(first.message or '')}"
        self.books.ledger.end_batch(batch.batch_id, theirs.status)
        self.books.ledger.land_batch(batch.batch_id, f"its batch failed: {why}")
        _log.warning("batch %s failed: %s", theirs.id, why)
        if "token_limit_exceeded" in codes:
            self._wait_for_room(batch, why)
        elif "model_not_found" in codes:
            self._refused = self.provider.refused(why)
        elif first is None and self._failures < FAILURES:
            self._failures += 1
        else:
            raise BatchRefusedError(self.name, why)

    def _wait_for_room(self, batch: ProviderBatch, why: str) -> None:
        """Somebody else's batches count too, or the limit is lower than the profile says."""
        if said := _LIMIT.search(why):
            limit = int(said[1].replace(",", ""))
            known = self.limits.enqueued_tokens
            self.limits = replace(self.limits, enqueued_tokens=min(limit, known or limit))
        if not any(other.state != "ended" for other in self._batches.values() if other is not batch):
            sizes = (batch.estimated_tokens, self.limits.enqueued_tokens, self._room)
            self._room = min(size for size in sizes if size is not None) * 4 // 5
        pause = self.profile.pace.no_room_s * min(10, 2**self._no_room)
        self._no_room += 1
        self._no_room_until = time.monotonic() + pause
        _log.warning("no room for batch %s; again in %.0f s", batch.batch_id, pause)

    # --- new batches

    def submit(self) -> bool:
        """Send what waits, as far as there is room and money; whether anything was sent."""
        sent = False
        while self._waiting and self._exhausted is None and time.monotonic() >= self._no_room_until:
            model = self.profile.model
            out = [b for b in self._batches.values() if b.model == model and b.state != "ended"]
            ids = cut(
                ((request_id, self.spool.size(request_id)) for request_id in self._waiting),
                self.limits if self._room is None else replace(self.limits, enqueued_tokens=self._room),
                enqueued=sum(batch.estimated_tokens for batch in out),
            )
            if not ids:
                break
            self._claim_and_send(ids)
            self._batches = self._open()
            sent = True
        return sent

    def _claim_and_send(self, ids: list[str]) -> None:
        books = self.books
        wanted = [books.wanted(self.spool.light(request_id)) for request_id in ids]
        batch_id, claim = books.ledger.plan_batch(wanted, books.worker, run_id=books.run_id, cap=books.cap)
        for request_id in ids:
            del self._waiting[request_id]
        self._elsewhere |= {e.request_id for e in (*claim.landed, *claim.dead, *claim.others)}
        self._too_dear |= dict.fromkeys(claim.over_budget)
        self._exhausted = claim.exhausted
        if batch_id is None:
            return
        own = [attempt.request_id for attempt in claim.mine]
        self._out[batch_id] = set(own)
        try:
            self._send(batch_id, own)
        except DrpError:
            if batch_id not in self.provider.doubtful:  # else it may exist, and is looked for next time
                self.books.ledger.abandon_batch(batch_id, "its batch was not created")
            raise

    def _send(self, batch_id: str, ids: list[str]) -> None:
        """Upload and create; each step is in the ledger before the next."""
        ledger, begun = self.books.ledger, datetime.now(UTC)
        with tempfile.TemporaryFile(prefix="drp-batch-") as file:
            self.spool.write(ids, file)
            file_id = self.provider.upload(file, f"drp-{batch_id}.jsonl")
        if not ledger.record_upload(batch_id, file_id):
            return  # given up by somebody who took this process for dead
        theirs = self.provider.create(file_id, batch_id, begun)
        if not ledger.record_submission(batch_id, theirs.id, theirs.status):
            self.provider.cancel(theirs.id)
            return
        _log.info("batch %s: %d requests are at the provider", theirs.id, len(ids))
