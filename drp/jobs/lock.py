"""A lock that one process of this machine holds at a time."""

import fcntl
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from drp.jobs.errors import ScratchUnwritableError

_log = logging.getLogger(__name__)


@contextmanager
def process_lock(lock: Path) -> Iterator[int]:
    """Hold an exclusive lock on this machine for the block; wait for the process that holds it now.

    Yields the file descriptor of the lock. A job that inherits it (`run_jobs`, `holding`) holds the lock
    until it ends: when this process is killed, the next attempt waits until that job has saved its work.

    Raises:
        ScratchUnwritableError: the lock cannot be made.
    """
    try:
        lock.parent.mkdir(parents=True, exist_ok=True)
        opened = lock.open("w")
    except OSError as error:
        raise ScratchUnwritableError(
            f"{lock} cannot be written: {error}",
            state="What was done before it is kept",
            next_command="make room where DRP_SCRATCH lies, then run the same command again",
        ) from error
    with opened as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            _log.info("waiting until the process that holds %s ends", lock)
            fcntl.flock(file, fcntl.LOCK_EX)
        yield file.fileno()
