"""An object store in a local folder. Files are linked or renamed into place when they are complete."""

import errno
import fcntl
import hashlib
import os
import stat
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import BinaryIO

from drp.storage.store import PIECE, LakeUnwritableError, StoredObject, Unfinished

_PARTIAL = ".partial-"
"""Prefix of files that are still being written. Readers and listings never see them."""

_DISK_ERRORS = {errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EFBIG, errno.EIO}


class FolderStore:
    """An object store in a local folder."""

    is_conditional = True

    def __init__(self, root: Path) -> None:
        self._root = root

    @property
    def root(self) -> str:
        """The path of the folder."""
        return str(self._root)

    def uri(self, key: str) -> str:
        """Return the path of an object."""
        return str(self._root / key)

    def get(self, key: str) -> bytes | None:
        """Return the object, or None."""
        try:
            return (self._root / key).read_bytes()
        except (FileNotFoundError, NotADirectoryError):
            return None

    def put(self, key: str, data: bytes) -> None:
        """Write the object, replacing any earlier one."""
        with self.writing(key) as stream:
            stream.write(data)

    def create(self, key: str, data: bytes) -> bool:
        """Write the object unless it exists. Return False if it does."""
        with self._partial(key) as (stream, path):
            stream.write(data)
            _sync(stream)
            try:
                os.link(path, self._root / key)  # unlike a rename, this fails if the name is taken
            except FileExistsError:
                return False
        return True

    def swap(self, key: str, data: bytes, expected: bytes | None) -> bool:
        """Replace `expected` by `data` under a lock. Return False if the object is not `expected`."""
        with self._locked(key):
            if self.get(key) != expected:
                return False
            self.put(key, data)
            return True

    def listed(self, prefix: str) -> Iterator[StoredObject]:
        """Yield the complete objects below the folder `prefix`, in order of their keys."""
        objects = []
        for path in (self._root / prefix).rglob("*"):
            if not path.name.startswith(".") and (status := _file_status(path)):
                written_at = datetime.fromtimestamp(status.st_mtime, UTC)
                key = path.relative_to(self._root).as_posix()
                objects.append(StoredObject(key, status.st_size, written_at))
        yield from sorted(objects, key=lambda stored: stored.key)

    def delete(self, key: str) -> None:
        """Remove the object if it exists."""
        (self._root / key).unlink(missing_ok=True)

    @contextmanager
    def writing(self, key: str) -> Iterator[BinaryIO]:
        """Open a stream. Its object appears on a clean exit, and never after an error."""
        with self._partial(key) as (stream, path):
            yield stream
            _sync(stream)
            path.replace(self._root / key)

    def pieces(self, key: str) -> Iterator[bytes] | None:
        """Return the object in pieces, or None if it does not exist."""
        try:
            return _pieces((self._root / key).open("rb"))
        except (FileNotFoundError, NotADirectoryError):
            return None

    def digest(self, key: str) -> str | None:
        """Return the SHA-256 of the object, or None if it does not exist."""
        try:
            with (self._root / key).open("rb") as stream:
                return hashlib.file_digest(stream, "sha256").hexdigest()
        except (FileNotFoundError, NotADirectoryError):
            return None

    def unfinished(self) -> Iterator[Unfinished]:
        """Yield the files of writes that did not end or are still in progress."""
        for path in sorted(self._root.rglob(f"{_PARTIAL}*")):
            if status := _file_status(path):
                written_at = datetime.fromtimestamp(status.st_mtime, UTC)
                discard = partial(path.unlink, missing_ok=True)
                yield Unfinished(path.relative_to(self._root).as_posix(), written_at, discard)

    def now(self) -> datetime:
        """Return the time of the file system."""
        with self._partial("now") as (stream, _):
            return datetime.fromtimestamp(os.fstat(stream.fileno()).st_mtime, UTC)

    @contextmanager
    def _partial(self, key: str) -> Iterator[tuple[BinaryIO, Path]]:
        target = self._root / key
        partial = target.with_name(f"{_PARTIAL}{uuid.uuid4().hex}")
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            stream = partial.open("wb")
        except OSError as error:
            raise LakeUnwritableError(self.root, error.strerror or str(error)) from error
        try:
            with stream:
                yield stream, partial
        except OSError as error:
            if error.errno not in _DISK_ERRORS:  # an unrelated error of the caller
                raise
            raise LakeUnwritableError(self.root, error.strerror or str(error)) from error
        finally:
            partial.unlink(missing_ok=True)

    @contextmanager
    def _locked(self, key: str) -> Iterator[None]:
        lock = self._root / f"{key}.lock"
        lock = lock.with_name(f".{lock.name}")
        try:
            lock.parent.mkdir(parents=True, exist_ok=True)
            stream = lock.open("w")
        except OSError as error:
            raise LakeUnwritableError(self.root, error.strerror or str(error)) from error
        with stream:
            fcntl.flock(stream, fcntl.LOCK_EX)
            yield


def _file_status(path: Path) -> os.stat_result | None:
    """Return the size and times of a file; None if it was removed meanwhile or is not a regular file."""
    try:
        status = path.stat()
    except FileNotFoundError:
        return None
    return status if stat.S_ISREG(status.st_mode) else None


def _pieces(stream: BinaryIO) -> Iterator[bytes]:
    with stream:
        while piece := stream.read(PIECE):
            yield piece


def _sync(stream: BinaryIO) -> None:
    stream.flush()
    os.fsync(stream.fileno())
