"""The ledger: the cache and the accounts of requests to teachers.

A request is stored durably before it is sent, and its answer as soon as it arrives:

    with open_ledger("sqlite:///warehouse/drp.db") as ledger, ledger.worker() as worker:
        ledger.recover()
        claim = ledger.claim(priced_requests, worker, run_id=run_id, backend="online", cap=Decimal("2.50"))
        ...                                     # send the attempts in `claim.mine`, and nothing else
        ledger.land([CompletedAttempt(attempt, answer, cost)])

Every method is one transaction and is safe to call from many threads and processes. Methods take many rows at
once, so that they share one commit. All methods raise the errors of `drp.database` when the database does not
answer, refuses the connection, or is damaged.
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
from drp.ledger import batches, requests, spending_reports
from drp.ledger.database_tables import BatchState
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
from drp.ledger.worker_heartbeats import Worker

_FOLDER = Path(__file__).with_name("migrations")
VERSION_TABLE = "ledger_version"
"""Not Alembic's default name, because the registry may keep its tables in the same database."""


def open_ledger(url: str) -> "Ledger":
    """Open the ledger at `url`. Its tables are created or migrated first if necessary.

    Args:
        url: `sqlite:///path` (a relative path starts from DRP_HOME), or
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
    """An open ledger, from `open_ledger`."""

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
        """The address of the database, without the password."""
        return self._database.address

    def close(self) -> None:
        """Close all connections."""
        self._database.close()

    # --- requests -------------------------------------------------------------------------------------

    def worker(self) -> Worker:
        """Return this process as a sender of requests, for use in a `with` block."""
        return Worker(self._database, os.getpid())

    def recover(self) -> int:
        """Mark the online attempts in flight of dead workers as `lost_in_flight`. They may be sent again.

        Their estimated costs stay in the accounts. Attempts in a batch are at the provider and are not lost.

        Returns:
            The number of lost attempts.
        """
        return self._database.write(requests.recover)

    def known(self, ids: Iterable[str]) -> dict[str, LedgerEntry]:
        """Return the entries of these requests. Requests that are not in the ledger are left out.

        All answers are in memory at once, so pass a few hundred ids at a time.
        """
        with self._database.reading() as con:
            return requests.entries(con, ids)

    def claim(
        self,
        priced_requests: Sequence[PricedRequest],
        worker: Worker,
        *,
        run_id: str,
        backend: str,
        cap: Decimal | None,
    ) -> Claim:
        """Claim the requests that are new or failed for this worker, durably, before they are sent.

        The known and estimated costs of all attempts of the run stay at or below `cap` USD (None: no cap),
        even if other workers claim at the same time. Requests are taken in order, skipping those that do not
        fit into the budget.
        """
        attempt_ids = _new_attempt_ids(priced_requests)
        return self._database.write(
            lambda con: requests.claim(
                con,
                priced_requests,
                attempt_ids,
                worker_id=worker.worker_id,
                run_id=run_id,
                backend=backend,
                cap=cap,
            )
        )

    def release(self, attempts: Sequence[Attempt]) -> None:
        """Give back attempts that were claimed and never sent. They cost nothing."""
        self._database.write(lambda con: requests.release(con, attempts))

    def land(self, completed: Sequence[CompletedAttempt]) -> None:
        """Record answers, unchanged, and their cost. Recording an answer twice is harmless.

        An answer is also recorded if its attempt was marked as lost before. If another attempt has already
        brought an answer, the first answer stays and the cost of both counts.
        """
        self._database.write(lambda con: requests.land(con, completed))

    def fail(self, failures: Sequence[FailedAttempt]) -> None:
        """Record attempts that brought no answer. Their requests may be sent again, or are dead."""
        self._database.write(lambda con: requests.fail(con, failures))

    def retry_dead(self, run_id: str | None = None) -> int:
        """Allow dead requests to be sent again: those of this run, or all. Return their number."""
        return self._database.write(lambda con: requests.retry_dead(con, run_id))

    # --- batches --------------------------------------------------------------------------------------

    def plan_batch(
        self, priced_requests: Sequence[PricedRequest], worker: Worker, *, run_id: str, cap: Decimal | None
    ) -> tuple[str | None, Claim]:
        """Claim requests (of one base URL and model) for a new batch, as `claim` does.

        Returns:
            The ledger's id of the batch, for the provider's metadata, and the claim, whose `mine` holds the
            attempts of the batch. The id is None if there are none.
        """
        if not priced_requests:
            return None, Claim()
        attempt_ids, batch_id = _new_attempt_ids(priced_requests), uuid4().hex
        claim = self._database.write(
            lambda con: batches.plan(
                con,
                priced_requests,
                attempt_ids,
                batch_id=batch_id,
                worker_id=worker.worker_id,
                run_id=run_id,
                cap=cap,
            )
        )
        return (batch_id if claim.mine else None), claim

    def record_upload(self, batch_id: str, input_file_id: str) -> bool:
        """Record that the provider has the input file.

        Return False if the batch was abandoned meanwhile: then it must not be created at the provider.
        """
        return self._database.write(
            lambda con: batches.change(
                con, batch_id, ("planned", "uploaded"), state="uploaded", input_file_id=input_file_id
            )
        )

    def record_submission(self, batch_id: str, provider_batch_id: str, provider_state: str) -> bool:
        """Record that the provider has created the batch. Recording it twice is harmless.

        Return False if the batch was abandoned meanwhile: then it must be cancelled at the provider.
        """
        return self._database.write(
            lambda con: batches.submit(con, batch_id, provider_batch_id, provider_state)
        )

    def record_state(self, batch_id: str, provider_state: str) -> None:
        """Record the state that the provider reports for a submitted batch."""
        self._database.write(lambda con: batches.observe(con, batch_id, provider_state))

    def end_batch(
        self,
        batch_id: str,
        provider_state: str,
        *,
        output_file_id: str | None = None,
        error_file_id: str | None = None,
    ) -> None:
        """Record that the provider has ended the batch (`completed`, `expired`, ...). Its files are ready."""
        self._database.write(
            lambda con: batches.end(con, batch_id, provider_state, output_file_id, error_file_id)
        )

    def batch_attempts(self, batch_id: str) -> list[Attempt]:
        """Return the attempts of a batch that have neither an answer nor failed, by request id."""
        with self._database.reading() as con:
            return batches.in_flight(con, batch_id)

    def land_batch(self, batch_id: str, why: str) -> int:
        """Close a batch whose result rows are all recorded. Its other requests become `failed`, at no cost.

        Args:
            batch_id: the ledger's id of the batch.
            why: the problem of these requests, such as `expired`.

        Returns:
            The number of these requests.
        """
        return self._database.write(lambda con: batches.close(con, batch_id, "landed", why))

    def abandon_batch(self, batch_id: str, why: str) -> int:
        """Close a batch that the provider does not have. Its requests go back to `failed`, at no cost."""
        return self._database.write(lambda con: batches.close(con, batch_id, "abandoned", why))

    def batches(self, states: Collection[BatchState]) -> list[ProviderBatch]:
        """Return the batches in these states, oldest first."""
        with self._database.reading() as con:
            return batches.listed(con, states)

    def answered(self, batch_ids: Collection[str]) -> dict[str, BatchUsage]:
        """Return the billed usage of the answers of these batches. Batches without answers are left out."""
        with self._database.reading() as con:
            return batches.answered(con, batch_ids)

    # --- accounts -------------------------------------------------------------------------------------

    def spent(self, run_id: str) -> Spent:
        """Return the known and reserved cost of a run."""
        with self._database.reading() as con:
            return requests.spent(con, run_id)

    def totals(self, run_id: str | None = None) -> list[Total]:
        """Return the totals of a run, or of all runs, by run, stage, model and backend."""
        with self._database.reading() as con:
            return spending_reports.totals(con, run_id)

    def in_flight(self, run_id: str | None = None) -> list[InFlight]:
        """Return what is in flight online, by worker, oldest first."""
        with self._database.reading() as con:
            return spending_reports.in_flight(con, run_id)

    def dead_reasons(self, run_id: str | None = None) -> list[DeadReason]:
        """Return why requests are dead, the most frequent reason first."""
        with self._database.reading() as con:
            return spending_reports.dead_reasons(con, run_id)

    def unexported(self) -> Iterator[Call]:
        """Yield the landed and dead requests that no run has exported, by id. They are read page by page."""
        after = ""
        while True:
            with self._database.reading() as con:
                page = spending_reports.unexported(con, after)
            if not page:
                return
            yield from page
            after = page[-1].key[0]

    def mark_exported(self, keys: Iterable[tuple[str, datetime]], run_id: str) -> None:
        """Record that the published lake has these calls (`Call.key`), and drop their texts from the ledger.

        A call that has changed since it was read stays, and will be exported again.
        """
        exported = list(keys)
        self._database.write(lambda con: spending_reports.mark_exported(con, exported, run_id))


def _new_attempt_ids(priced_requests: Sequence[PricedRequest]) -> dict[str, str]:
    return {priced.request.request_id: uuid4().hex for priced in priced_requests}
