"""The ledger of requests to teachers and their cost. A request is stored before it is sent, and paid once."""

from drp.ledger.batches import OUT
from drp.ledger.completion_cost import Tariff
from drp.ledger.completions import (
    CARRIED,
    NO_ROOM,
    Completion,
    RequestStage,
    TeacherReply,
    TeacherRequest,
    Usage,
)
from drp.ledger.database_tables import BatchState
from drp.ledger.errors import BudgetExhaustedError, dollars
from drp.ledger.ledger import Ledger, open_ledger
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
    Sums,
    Total,
)
from drp.ledger.worker_heartbeats import Worker

__all__ = [
    "CARRIED",
    "NO_ROOM",
    "OUT",
    "Attempt",
    "BatchState",
    "BatchUsage",
    "BudgetExhaustedError",
    "Call",
    "Claim",
    "CompletedAttempt",
    "Completion",
    "DeadReason",
    "FailedAttempt",
    "InFlight",
    "Ledger",
    "LedgerEntry",
    "PricedRequest",
    "ProviderBatch",
    "RequestStage",
    "Sums",
    "Tariff",
    "TeacherReply",
    "TeacherRequest",
    "Total",
    "Usage",
    "Worker",
    "dollars",
    "open_ledger",
]
