"""The tables of the ledger, as the code sees them; `migrations/` makes them.

The attempts are the books: money is summed over them and over nothing else. A request is what they are
attempts at, and holds the answer once one has landed.

Money is whole nano-dollars (10^-9 USD) in the database, so that sums are exact, and `Decimal` USD here.
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
"""planned: asked for, not sent yet; submitted: at the provider; failed: may be sent again; dead: may not."""
AttemptState: TypeAlias = Literal["in_flight", "landed", "failed", "lost_in_flight", "cancelled"]
"""lost_in_flight: whoever sent it died before an answer came; cancelled: it never reached the provider's
model, or the provider gave it back undone."""
BatchState: TypeAlias = Literal["planned", "uploaded", "submitted", "ended", "landed", "abandoned"]

NANO = Decimal("1e-9")


def exact(usd: Decimal) -> Decimal:
    """An amount as the ledger keeps it: to the nano-dollar, ties to the even one.

    Raises:
        ValueError: it is negative or no number.
    """
    if not usd.is_finite() or usd < 0:
        raise ValueError(f"{usd} is no amount of money")
    return usd.quantize(NANO, ROUND_HALF_EVEN)


class Usd(TypeDecorator[Decimal]):
    """Nano-dollars there, USD here."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: Decimal | None, dialect: Dialect) -> Any:
        """To the database."""
        return None if value is None else int(exact(value).scaleb(9))

    def process_result_value(self, value: Any, dialect: Dialect) -> Decimal | None:
        """From the database; a sum may come as a Decimal of its own."""
        return None if value is None else Decimal(int(value)).scaleb(-9)


class RequestColumns(TypedColumns):
    """What is asked, once for all times and runs, and its answer."""

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
    # Last: SQLite reads a row from its start, and what is long lies behind what is asked for often.
    refusal: Named[str | None] = Column(StorableText)
    text: Named[str | None] = Column(StorableText)


class AttemptColumns(TypedColumns):
    """One sending of a request: one line of the books."""

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
    """One batch; `batch_id` is ours and goes to the provider in its metadata."""

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
    """A process that sends requests; gone from here once it ended in order or is known to be dead."""

    worker_id: Named[str] = Column(String, primary_key=True)
    host: Named[str] = Column(String)
    pid: Named[int] = Column(Integer)
    process_started: Named[int] = Column(BigInteger)
    heartbeat_at: Named[datetime] = Column(Instant)


class BudgetColumns(TypedColumns):
    """The last known cap of a run; its row is also the lock that claims of one run take turns by."""

    run_id: Named[str] = Column(String, primary_key=True)
    cap_nusd: Named[Decimal | None] = Column(Usd)


metadata = MetaData()
requests = Table("requests", metadata, RequestColumns)
batches = Table("batches", metadata, BatchColumns)
attempts = Table("attempts", metadata, AttemptColumns, UniqueConstraint("request_id", "number"))
workers = Table("workers", metadata, WorkerColumns)
budgets = Table("budgets", metadata, BudgetColumns)

_IN_FLIGHT, _UNEXPORTED = text("state = 'in_flight'"), text("exported_in IS NULL")
# A request that is in flight twice would be paid twice: the database itself forbids it.
Index(
    "attempts_in_flight",
    attempts.c.request_id,
    unique=True,
    sqlite_where=_IN_FLIGHT,
    postgresql_where=_IN_FLIGHT,
)
# Holds all that the sum of a run needs.
Index("attempts_by_run", attempts.c.run_id, attempts.c.cost_nusd, attempts.c.estimated_nusd)
Index("attempts_by_batch", attempts.c.batch_id)
Index("requests_by_state", requests.c.state)
Index(
    "requests_unexported",
    requests.c.request_id,
    sqlite_where=_UNEXPORTED,
    postgresql_where=_UNEXPORTED,
)
