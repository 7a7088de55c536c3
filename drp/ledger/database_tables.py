"""The tables of the ledger, as the code sees them; the revisions in `migrations/` create them.

Money is summed over attempts and over nothing else. A request has one or more attempts, and holds the answer
once an attempt has landed, which means that its answer has arrived and is recorded.

Money is stored as whole nano-dollars (10^-9 USD), so that sums are exact; the code sees `Decimal` USD.
"""

from datetime import datetime
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any, Literal, TypeAlias

from sqlalchemy import (
    BigInteger,
    Column,
    Dialect,
    Float,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    Named,
    String,
    Table,
    TypedColumns,
    TypeDecorator,
    UniqueConstraint,
    text,
)

from drp.database import Instant, StorableText

RequestState: TypeAlias = Literal["planned", "submitted", "landed", "failed", "dead"]
"""planned: not sent yet; submitted: at the provider; landed: answered; failed: may be sent again; dead: may
not be sent again."""
AttemptState: TypeAlias = Literal["in_flight", "landed", "failed", "lost_in_flight", "cancelled"]
"""lost_in_flight: the process that sent it died before an answer arrived; cancelled: it never reached the
provider's model, or the provider returned it without work."""
BatchState: TypeAlias = Literal["planned", "uploaded", "submitted", "ended", "landed", "abandoned"]

NANO = Decimal("1e-9")


def exact(usd: Decimal) -> Decimal:
    """Round an amount as the ledger stores it: to the nano-dollar, with ties to even.

    Raises:
        ValueError: the amount is negative or not a finite number.
    """
    if not usd.is_finite() or usd < 0:
        raise ValueError(f"{usd} is not an amount of money")
    return usd.quantize(NANO, ROUND_HALF_EVEN)


class Usd(TypeDecorator[Decimal]):
    """Money: nano-dollars in the database, USD in the code."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: Decimal | None, dialect: Dialect) -> Any:
        """Convert a value for the database."""
        return None if value is None else int(exact(value).scaleb(9))

    def process_result_value(self, value: Any, dialect: Dialect) -> Decimal | None:
        """Convert a value from the database, which may return a sum as a Decimal."""
        return None if value is None else Decimal(int(value)).scaleb(-9)


class RequestColumns(TypedColumns):
    """A request, unique over all runs, and its answer."""

    request_id: Named[str] = Column(String, primary_key=True)
    stage: Named[str] = Column(String)
    base_url: Named[str] = Column(String)
    model: Named[str] = Column(String)
    prompt_version: Named[str] = Column(String)
    state: Named[str] = Column(String)
    attempts: Named[int] = Column(Integer)
    provider_id: Named[str | None] = Column(StorableText)
    finish_reason: Named[str | None] = Column(StorableText)
    prompt_tokens: Named[int | None] = Column(BigInteger)
    cached_tokens: Named[int | None] = Column(BigInteger)
    completion_tokens: Named[int | None] = Column(BigInteger)
    cost_nusd: Named[Decimal | None] = Column(Usd)
    latency_s: Named[float | None] = Column(Float)
    problem: Named[str | None] = Column(StorableText)
    exported_in: Named[str | None] = Column(String)
    created_at: Named[datetime] = Column(Instant)
    updated_at: Named[datetime] = Column(Instant)
    # Long columns come last, because SQLite reads a row from its start and queries mostly need the others.
    refusal: Named[str | None] = Column(StorableText)
    text: Named[str | None] = Column(StorableText)


class AttemptColumns(TypedColumns):
    """An attempt at a request; one entry in the accounts."""

    id: Named[str] = Column(String, primary_key=True)
    request_id: Named[str] = Column(String, ForeignKey("requests.request_id"))
    number: Named[int] = Column(Integer)
    worker_id: Named[str] = Column(String)
    run_id: Named[str] = Column(String)
    batch_id: Named[str | None] = Column(String, ForeignKey("batches.batch_id"))
    backend: Named[str] = Column(String)
    state: Named[str] = Column(String)
    estimated_nusd: Named[Decimal] = Column(Usd)
    cost_nusd: Named[Decimal | None] = Column(Usd)
    prompt_tokens: Named[int | None] = Column(BigInteger)
    cached_tokens: Named[int | None] = Column(BigInteger)
    completion_tokens: Named[int | None] = Column(BigInteger)
    provider_id: Named[str | None] = Column(StorableText)
    error: Named[str | None] = Column(StorableText)
    started_at: Named[datetime] = Column(Instant)
    ended_at: Named[datetime | None] = Column(Instant)


class BatchColumns(TypedColumns):
    """A batch. `batch_id` is the ledger's id, which goes to the provider in the metadata."""

    batch_id: Named[str] = Column(String, primary_key=True)
    run_id: Named[str] = Column(String)
    base_url: Named[str] = Column(String)
    model: Named[str] = Column(String)
    provider_batch_id: Named[str | None] = Column(StorableText)
    input_file_id: Named[str | None] = Column(StorableText)
    output_file_id: Named[str | None] = Column(StorableText)
    error_file_id: Named[str | None] = Column(StorableText)
    state: Named[str] = Column(String)
    provider_state: Named[str | None] = Column(StorableText)
    requests: Named[int] = Column(Integer)
    estimated_tokens: Named[int] = Column(BigInteger)
    estimated_nusd: Named[Decimal] = Column(Usd)
    created_at: Named[datetime] = Column(Instant)
    submitted_at: Named[datetime | None] = Column(Instant)
    ended_at: Named[datetime | None] = Column(Instant)
    landed_at: Named[datetime | None] = Column(Instant)


class WorkerColumns(TypedColumns):
    """A process that sends requests. Its row is deleted when it has ended or is known to be dead."""

    worker_id: Named[str] = Column(String, primary_key=True)
    host: Named[str] = Column(String)
    pid: Named[int] = Column(Integer)
    process_started: Named[int] = Column(BigInteger)
    heartbeat_at: Named[datetime] = Column(Instant)


class BudgetColumns(TypedColumns):
    """The last known cap of a run. Its row also serves as the lock between claims of one run."""

    run_id: Named[str] = Column(String, primary_key=True)
    cap_nusd: Named[Decimal | None] = Column(Usd)


metadata = MetaData()
requests = Table("requests", metadata, RequestColumns)
batches = Table("batches", metadata, BatchColumns)
attempts = Table("attempts", metadata, AttemptColumns, UniqueConstraint("request_id", "number"))
workers = Table("workers", metadata, WorkerColumns)
budgets = Table("budgets", metadata, BudgetColumns)

_IN_FLIGHT, _UNEXPORTED = text("state = 'in_flight'"), text("exported_in IS NULL")
# The database itself forbids that a request is in flight twice, because it would be paid twice.
Index(
    "attempts_in_flight",
    attempts.c.request_id,
    unique=True,
    sqlite_where=_IN_FLIGHT,
    postgresql_where=_IN_FLIGHT,
)
# Covers the query for the cost of a run.
Index("attempts_by_run", attempts.c.run_id, attempts.c.cost_nusd, attempts.c.estimated_nusd)
Index("attempts_by_batch", attempts.c.batch_id)
Index("requests_by_state", requests.c.state)
Index(
    "requests_unexported",
    requests.c.request_id,
    sqlite_where=_UNEXPORTED,
    postgresql_where=_UNEXPORTED,
)
