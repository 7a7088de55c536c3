"""The ledger: cache and books of what a teacher was asked, durable before it is sent and when it lands.

    with open_ledger("sqlite:///warehouse/drp.db") as ledger, ledger.worker() as worker:
        ledger.recover()
        claim = ledger.claim(wanted, worker, run_id=run_id, backend="online", cap=Decimal("2.50"))
        ...                                     # send what is `claim.mine`, nothing else
        ledger.land([Landing(attempt, answer, cost)])

Every method is one transaction, safe to call from many threads and processes, and takes many rows at once, so
that a caller pays for one commit with many. All of them raise the errors of `drp.ledger.errors` when the
database does not answer, lets nobody in, or is damaged.
"""

import os
from collections.abc import Collection, Iterable, Iterator, Sequence
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from types import TracebackType
from typing import Self
from uuid import uuid4

from drp.database import Database, migrate
from drp.ledger import accounting, batches, requests
from drp.ledger.records import (
    Attempt,
    BatchUsage,
    Call,
    Claim,
    CompletedAttempt,
    DeadReason,
    FailedAttempt,
    InFlight,
    LedgerEntry,
    PricedRequest,
    ProviderBatch,
    Spent,
    Total,
)
from drp.ledger.tables import BatchState
from drp.ledger.workers import Worker

_FOLDER = Path(__file__).with_name("migrations")
VERSION_TABLE = "ledger_version"
"""Not Alembic's usual name: the database may hold other tables of this project."""


def open_ledger(url: str) -> "Ledger":
    """Open the ledger at `url`, made or migrated first if need be.

    Args:
        url: `sqlite:///path` (a relative one counts from the repository's root), or
            `postgresql+psycopg://user:password@host/name`.

    Raises:
        BadInputError: the URL is of neither kind.
        DatabaseTooNewError: a newer drp has written it.
    """
    database = Database(url)
    try:
        migrate(database, _FOLDER, VERSION_TABLE)
    except BaseException:
        database.close()
        raise
    return Ledger(database)


