"""Where bytes lie: an object store behind one small interface, here a folder.

Three promises, on which everything above rests: an object appears only when it is complete; `create` never
overwrites; `swap` replaces an object only if nobody else did meanwhile.
"""

import errno
import fcntl
import hashlib
import os
import uuid
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import BinaryIO, Protocol

from drp.errors import TerminalError

_PARTIAL = ".partial-"
"""Prefix of files that are still being written; readers and listings never see them."""


_DISK_FAULTS = {errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EFBIG, errno.EIO}


class LakeUnwritableError(TerminalError):
    """The lake's root cannot be written."""

    def __init__(self, root: str, cause: OSError) -> None:
        super().__init__(
            f"cannot write to the lake at {root}: {cause.strerror or cause}",
            state="What was written before is complete and stays; nothing is half-published",
            next_command=f"make {root} writable (or set DRP_LAKE), then run the same command again",
        )


class ObjectStore(Protocol):
    """Keys are relative paths with forward slashes."""

    @property
    def root(self) -> str:
        """Where the store lies, for messages."""

    def uri(self, key: str) -> str:
        """Address of an object for readers such as DuckDB."""

    def get(self, key: str) -> bytes | None:
        """The object, or None."""

    def put(self, key: str, data: bytes) -> None:
        """Write the object, replacing what was there."""

    def create(self, key: str, data: bytes) -> bool:
        """Write the object unless it exists; False if it does."""

    def swap(self, key: str, data: bytes, expected: bytes | None) -> bool:
        """Replace `expected` (None: no object) by `data`; False if something else is there."""

    def keys(self, prefix: str) -> Iterator[str]:
        """Keys of the complete objects below the folder `prefix`, sorted."""

    def delete(self, key: str) -> None:
        """Remove the object if it is there."""

    def writing(self, key: str) -> AbstractContextManager[BinaryIO]:
        """A stream whose object appears on a clean exit, and never on an error."""


class FolderStore:
    """An object store in a local folder."""

    def __init__(self, root: Path) -> None:
        self._root = root

    @property
    def root(self) -> str:
        """The folder."""
        return str(self._root)

    def uri(self, key: str) -> str:
        """Absolute path of an object."""
        return str(self._root / key)

    def get(self, key: str) -> bytes | None:
        """The object, or None."""
        try:
            return (self._root / key).read_bytes()
        except (FileNotFoundError, NotADirectoryError):
            return None

    def put(self, key: str, data: bytes) -> None:
        """Write the object, replacing what was there."""
        with self.writing(key) as stream:
            stream.write(data)

    def create(self, key: str, data: bytes) -> bool:
        """Write the object unless it exists; False if it does."""
        with self._partial(key) as (stream, partial):
            stream.write(data)
            _sync(stream)
            try:
                os.link(partial, self._root / key)  # unlike a rename, fails if the name is taken
            except FileExistsError:
                return False
        return True

    def swap(self, key: str, data: bytes, expected: bytes | None) -> bool:
        """Replace `expected` by `data` under a lock; False if something else is there."""
        with self._locked(key):
            if self.get(key) != expected:
                return False
            self.put(key, data)
            return True

    def keys(self, prefix: str) -> Iterator[str]:
        """Keys of the complete objects below the folder `prefix`, sorted."""
        found = (path for path in (self._root / prefix).rglob("*") if path.is_file())
        names = (path.relative_to(self._root) for path in found if not path.name.startswith("."))
        yield from sorted(name.as_posix() for name in names)

    def delete(self, key: str) -> None:
        """Remove the object if it is there."""
        (self._root / key).unlink(missing_ok=True)

    @contextmanager
    def writing(self, key: str) -> Iterator[BinaryIO]:
        """A stream whose object appears on a clean exit, and never on an error."""
        with self._partial(key) as (stream, partial):
            yield stream
            _sync(stream)
            partial.replace(self._root / key)

    @contextmanager
    def _partial(self, key: str) -> Iterator[tuple[BinaryIO, Path]]:
        target = self._root / key
        partial = target.with_name(f"{_PARTIAL}{uuid.uuid4().hex}")
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            stream = partial.open("wb")
        except OSError as error:
            raise LakeUnwritableError(self.root, error) from error
        try:
            with stream:
                yield stream, partial
        except OSError as error:
            if error.errno not in _DISK_FAULTS:  # somebody else's error on its way through
                raise
            raise LakeUnwritableError(self.root, error) from error
        finally:
            partial.unlink(missing_ok=True)

    @contextmanager
    def _locked(self, key: str) -> Iterator[None]:
        lock = self._root / f"{key}.lock"
        lock = lock.with_name(f".{lock.name}")
        try:
            lock.parent.mkdir(parents=True, exist_ok=True)
            with lock.open("w") as stream:
                fcntl.flock(stream, fcntl.LOCK_EX)
                yield
        except PermissionError as error:
            raise LakeUnwritableError(self.root, error) from error


class Sha256Stream:
    """Passes writes on and digests them, so that a part is hashed without being read again."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._digest = hashlib.sha256()
        self.bytes = 0

    def write(self, data: bytes) -> int:
        """Write and digest."""
        self._digest.update(data)
        self.bytes += len(data)
        return self._stream.write(data)

    def hexdigest(self) -> str:
        """The digest of all that was written."""
        return self._digest.hexdigest()

    def flush(self) -> None:
        """Flush the stream below."""
        self._stream.flush()

    def tell(self) -> int:
        """Bytes written so far."""
        return self.bytes

    @property
    def closed(self) -> bool:
        """As the stream below."""
        return self._stream.closed


def _sync(stream: BinaryIO) -> None:
    stream.flush()
    os.fsync(stream.fileno())
