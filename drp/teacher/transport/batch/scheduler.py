"""State of one call of the batch driver: which requests wait, which are in a batch, and what to do next."""

import logging
import re
import tempfile
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from more_itertools import chunked
from openai.types import Batch as RemoteBatch

from drp.config import TeacherProfile
from drp.core import DrpError
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
from drp.teacher.transport.batch.import_results import import_results
from drp.teacher.transport.batch.packing import BatchLimits, cut
from drp.teacher.transport.batch.provider import TERMINAL, BatchProvider
from drp.teacher.transport.batch.request_queue import RequestQueue
from drp.teacher.transport.errors import TeacherRefusedError
from drp.teacher.transport.ledger_session import LedgerSession

_log = logging.getLogger(__name__)

CHUNK = 200
"""Number of requests looked up in the ledger at a time."""
LOG_INTERVAL_S = 300
"""Seconds between two log lines on a batch whose state does not change."""
FAILURES = 3
"""How many batches in a row may fail for a reason on the provider's side."""
_PROVIDER_ERRORS = {"server_error", "internal_error"}
_LIMIT = re.compile(r"Limit: (\d[\d,]{0,20}) enqueued tokens")  # in the message of token_limit_exceeded


@dataclass
class BatchScheduler:
    """Places requests in batches and follows the batches. Whatever must survive a crash is in the ledger."""

    name: str
    profile: TeacherProfile
    session: LedgerSession
    provider: BatchProvider
    queue: RequestQueue
    since: datetime
    """When the stage began."""
    limits: BatchLimits
    """The provider's limits as far as they are known."""
    _token_limit: int | None = None
    """Enqueued tokens that seem to be available to us, if fewer than `limits` says."""
    _waiting: dict[str, None] = field(default_factory=dict)
    """Requests to send, in order."""
    _in_batch: dict[str, set[str]] = field(default_factory=dict)
    """Requests in a pending batch, by our batch id."""
    _to_look_up: set[str] = field(default_factory=set)
    """Requests to look up in the ledger again: another worker has them, or they ended a moment ago."""
    _over_budget: dict[str, None] = field(default_factory=dict)
    _unsendable: dict[str, str] = field(default_factory=dict)
    """Why a request can never be sent, by request id."""
    _batches: dict[str, ProviderBatch] = field(default_factory=dict)
    """All batches at this provider that may still bring answers, whichever run submitted them."""
    _exhausted: BudgetExhaustedError | None = None
    _refused: TeacherRefusedError | None = None
    _failures: int = 0
    _no_room_count: int = 0
    _no_room_until: float = float("-inf")
    _logged_at: float = field(default_factory=time.monotonic)

    # --- requests

    def enqueue(self, requests: Iterable[TeacherRequest]) -> Iterator[TeacherReply]:
        """Yield replies to the requests that the ledger can answer, and queue the others."""
        for chunk in chunked(requests, CHUNK):
            known = self.session.known(chunk)
            yield from (known[request.request_id] for request in chunk if request.request_id in known)
            unknown = [request for request in chunk if request.request_id not in known]
            entries = self.session.ledger.known([request.request_id for request in unknown])
            for request in unknown:
                self.queue.add(request)
                self._place(request.request_id, entries.get(request.request_id))

    def answered(self) -> Iterator[TeacherReply]:
        """Yield replies to requests that are answered, dead or unsendable; unanswered ones wait again."""
        ended = [batch_id for batch_id in self._in_batch if batch_id not in self._batches]
        ids = [request_id for batch_id in ended for request_id in self._in_batch.pop(batch_id)]
        ids += self._to_look_up
        self._to_look_up.clear()
        for chunk in chunked(ids, CHUNK):
            known = self.session.known([self.queue.lazy(request_id) for request_id in chunk])
            unknown = [request_id for request_id in chunk if request_id not in known]
            entries = self.session.ledger.known(unknown)
            for request_id in unknown:
                self._place(request_id, entries.get(request_id))
            for request_id, reply in known.items():
                yield from (replace(reply, request=request) for request in self.queue.pop(request_id))
        for request_id, why in self._unsendable.items():
            yield from (TeacherReply(request, None, why) for request in self.queue.pop(request_id))
        self._unsendable.clear()

    def carried(self) -> Iterator[TeacherReply]:
        """Yield replies to requests that are left to another night."""
        now = datetime.now(UTC)
        late = [batch_id for batch_id in self._in_batch if now >= self._carry_at(self._batches.get(batch_id))]
        ids = [request_id for batch_id in late for request_id in self._in_batch.pop(batch_id)]
        if now >= self._carry_at(None):
            ids += [*self._waiting, *self._to_look_up]
            self._waiting.clear()
            self._to_look_up.clear()
        if ids:
            _log.warning("teacher %s: %d requests are carried into another night", self.name, len(ids))
        for request_id in ids:
            yield from (TeacherReply(request, None, CARRIED) for request in self.queue.pop(request_id))

    def pending_error(self) -> BatchesPendingError:
        """Return the error to raise instead of waiting."""
        batches = [self._batches[batch_id] for batch_id in self._in_batch if batch_id in self._batches]
        ids = [batch.provider_batch_id for batch in batches if batch.provider_batch_id]
        carry_at = min(map(self._carry_at, batches), default=self._carry_at(None))
        return BatchesPendingError(self.name, ids, len(self.queue), carry_at)

    def raise_if_refused(self) -> None:
        """Raise if the provider refuses all requests."""
        if self._refused is not None:
            raise self._refused

    def raise_if_exhausted(self) -> None:
        """Raise if the budget is spent and no request is pending whose true cost could free a part of it."""
        if self._exhausted is not None and not self._in_batch and not self._to_look_up:
            raise self._exhausted

    def _place(self, request_id: str, entry: LedgerEntry | None) -> None:
        if entry is not None and entry.batch_id is not None:
            self._in_batch.setdefault(entry.batch_id, set()).add(request_id)
        elif entry is not None and entry.state == "submitted":
            self._to_look_up.add(request_id)
        elif why := self.limits.too_large(self.queue.size(request_id)):
            self._unsendable[request_id] = why
        else:
            self._waiting[request_id] = None

    def _carry_at(self, batch: ProviderBatch | None) -> datetime:
        submitted = batch.submitted_at if batch is not None else None
        return (submitted or self.since) + timedelta(seconds=self.profile.pace.carry_after_s)

    # --- pending batches

    def poll_batches(self) -> bool:
        """Poll all pending batches and import those that have ended; return whether anything changed."""
        if self._to_look_up:
            self.session.ledger.recover()
        changed = self._recover_batches()
        self._batches = self._pending_batches()
        for batch in list(self._batches.values()):
            if batch.provider_batch_id is not None:
                changed |= self._poll(batch, batch.provider_batch_id)
        if changed and self._exhausted is not None:  # batches that ended may have cost less than estimated
            self._exhausted = None
            self._waiting |= self._over_budget
            self._over_budget.clear()
        return changed

    def _pending_batches(self) -> dict[str, ProviderBatch]:
        batches = self.session.ledger.batches(OUT)
        return {batch.batch_id: batch for batch in batches if batch.base_url == self.profile.base_url}

    def _recover_batches(self) -> bool:
        """Recover batches whose creation was not confirmed: a process died, or the provider's reply was lost.

        Batches that exist at the provider are recorded as submitted; the others are abandoned.
        """
        ledger, doubtful = self.session.ledger, self.provider.doubtful
        unconfirmed = [b for b in self._pending_batches().values() if b.provider_batch_id is None]
        unconfirmed = [b for b in unconfirmed if b.is_orphan or b.batch_id in doubtful]
        uploaded = {batch.batch_id for batch in unconfirmed if batch.state == "uploaded"}
        remote_batches: dict[str, RemoteBatch] = {}
        if uploaded:
            oldest = min(batch.created_at for batch in unconfirmed)
            remote_batches = self.provider.find(uploaded, oldest)
            if missing := uploaded - remote_batches.keys():
                time.sleep(self.profile.pace.settle_s)
                remote_batches |= self.provider.find(missing, oldest)
        for batch in unconfirmed:
            if (remote_batch := remote_batches.get(batch.batch_id)) is not None:
                _log.info("batch %s exists at the provider as %s", batch.batch_id, remote_batch.id)
                ledger.record_submission(batch.batch_id, remote_batch.id, remote_batch.status)
            else:
                ledger.abandon_batch(batch.batch_id, "its batch was never created")
            doubtful.discard(batch.batch_id)
        return bool(unconfirmed)

    def _poll(self, batch: ProviderBatch, provider_batch_id: str) -> bool:
        remote_batch = self.provider.batch(provider_batch_id)
        if remote_batch.status not in TERMINAL:
            is_new = remote_batch.status != batch.provider_state
            if is_new:
                self.session.ledger.record_state(batch.batch_id, remote_batch.status)
            if remote_batch.status == "in_progress":
                self._no_room_count = self._failures = 0
            if is_new or time.monotonic() - self._logged_at >= LOG_INTERVAL_S:
                self._log_state(remote_batch)
            return is_new
        if remote_batch.status == "failed":
            self._handle_failure(batch, remote_batch)
        elif why := import_results(self.session, self.provider, batch.batch_id, remote_batch):
            self._refused = self.provider.refused(why)
        del self._batches[batch.batch_id]
        return True

    def _log_state(self, remote_batch: RemoteBatch) -> None:
        self._logged_at, counts = time.monotonic(), remote_batch.request_counts
        done = "" if counts is None else f", {counts.completed + counts.failed} of {counts.total} rows"
        spent = self.session.ledger.spent(self.session.run_id).known
        _log.info("batch %s is %s%s; %.2f USD so far", remote_batch.id, remote_batch.status, done, spent)

    def _handle_failure(self, batch: ProviderBatch, remote_batch: RemoteBatch) -> None:
        """Handle a batch that was accepted and then failed: none of its requests was answered or billed."""
        errors = (remote_batch.errors and remote_batch.errors.data) or []
        codes = {str(error.code) for error in errors}
        first = next((error for error in errors if error.code not in _PROVIDER_ERRORS), None)
        why = "it gives no reason"
        if first is not None:
            line = f", line {first.line}" if first.line else ""
            why = f"{first.code}{line}: {self.provider.without_key(first.message or '')}"
        self.session.ledger.end_batch(batch.batch_id, remote_batch.status)
        self.session.ledger.land_batch(batch.batch_id, f"its batch failed: {why}")
        _log.warning("batch %s failed: %s", remote_batch.id, why)
        if "token_limit_exceeded" in codes:
            self._wait_for_room(batch, why)
        elif "model_not_found" in codes:
            self._refused = self.provider.refused(why)
        elif first is None and self._failures < FAILURES:
            self._failures += 1
        else:
            raise BatchRefusedError(self.name, why)

    def _wait_for_room(self, batch: ProviderBatch, why: str) -> None:
        """Reduce the token limit and pause: other users of the account count too, or the profile is wrong."""
        if match := _LIMIT.search(why):
            limit = int(match[1].replace(",", ""))
            known = self.limits.enqueued_tokens
            self.limits = replace(self.limits, enqueued_tokens=min(limit, known or limit))
        if not any(other.state != "ended" for other in self._batches.values() if other is not batch):
            sizes = (batch.estimated_tokens, self.limits.enqueued_tokens, self._token_limit)
            self._token_limit = min(size for size in sizes if size is not None) * 4 // 5
        pause = self.profile.pace.no_room_s * min(10, 2**self._no_room_count)
        self._no_room_count += 1
        self._no_room_until = time.monotonic() + pause
        _log.warning("the provider has no room for batch %s; trying again in %.0f s", batch.batch_id, pause)

    # --- new batches

    def submit(self) -> bool:
        """Send waiting requests as far as limits and budget allow; return whether anything was sent."""
        is_sent = False
        while self._waiting and self._exhausted is None and time.monotonic() >= self._no_room_until:
            model = self.profile.model
            pending = [b for b in self._batches.values() if b.model == model and b.state != "ended"]
            ids = cut(
                ((request_id, self.queue.size(request_id)) for request_id in self._waiting),
                self.limits
                if self._token_limit is None
                else replace(self.limits, enqueued_tokens=self._token_limit),
                enqueued=sum(batch.estimated_tokens for batch in pending),
            )
            if not ids:
                break
            self._claim_and_send(ids)
            self._batches = self._pending_batches()
            is_sent = True
        return is_sent

    def _claim_and_send(self, ids: list[str]) -> None:
        session = self.session
        batch_id, claim = session.ledger.plan_batch(
            [session.priced(self.queue.lazy(request_id)) for request_id in ids],
            session.worker,
            run_id=session.run_id,
            cap=session.cap,
        )
        for request_id in ids:
            del self._waiting[request_id]
        self._to_look_up |= {entry.request_id for entry in (*claim.landed, *claim.dead, *claim.others)}
        self._over_budget |= dict.fromkeys(claim.over_budget)
        self._exhausted = claim.exhausted
        if batch_id is None:
            return
        claimed = [attempt.request_id for attempt in claim.mine]
        self._in_batch[batch_id] = set(claimed)
        try:
            self._send(batch_id, claimed)
        except DrpError:
            if batch_id not in self.provider.doubtful:  # a doubtful one may exist: the next poll recovers it
                self.session.ledger.abandon_batch(batch_id, "its batch was not created")
            raise

    def _send(self, batch_id: str, ids: list[str]) -> None:
        """Upload the file and create the batch, recording each step in the ledger before the next."""
        ledger, started_at = self.session.ledger, datetime.now(UTC)
        with tempfile.TemporaryFile(prefix="drp-batch-") as file:
            self.queue.write(ids, file)
            file_id = self.provider.upload(file, f"drp-{batch_id}.jsonl")
        if not ledger.record_upload(batch_id, file_id):
            return  # another process took this one for dead and abandoned the batch
        remote_batch = self.provider.create(file_id, batch_id, started_at)
        if not ledger.record_submission(batch_id, remote_batch.id, remote_batch.status):
            self.provider.cancel(remote_batch.id)
            return
        _log.info("batch %s: %d requests are submitted", remote_batch.id, len(ids))
