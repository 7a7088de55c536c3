"""What goes into the ledger and what comes out. Money is `Decimal` USD, times are UTC."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

from drp.ledger.completions import Completion, TeacherRequest, Usage
from drp.ledger.errors import BudgetExhaustedError
from drp.ledger.tables import BatchState, RequestState


@dataclass(frozen=True)
class PricedRequest:
    """A request that is to be sent, and what that is expected to cost."""

    request: TeacherRequest
    estimated: Decimal


@dataclass(frozen=True)
class Attempt:
    """A sending of a request that the ledger knows of: who has this may send it, once."""

    attempt_id: str
    request_id: str
    number: int
    """From 1, over all runs and workers."""
    batch_id: str | None
    estimated: Decimal


@dataclass(frozen=True)
class LedgerEntry:
    """What the ledger knows of a request."""

    request_id: str
    state: RequestState
    attempts: int
    answer: Completion | None
    """There if landed. Its text is None once exported: then it is in the lake's `teacher_calls`."""
    cost: Decimal | None
    """Of the answer; None if unknown."""
    problem: str | None
    batch_id: str | None
    """Our key of the batch that it is in now."""
    exported_in: str | None
    """The run that exported it."""


@dataclass(frozen=True)
class Claim:
    """What became of requests that were wanted."""

    mine: list[Attempt] = field(default_factory=list)
    """To be sent by whoever claimed them, and by nobody else."""
    landed: list[LedgerEntry] = field(default_factory=list)
    dead: list[LedgerEntry] = field(default_factory=list)
    others: list[LedgerEntry] = field(default_factory=list)
    """In flight already: with another worker, or in a batch."""
    over_budget: list[str] = field(default_factory=list)
    """Request ids for which there is no money."""
    exhausted: BudgetExhaustedError | None = None
    """There when `over_budget` has any: to be raised once what is in flight has landed."""


@dataclass(frozen=True)
class CompletedAttempt:
    """An answer that arrived, and what it cost (None: unknown)."""

    attempt: Attempt
    answer: Completion
    cost: Decimal | None


@dataclass(frozen=True)
class FailedAttempt:
    """An attempt without an answer. `cost` is 0 where the provider bills nothing, None if unknown."""

    attempt: Attempt
    error: str
    may_retry: bool
    cost: Decimal | None


@dataclass(frozen=True)
class ProviderBatch:
    """A batch; `batch_id` is ours and goes to the provider in its metadata."""

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
    """Whoever planned it is gone: before it is submitted, nobody else may go on with it."""


@dataclass(frozen=True)
class BatchUsage:
    """The answers of one batch."""

    answers: int
    usage: Usage
    cost: Decimal | None
    """USD; None where no answer says its tokens."""


@dataclass(frozen=True)
class Spent:
    """The money of one run, in USD."""

    known: Decimal
    """What its attempts are known to have cost."""
    reserved: Decimal
    """Estimates of those whose cost is not known: in flight, lost, or not told."""

    @property
    def total(self) -> Decimal:
        """What counts against the cap."""
        return self.known + self.reserved


@dataclass(frozen=True)
class Sums:
    """Attempts of one kind, and the sum of their estimates in USD."""

    attempts: int
    estimated: Decimal


@dataclass(frozen=True)
class Total:
    """The books of one run, stage, model and backend."""

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
    """Attempts whose cost is known (0 too)."""
    known: Decimal
    """What these cost, in USD."""
    in_flight: Sums
    lost: Sums
    unknown: Sums
    """Ended, and nobody knows what they cost."""


@dataclass(frozen=True)
class InFlight:
    """What one worker has in flight online."""

    worker_id: str
    host: str | None
    pid: int | None
    is_alive: bool
    sums: Sums
    since: datetime


@dataclass(frozen=True)
class DeadReason:
    """Why requests are dead, and how many."""

    problem: str
    requests: int


@dataclass(frozen=True)
class Call:
    """A row for the lake's `teacher_calls`."""

    row: Mapping[str, Any]
    updated_at: datetime

    @property
    def key(self) -> tuple[str, datetime]:
        """What `Ledger.mark_exported` wants: the request, and the state of it that was exported."""
        return str(self.row["call_id"]), self.updated_at
