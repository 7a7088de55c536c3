"""Compare the ledger's batches with the provider's records: `drp ledger reconcile`.

Each batch that the provider lists with an id of ours is compared with the ledger, in answers and in tokens.
After the provider's list is read and before the comparison, batches that have ended are imported, as in a
night. A batch that ends after the list was read counts as pending.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import get_args

from openai.types import Batch as ProviderBatch
from rich.table import Table
from rich.text import Text

from drp.config import TeacherProfile
from drp.core import TerminalError
from drp.ledger import BatchState, BatchUsage, Usage, dollars
from drp.teacher.transport.batch.packing import BatchLimits
from drp.teacher.transport.batch.provider import TERMINAL, BatchProvider
from drp.teacher.transport.batch.request_queue import RequestQueue
from drp.teacher.transport.batch.scheduler import BatchScheduler
from drp.teacher.transport.credentials import api_key
from drp.teacher.transport.ledger_session import LedgerSession

_NOTHING = BatchUsage(0, Usage(0, 0, 0), None)


class BooksDifferError(TerminalError):
    """The provider has billed other answers or tokens than the ledger has."""

    def __init__(self, teacher: str, batches: int) -> None:
        super().__init__(
            f"teacher {teacher}: the ledger and the provider's records differ for {batches} batches",
            state="Batches that have ended are recorded in the ledger; the table above shows the differences",
            next_command="drp ledger show, then compare with the provider's page of these batches",
        )


@dataclass(frozen=True)
class Line:
    """One batch, as the provider billed it and as the ledger recorded it."""

    batch_id: str
    provider_batch_id: str
    status: str
    billed: BatchUsage
    """What the provider reports. It has no cost, and 0 tokens if the provider does not report them."""
    recorded: BatchUsage
    """What the ledger has."""
    is_known: bool
    """Whether the batch is in this ledger: another ledger may use the same account."""

    @property
    def differs(self) -> bool:
        """Whether answers or tokens differ, for a batch of this ledger that has ended."""
        if not self.is_known or self.status not in TERMINAL:
            return False
        if self.billed.answers != self.recorded.answers:
            return True
        has_tokens = self.billed.usage != _NOTHING.usage
        return has_tokens and self.billed.usage != self.recorded.usage


def reconcile(teacher: str, profile: TeacherProfile, session: LedgerSession, days: int) -> list[Line]:
    """Import batches that have ended, and compare the batches of the last `days`, newest first.

    Raises:
        TeacherRefusedError, TeacherUnavailableError: the provider does not list its batches.
    """
    provider, now = (
        BatchProvider(teacher, profile, api_key(teacher, profile.api_key_env, profile.base_url)),
        datetime.now(UTC),
    )
    listed = provider.listed(now - timedelta(days=days))
    with RequestQueue() as queue:
        scheduler = BatchScheduler(
            teacher, profile, session, provider, queue, since=now, limits=BatchLimits(None)
        )
        scheduler.poll_batches()
    known = session.ledger.batches(get_args(BatchState))
    planned = {batch.batch_id: batch.provider_batch_id for batch in known}
    recorded = session.ledger.answered([batch_id for batch_id, _ in listed])
    return [
        Line(
            batch_id,
            remote_batch.id,
            remote_batch.status,
            billed=_billed(remote_batch),
            # If a batch was created twice, the ledger's answers are from one of the two only.
            recorded=recorded.get(batch_id, _NOTHING)
            if planned.get(batch_id) == remote_batch.id
            else _NOTHING,
            is_known=batch_id in planned,
        )
        for batch_id, remote_batch in listed
    ]


def table(lines: Sequence[Line]) -> Table:
    """Return a table of the comparison, for the terminal."""
    columns = (
        "batch",
        "provider's id",
        "state",
        "answers billed",
        "recorded",
        "tokens billed",
        "recorded",
        "USD",
        "",
    )
    result = Table(*columns, title="batches, newest first", title_justify="left")
    for line in lines:
        verdict = "differs" if line.differs else "agrees" if line.status in TERMINAL else "pending"
        result.add_row(
            line.batch_id,
            Text(line.provider_batch_id),
            line.status,
            f"{line.billed.answers:,}",
            f"{line.recorded.answers:,}",
            _tokens(line.billed.usage),
            _tokens(line.recorded.usage),
            dollars(line.recorded.cost) if line.recorded.cost is not None else "",
            verdict if line.is_known else "another ledger's",
        )
    return result


def _tokens(usage: Usage) -> str:
    return f"{usage.prompt_tokens:,} + {usage.completion_tokens:,}"


def _billed(batch: ProviderBatch) -> BatchUsage:
    counts, usage = batch.request_counts, batch.usage
    tokens = _NOTHING.usage
    if usage is not None:
        tokens = Usage(usage.input_tokens, usage.input_tokens_details.cached_tokens, usage.output_tokens)
    return BatchUsage(counts.completed if counts else 0, tokens, None)
