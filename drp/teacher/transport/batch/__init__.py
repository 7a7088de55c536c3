"""A teacher that is asked in batches: half the price, back within a day."""

from drp.teacher.transport.batch.driver import BatchDriver
from drp.teacher.transport.batch.errors import StillOutError

__all__ = ["BatchDriver", "StillOutError"]
