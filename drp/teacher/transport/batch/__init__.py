"""Send requests in a provider's batches: half the price, answered within a day."""

from drp.teacher.transport.batch.driver import BatchDriver
from drp.teacher.transport.batch.errors import BatchesPendingError, BatchGoneError, BatchRefusedError
from drp.teacher.transport.batch.polling import give_up, has_ended
from drp.teacher.transport.batch.reconcile import BooksDifferError, reconcile, table

__all__ = [
    "BatchDriver",
    "BatchGoneError",
    "BatchRefusedError",
    "BatchesPendingError",
    "BooksDifferError",
    "give_up",
    "has_ended",
    "reconcile",
    "table",
]
