"""The ledger's batches against the provider's: behind `drp ledger reconcile`.

Each batch that the provider lists under a key of ours is compared with what the ledger has of it, in answers
and in tokens. Between the two all that has ended is landed, as a night would: what ends after the provider
was asked is still out.
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
    """The provider has billed for something else than what the ledger has."""

    def __init__(self, teacher: str, batches: int) -> None:
        super().__init__(
            f"teacher {teacher}: the books of {batches} batches differ from the provider's",
            state="Nothing was changed but what the table above says; no answer is lost that is not listed",
            next_command="drp ledger show, and the provider's own page of these batches",
        )


@dataclass(frozen=True)
class Line:
    """One batch in both books."""

    batch_id: str
    provider_batch_id: str
    status: str
    theirs: BatchUsage
    """Without a cost; 0 tokens where the provider does not tell."""
    ours: BatchUsage
    is_known: bool
    """Whether this ledger planned it: another ledger may use the same account."""

    @property
    def differs(self) -> bool:
        """Whether an ended batch of this ledger has other answers, or tokens, there than here."""
        if not self.is_known or self.status not in TERMINAL:
            return False
        told = self.theirs.usage != _NOTHING.usage
        return self.theirs.answers != self.ours.answers or (told and self.theirs.usage != self.ours.usage)


def reconcile(teacher: str, profile: TeacherProfile, books: LedgerSession, days: int) -> list[Line]:
    """Land what has ended, and compare the batches of the last `days`, the newest first.

    Raises:
        TeacherRefusedError, TeacherUnavailableError: the provider does not show its books.
    """
    provider, now = BatchProvider(teacher, profile, api_key(teacher, profile)), datetime.now(UTC)
    listed = provider.listed(now - timedelta(days=days))
    with RequestQueue() as spool:
        BatchScheduler(teacher, profile, books, provider, spool, since=now, limits=BatchLimits(None)).settle()
    known = books.ledger.batches(get_args(BatchState))
    planned = {batch.batch_id: batch.provider_batch_id for batch in known}
    answered = books.ledger.answered([batch_id for batch_id, _ in listed])
    return [
        Line(
            batch_id,
            theirs.id,
            theirs.status,
            theirs=_billed(theirs),
            # One that was created twice has its answers from one of the two.
            ours=answered.get(batch_id, _NOTHING) if planned.get(batch_id) == theirs.id else _NOTHING,
            is_known=batch_id in planned,
        )
        for batch_id, theirs in listed
    ]


def table(lines: Sequence[Line]) -> Table:
    """For the terminal."""
    columns = ("batch", "provider's", "state", "answers there", "here", "tokens there", "here", "USD", "")
    shown = Table(*columns, title="batches, the newest first", title_justify="left")
    for line in lines:
        verdict = "differs" if line.differs else "agrees" if line.status in TERMINAL else "still out"
        shown.add_row(
            *(line.batch_id, Text(line.provider_batch_id), line.status),
            *(f"{line.theirs.answers:,}", f"{line.ours.answers:,}"),
            *(_tokens(line.theirs.usage), _tokens(line.ours.usage)),
            dollars(line.ours.cost) if line.ours.cost is not None else "",
            verdict if line.is_known else "another ledger's",
        )
    return shown


def _tokens(usage: Usage) -> str:
    return f"{usage.prompt_tokens:,} + {usage.completion_tokens:,}"


def _billed(batch: ProviderBatch) -> BatchUsage:
    counts, usage = batch.request_counts, batch.usage
    tokens = _NOTHING.usage
    if usage is not None:
        tokens = Usage(usage.input_tokens, usage.input_tokens_details.cached_tokens, usage.output_tokens)
    return BatchUsage(counts.completed if counts else 0, tokens, None)
