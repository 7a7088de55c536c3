"""The batch driver: all requests in batches of the provider, at half the price, back within a day.

The intent is in the ledger before a file is uploaded, and in the batch's metadata at the provider, so that
whoever dies between two steps is followed by one who finds out how far it came. What has landed is never
asked again; what came back undone goes into another batch.
"""

import time
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime

from drp.config import TeacherProfile
from drp.ledger import TeacherReply, TeacherRequest
from drp.teacher.transport.batch.packing import BatchLimits
from drp.teacher.transport.batch.provider import BatchProvider
from drp.teacher.transport.batch.request_queue import RequestQueue
from drp.teacher.transport.batch.scheduler import BatchScheduler
from drp.teacher.transport.credentials import api_key
from drp.teacher.transport.ledger_session import LedgerSession


class BatchDriver:
    """Implements `drp.teacher.transport.protocol.Driver`.

    Args:
        name: the teacher, for messages.
        profile: where it is and what it takes.
        books: the ledger, with batch prices.
        may_defer_since: when the task began, for a task that does not wait here but comes back later. Its
            replies end in BatchesPendingError while something is pending; asked for the same requests
            later, the driver goes on from there.
    """

    def __init__(
        self,
        name: str,
        profile: TeacherProfile,
        books: LedgerSession,
        may_defer_since: datetime | None = None,
    ) -> None:
        self._name, self._profile, self._books = name, profile, books
        self._may_defer_since = may_defer_since
        self._provider = BatchProvider(name, profile, api_key(name, profile))

    def replies(self, requests: Iterable[TeacherRequest]) -> Iterator[TeacherReply]:
        """As the protocol says; the requests are on disk meanwhile, all of them before the first is sent.

        Raises:
            BatchesPendingError: some are not back, and nobody waits here.
            TeacherRefusedError, TeacherUnavailableError, BatchRefusedError, BatchGoneError,
            BudgetExhaustedError: nothing more can be had now; what landed is in the ledger.
        """
        limits, pace = BatchLimits(self._profile.limits.enqueued_tokens), self._profile.pace
        with RequestQueue() as spool:
            work = BatchScheduler(
                *(self._name, self._profile, self._books, self._provider, spool),
                since=self._may_defer_since or datetime.now(UTC),
                limits=limits,
            )
            changed = work.settle()
            yield from work.take_in(requests)
            pause = pace.poll_first_s
            while True:
                yield from work.answered()
                work.raise_if_refused()
                changed |= work.submit()
                yield from work.carried()
                if not len(spool):
                    return
                work.raise_if_exhausted()
                if self._may_defer_since is not None:
                    raise work.still_out()
                pause = pace.poll_first_s if changed else min(pause * 1.5, pace.poll_most_s)
                time.sleep(pause)
                changed = work.settle()
