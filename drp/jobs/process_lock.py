"""A lock that only one process of this machine can hold at a time."""

import fcntl
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from drp.jobs.errors import ScratchUnwritableError

_log = logging.getLogger(__name__)


@contextmanager
def process_lock(lock: Path) -> Iterator[int]:
    """Hold an exclusive, machine-wide lock for the block. Wait if another process holds it.

    Yields the file descriptor of the lock. A job that inherits the descriptor (the argument `holding` of
    `run_jobs`) holds the lock until it ends. So if this process is killed, the next attempt waits until that
    job has saved its work.

    Raises:
        ScratchUnwritableError: the lock file cannot be created.
    """
    try:
        lock.parent.mkdir(parents=True, exist_ok=True)
        opened = lock.open("w")
    except OSError as error:
        raise ScratchUnwritableError(
            f"the lock file {lock} cannot be written: {error}",
            state="Everything finished before this step is kept",
            next_command="make room on the disk of DRP_SCRATCH, then run the same command again",
        ) from error
    with opened as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            _log.info("waiting until the process that holds %s has ended", lock)
            fcntl.flock(file, fcntl.LOCK_EX)
        yield file.fileno()
