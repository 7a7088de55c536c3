"""Errors with batches, in addition to those with any teacher (drp/teacher/transport/errors.py)."""

from collections.abc import Sequence
from datetime import datetime

from drp.core import TerminalError, TransientError
from drp.teacher.transport.errors import KEPT


class BatchRefusedError(TerminalError):
    """The provider rejects a batch or its file."""

    def __init__(self, teacher: str, why: str) -> None:
        super().__init__(
            f"teacher {teacher}: the provider rejects the batch: {why}",
            state=f"{KEPT}; the requests of this batch were neither answered nor billed",
            next_command="drp ledger show; an online teacher (DRP_TEACHER) sends the same requests without "
            "batches",
        )


class BatchGoneError(TerminalError):
    """The provider does not know a batch that it created."""

    def __init__(self, teacher: str, batch_id: str) -> None:
        super().__init__(
            f"teacher {teacher}: the provider does not know batch {batch_id}; the API key may belong to "
            "another account",
            state=f"{KEPT}; the requests of this batch are not sent again while it may still be answered",
            next_command="set the API key that the batch was submitted with, then drp ledger reconcile",
        )


class BatchesPendingError(TransientError):
    """Some answers are pending and this task does not wait for them: run it again when a batch has ended."""

    def __init__(self, teacher: str, batch_ids: Sequence[str], requests: int, carry_at: datetime) -> None:
        super().__init__(
            f"teacher {teacher}: {requests} requests are pending, in {len(batch_ids)} batches",
            state=KEPT,
            next_command="the same command again, once a batch has ended",
        )
        self.teacher, self.batch_ids = teacher, tuple(batch_ids)
        """The provider's ids; empty while the provider has no room for a batch."""
        self.carry_at = carry_at
        """When the next request is carried over to another night."""
