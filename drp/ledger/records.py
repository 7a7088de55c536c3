"""Arguments and results of the ledger's methods. Money is `Decimal` USD, times are UTC."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

from drp.ledger.completions import Completion, TeacherRequest, Usage
from drp.ledger.database_tables import BatchState, RequestState
from drp.ledger.errors import BudgetExhaustedError


@dataclass(frozen=True)
class PricedRequest:
    """A request to send, with its estimated cost."""

    request: TeacherRequest
    estimated: Decimal


@dataclass(frozen=True)
class Attempt:
    """An attempt at a request, recorded in the ledger. Its holder may send the request once."""

    attempt_id: str
    request_id: str
    number: int
    """From 1, over all runs and workers."""
    batch_id: str | None
    estimated: Decimal


@dataclass(frozen=True)
class LedgerEntry:
    """The state of a request in the ledger."""

    request_id: str
    state: RequestState
    attempts: int
    answer: Completion | None
    """The answer, if it has arrived. Its text is None once exported to `teacher_calls` in the lake."""
    cost: Decimal | None
    """The cost of the answer; None if unknown."""
    problem: str | None
    batch_id: str | None
    """The ledger's id of the batch that it is in now."""
    exported_in: str | None
    """The run that has exported it."""


@dataclass(frozen=True)
class Claim:
    """The outcome of a claim, by state of the requests."""

    mine: list[Attempt] = field(default_factory=list)
    """Attempts that the claiming worker, and no other, has to send."""
    landed: list[LedgerEntry] = field(default_factory=list)
    dead: list[LedgerEntry] = field(default_factory=list)
    others: list[LedgerEntry] = field(default_factory=list)
    """Requests already in flight: with another worker, or in a batch."""
    over_budget: list[str] = field(default_factory=list)
    """Ids of requests that do not fit into the budget."""
    exhausted: BudgetExhaustedError | None = None
    """Set if `over_budget` is not empty. Raise it once the attempts in flight have ended."""


@dataclass(frozen=True)
class CompletedAttempt:
    """An attempt with its answer and cost (None: unknown)."""

    attempt: Attempt
    answer: Completion
    cost: Decimal | None


@dataclass(frozen=True)
class FailedAttempt:
    """An attempt without an answer. `cost` is 0 if the provider bills nothing, None if unknown."""

    attempt: Attempt
    error: str
    may_retry: bool
    cost: Decimal | None


@dataclass(frozen=True)
class ProviderBatch:
    """A batch. `batch_id` is the ledger's id, which goes to the provider in the metadata."""

    batch_id: str
    run_id: str
    base_url: str
    model: str
    provider_batch_id: str | None
    input_file_id: str | None
    output_file_id: str | None
    error_file_id: str | None
    state: BatchState
    provider_state: str | None
    requests: int
    estimated_tokens: int
    estimated: Decimal
    created_at: datetime
    submitted_at: datetime | None
    ended_at: datetime | None
    landed_at: datetime | None
    is_orphan: bool
    """The worker that planned it has ended. If it is not submitted yet, no other worker may continue it."""


@dataclass(frozen=True)
class BatchUsage:
    """The usage of the answers of one batch."""

    answers: int
    usage: Usage
    cost: Decimal | None
    """USD; None if no answer reports its tokens."""


@dataclass(frozen=True)
class Spent:
    """The cost of one run, in USD."""

    known: Decimal
    """The known costs of its attempts."""
    reserved: Decimal
    """The estimates of attempts whose cost is unknown: in flight, lost, or not reported."""

    @property
    def total(self) -> Decimal:
        """The amount that counts against the cap."""
        return self.known + self.reserved


@dataclass(frozen=True)
class Sums:
    """The number of attempts of one kind, and the sum of their estimates in USD."""

    attempts: int
    estimated: Decimal


@dataclass(frozen=True)
class Total:
    """The totals of one run, stage, model and backend."""

    run_id: str
    stage: str
    model: str
    backend: str
    requests: int
    attempts: int
    landed: int
    failed: int
    prompt_tokens: int
    cached_tokens: int
    completion_tokens: int
    known_attempts: int
    """The number of attempts with known cost (including 0)."""
    known: Decimal
    """The cost of these attempts, in USD."""
    in_flight: Sums
    lost: Sums
    unknown: Sums
    """Attempts that have ended with unknown cost."""


@dataclass(frozen=True)
class InFlight:
    """The online attempts in flight of one worker."""

    worker_id: str
    host: str | None
    pid: int | None
    is_alive: bool
    sums: Sums
    since: datetime


@dataclass(frozen=True)
class DeadReason:
    """A reason why requests are dead, and their number."""

    problem: str
    requests: int


@dataclass(frozen=True)
class Call:
    """A row for the lake's `teacher_calls`."""

    row: Mapping[str, Any]
    updated_at: datetime

    @property
    def key(self) -> tuple[str, datetime]:
        """The key for `Ledger.mark_exported`: the request, and the time of the state that was exported."""
        return str(self.row["call_id"]), self.updated_at