class Ledger:
    """An open ledger; `open_ledger` opens it."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def address(self) -> str:
        """Where it is, without the password."""
        return self._database.address

    def close(self) -> None:
        """Close its connections."""
        self._database.close()

    # --- requests -------------------------------------------------------------------------------------

    def worker(self) -> Worker:
        """This process as a sender of requests, for the time of a `with` block."""
        return Worker(self._database, os.getpid())

    def recover(self) -> int:
        """Mark what dead workers had in flight online as `lost_in_flight`; its requests may be sent again.

        Its estimated cost stays in the accounting. What belongs to a batch is at the provider and not lost.

        Returns:
            How many attempts were lost.
        """
        return self._database.write(requests.recover)

    def known(self, ids: Iterable[str]) -> dict[str, LedgerEntry]:
        """What is known of these requests; those never heard of are left out.

        The texts of all that landed are in memory at once: ask for some hundreds at a time.
        """
        with self._database.reading() as con:
            return requests.entries(con, ids)

    def claim(
        self,
        wanted: Sequence[PricedRequest],
        worker: Worker,
        *,
        run_id: str,
        backend: str,
        cap: Decimal | None,
    ) -> Claim:
        """Make those of `wanted` that are new or failed this worker's, durably, before they are sent.

        What all attempts of the run have cost, or may cost, stays at or below `cap` USD (None: no cap),
        whoever else claims at the same time. Requests are taken in order, each that still fits.
        """
        fresh = _fresh(wanted)
        return self._database.write(
            lambda con: requests.claim(
                con,
                wanted,
                fresh,
                worker_id=worker.worker_id,
                run_id=run_id,
                backend=backend,
                cap=cap,
            )
        )

    def release(self, attempts: Sequence[Attempt]) -> None:
        """Give back what was claimed and never sent; it costs nothing."""
        self._database.write(lambda con: requests.release(con, attempts))

    def land(self, landings: Sequence[CompletedAttempt]) -> None:
        """Write down answers as they came, and what they cost. Landing twice is harmless.

        An answer that comes after its attempt was marked as lost lands too. Where another attempt had
        landed before, the first answer stays and the money of both counts.
        """
        self._database.write(lambda con: requests.land(con, landings))

    def fail(self, failures: Sequence[FailedAttempt]) -> None:
        """Write down that attempts brought no answer: their requests may be sent again, or are dead."""
        self._database.write(lambda con: requests.fail(con, failures))

    def retry_dead(self, run_id: str | None = None) -> int:
        """Let dead requests be sent again: those that this run sent, or all. Returns how many."""
        return self._database.write(lambda con: requests.retry_dead(con, run_id))

    # --- batches --------------------------------------------------------------------------------------

    def plan_batch(
        self, wanted: Sequence[PricedRequest], worker: Worker, *, run_id: str, cap: Decimal | None
    ) -> tuple[str | None, Claim]:
        """Claim `wanted` (of one base URL and model) for a new batch, as `claim` does.

        Returns:
            Our key of the batch, for the provider's metadata, and the claim: `mine` is what belongs into
            it. None instead of a key when nothing does.
        """
        if not wanted:
            return None, Claim()
        fresh, batch_id = _fresh(wanted), uuid4().hex
        claim = self._database.write(
            lambda con: batches.plan(
                con,
                wanted,
                fresh,
                batch_id=batch_id,
                worker_id=worker.worker_id,
                run_id=run_id,
                cap=cap,
            )
        )
        return (batch_id if claim.mine else None), claim

    def record_upload(self, batch_id: str, input_file_id: str) -> bool:
        """The provider has the batch's file. False: it was abandoned meanwhile and must not be created."""
        return self._database.write(
            lambda con: batches.change(
                con, batch_id, ("planned", "uploaded"), state="uploaded", input_file_id=input_file_id
            )
        )

    def record_submission(self, batch_id: str, provider_batch_id: str, provider_state: str) -> bool:
        """The provider has created the batch. False: it was abandoned meanwhile and must be cancelled there.

        Recording the same again is harmless.
        """
        return self._database.write(
            lambda con: batches.submit(con, batch_id, provider_batch_id, provider_state)
        )

    def record_state(self, batch_id: str, provider_state: str) -> None:
        """What the provider says of a submitted batch."""
        self._database.write(lambda con: batches.observe(con, batch_id, provider_state))

    def end_batch(
        self,
        batch_id: str,
        provider_state: str,
        *,
        output_file_id: str | None = None,
        error_file_id: str | None = None,
    ) -> None:
        """The provider is done with the batch (`completed`, `expired`, ...); its files can be fetched."""
        self._database.write(
            lambda con: batches.end(con, batch_id, provider_state, output_file_id, error_file_id)
        )

    def batch_attempts(self, batch_id: str) -> list[Attempt]:
        """What of a batch has neither landed nor failed, by request id."""
        with self._database.reading() as con:
            return batches.in_flight(con, batch_id)

    def land_batch(self, batch_id: str, why: str) -> int:
        """All rows of its files have landed or failed: what is left goes back to `failed`, at no cost.

        Returns:
            How many requests that was; `why` is their problem (`expired`, ...).
        """
        return self._database.write(lambda con: batches.close(con, batch_id, "landed", why))

    def abandon_batch(self, batch_id: str, why: str) -> int:
        """The provider does not have this batch: its requests go back to `failed`, at no cost."""
        return self._database.write(lambda con: batches.close(con, batch_id, "abandoned", why))

    def batches(self, states: Collection[BatchState]) -> list[ProviderBatch]:
        """Batches in these states, oldest first."""
        with self._database.reading() as con:
            return batches.listed(con, states)

    def answered(self, batch_ids: Collection[str]) -> dict[str, BatchUsage]:
        """What the answers of these batches of ours were billed; of those without any nothing."""
        with self._database.reading() as con:
            return batches.answered(con, batch_ids)

    # --- books ----------------------------------------------------------------------------------------

    def spent(self, run_id: str) -> Spent:
        """The money of a run."""
        with self._database.reading() as con:
            return requests.spent(con, run_id)

    def totals(self, run_id: str | None = None) -> list[Total]:
        """The books of a run, or of all, by run, stage, model and backend."""
        with self._database.reading() as con:
            return accounting.totals(con, run_id)

    def in_flight(self, run_id: str | None = None) -> list[InFlight]:
        """What is in flight online, by worker, oldest first."""
        with self._database.reading() as con:
            return accounting.in_flight(con, run_id)

    def dead_reasons(self, run_id: str | None = None) -> list[DeadReason]:
        """Why requests are dead, most frequent first."""
        with self._database.reading() as con:
            return accounting.dead_reasons(con, run_id)

    def unexported(self) -> Iterator[Call]:
        """Landed and dead requests that no run has exported, by id; a page is in memory at a time."""
        after = ""
        while True:
            with self._database.reading() as con:
                page = accounting.unexported(con, after)
            if not page:
                return
            yield from page
            after = page[-1].key[0]

    def mark_exported(self, keys: Iterable[tuple[str, datetime]], run_id: str) -> None:
        """The published lake has these calls (`Call.key`): their texts are dropped here.

        One that has changed since it was read stays, and is exported again.
        """
        exported = list(keys)
        self._database.write(lambda con: accounting.mark_exported(con, exported, run_id))


def _fresh(wanted: Sequence[PricedRequest]) -> dict[str, str]:
    return {want.request.request_id: uuid4().hex for want in wanted}
