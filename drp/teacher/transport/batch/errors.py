"""What can go wrong with batches, beyond what can with any teacher (drp/teacher/transport/errors.py)."""

from collections.abc import Sequence
from datetime import datetime

from drp.core import TerminalError, TransientError
from drp.teacher.transport.errors import KEPT


class BatchRefusedError(TerminalError):
    """The provider does not take a batch, or its file, as it is."""

    def __init__(self, teacher: str, why: str) -> None:
        super().__init__(
            f"teacher {teacher}: the provider refuses the batch: {why}",
            state=f"{KEPT}; what was in this batch was neither answered nor billed",
            next_command="drp ledger show; an online teacher (DRP_TEACHER) asks the same without batches",
        )


class BatchGoneError(TerminalError):
    """The provider does not know a batch that it has created."""

    def __init__(self, teacher: str, batch_id: str) -> None:
        super().__init__(
            f"teacher {teacher}: the provider does not know batch {batch_id}: is the key of another account?",
            state=f"{KEPT}; what is in this batch is not sent again while it may come back",
            next_command="set the key that the batch was submitted with, then drp ledger reconcile",
        )


class BatchesPendingError(TransientError):
    """Not all answers are back, and nobody waits for them here: come back when a batch has ended."""

    def __init__(self, teacher: str, batch_ids: Sequence[str], requests: int, carry_at: datetime) -> None:
        super().__init__(
            f"teacher {teacher}: {requests} requests are still out, in {len(batch_ids)} batches",
            state=KEPT,
            next_command="the same command again, once a batch has ended",
        )
        self.teacher, self.batch_ids = teacher, tuple(batch_ids)
        """The provider's ids; none while it has no room for a batch."""
        self.carry_at = carry_at
        """When the next of them is left to another night."""
