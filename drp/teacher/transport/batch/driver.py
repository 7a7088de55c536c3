"""The batch driver: send all requests in batches of the provider, at half the price, answered within a day.

The intent to create a batch is in the ledger before a file is uploaded, and in the batch's metadata at the
provider. So if a process dies between two steps, the next one finds out how far it got. A request with an
answer is never sent again; a request that a batch did not answer goes into another batch.
"""

import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property

from drp.config import TeacherProfile
from drp.ledger import TeacherReply, TeacherRequest
from drp.teacher.transport.batch.packing import BatchLimits
from drp.teacher.transport.batch.provider import BatchProvider
from drp.teacher.transport.batch.request_queue import RequestQueue
from drp.teacher.transport.batch.scheduler import BatchScheduler
from drp.teacher.transport.ledger_session import LedgerSession


@dataclass
class BatchDriver:
    """Implements `drp.teacher.transport.protocol.Driver`.

    Args:
        name: name of the teacher, for messages.
        profile: the provider's address, model and limits.
        key: the API key.
        session: the ledger, with batch prices.
        may_defer_since: when the task began, if it does not wait here but comes back later. Its replies end
            with BatchesPendingError while a batch is pending; called with the same requests later, the
            driver continues from there.
    """

    name: str
    profile: TeacherProfile
    key: str
    session: LedgerSession
    may_defer_since: datetime | None = None

    @cached_property
    def _provider(self) -> BatchProvider:
        return BatchProvider(self.name, self.profile, self.key)

    def replies(self, requests: Iterable[TeacherRequest]) -> Iterator[TeacherReply]:
        """Yield a reply for each request. All requests are written to disk before the first one is sent.

        Raises:
            BatchesPendingError: some answers are pending, and the task does not wait here.
            TeacherRefusedError, TeacherUnavailableError, BudgetExhaustedError: no more answers can be fetched
                now. Those that arrived are in the ledger.
            BatchRefusedError, BatchGoneError: likewise.
        """
        limits, pace = BatchLimits(self.profile.limits.enqueued_tokens), self.profile.pace
        with RequestQueue() as queue:
            scheduler = BatchScheduler(
                self.name,
                self.profile,
                self.session,
                self._provider,
                queue,
                since=self.may_defer_since or datetime.now(UTC),
                limits=limits,
            )
            changed = scheduler.poll_batches()
            yield from scheduler.enqueue(requests)
            pause = pace.poll_first_s
            while True:
                yield from scheduler.answered()
                scheduler.raise_if_refused()
                changed |= scheduler.submit()
                yield from scheduler.carried()
                if not len(queue):
                    return
                scheduler.raise_if_exhausted()
                if self.may_defer_since is not None:
                    raise scheduler.pending_error()
                pause = pace.poll_first_s if changed else min(pause * 1.5, pace.poll_most_s)
                time.sleep(pause)
                changed = scheduler.poll_batches()
