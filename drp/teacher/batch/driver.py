"""The batch driver: all requests in batches of the provider, at half the price, back within a day.

The intent is in the ledger before a file is uploaded, and in the batch's metadata at the provider, so that
whoever dies between two steps is followed by one who finds out how far it came. What has landed is never
asked again; what came back undone goes into another batch.
"""

import time
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import Literal, TypeAlias

from drp.ledger.batch_books import OUT
from drp.teacher.batch.pace import Pace
from drp.teacher.batch.planner import BatchLimits
from drp.teacher.batch.provider import BatchProvider
from drp.teacher.batch.spool import Spool
from drp.teacher.batch.work import Work
from drp.teacher.books import Books
from drp.teacher.profiles import TeacherProfile
from drp.teacher.requests import Reply, TeacherRequest

ReleasePolicy: TypeAlias = Literal["cancel_unstarted", "keep", "cancel"]
"""What becomes of a run's batches when it is given up: by default those of which nothing is done yet are
cancelled; the others go on and are landed by whoever comes next. What a cancelled one has done lands too."""


class BatchDriver:
    """Implements `drp.teacher.driver.Driver`.

    Args:
        name: the teacher, for messages.
        profile: where it is and what it takes.
        books: the ledger, with batch prices.
        wait: wait until all is back. Else, when some is not, the replies end in StillOutError: the
            same requests later go on where these stopped.
        since: when the stage first began, if it has been left and begun again; now if None.
    """

    def __init__(
        self,
        name: str,
        profile: TeacherProfile,
        books: Books,
        *,
        wait: bool = True,
        since: datetime | None = None,
        pace: Pace | None = None,
    ) -> None:
        self._name, self._profile, self._books, self._wait = name, profile, books, wait
        self._pace, self._since = pace or Pace(), since or datetime.now(UTC)
        self._provider = BatchProvider(name, profile, profile.api_key(name), self._pace.patience)

    def replies(self, requests: Iterable[TeacherRequest]) -> Iterator[Reply]:
        """As the protocol says; the requests are on disk meanwhile, all of them before the first is sent.

        Raises:
            StillOutError: some are not back, and this driver does not wait.
            TeacherRefusedError, TeacherUnavailableError, BatchRefusedError, BatchGoneError,
            BudgetExhaustedError: nothing more can be had now; what landed is in the ledger.
        """
        limits = BatchLimits(self._profile.limits.enqueued_tokens)
        with Spool() as spool:
            work = Work(
                *(self._name, self._profile, self._books, self._provider, spool, self._pace),
                since=self._since,
                limits=limits,
            )
            changed = work.settle()
            yield from work.take_in(requests)
            pause = self._pace.poll_first_s
            while True:
                yield from work.answered()
                work.raise_if_refused()
                changed |= work.submit()
                yield from work.carried()
                if not len(spool):
                    return
                work.raise_if_exhausted()
                if not self._wait:
                    raise work.still_out()
                pause = self._pace.poll_first_s if changed else min(pause * 1.5, self._pace.poll_most_s)
                time.sleep(pause)
                changed = work.settle()

    def release(self, policy: ReleasePolicy = "cancel_unstarted") -> list[str]:
        """The run is given up (cleared, marked failed): see ReleasePolicy.

        Returns:
            The provider's ids of the batches that were cancelled.
        """
        cancelled: list[str] = []
        for batch in self._books.ledger.batches(OUT) if policy != "keep" else ():
            known, own = batch.provider_batch_id, batch.run_id == self._books.run_id
            if known is None or not own or batch.base_url != self._profile.base_url:
                continue
            counts = self._provider.batch(known).request_counts
            if policy == "cancel" or counts is None or counts.completed + counts.failed == 0:
                self._provider.cancel(known)
                cancelled.append(known)
        return cancelled
