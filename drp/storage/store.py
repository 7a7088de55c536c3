"""The interface of object stores. A store is a folder (folder.py) or S3 (s3.py).

The rest of DRP relies on three guarantees. An object appears only when it is complete. `create` never
overwrites. `swap` replaces an object only if no other writer has done so meanwhile. A store without the last
two guarantees has `is_conditional` False and serves one writer at a time (drp/storage/writer_lease.py).
"""

import hashlib
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import BinaryIO, Protocol

from drp.core import TerminalError, TransientError

PIECE = 2**20
"""The number of bytes of a large object that are in memory at a time."""
COMPLETE = "Everything written before is complete and is kept; nothing is half-published"


class LakeUnwritableError(TerminalError):
    """The lake cannot be written to: the disk is full, or permission is missing."""

    def __init__(self, root: str, cause: str) -> None:
        super().__init__(
            f"cannot write to the lake at {root}: {cause}",
            state=COMPLETE,
            next_command=f"make {root} writable (or set DRP_LAKE), then run the same command again",
        )


class LakeRefusedError(TerminalError):
    """The store denies access: there are no keys, they are wrong, or the bucket does not exist."""

    def __init__(self, root: str, cause: str) -> None:
        super().__init__(
            f"the lake at {root} denies access: {cause}",
            state="Nothing was read or changed",
            next_command="check DRP_LAKE and the AWS_* variables or profile (aws sts get-caller-identity), "
            "then run the same command again",
        )


class LakeUnavailableError(TransientError):
    """The store did not answer, or asked to slow down, at every attempt."""

    def __init__(self, root: str, cause: str) -> None:
        super().__init__(
            f"the lake at {root} does not answer: {cause}",
            state=COMPLETE,
            next_command="run the same command again: it continues where this one stopped",
        )


@dataclass(frozen=True)
class StoredObject:
    """An object in a listing; `written_at` is a time of the store's clock."""

    key: str
    bytes: int
    written_at: datetime


@dataclass(frozen=True)
class Unfinished:
    """A leftover of a writer that did not finish. Readers do not see it, but it takes up space."""

    name: str
    written_at: datetime
    discard: Callable[[], None]


class ObjectStore(Protocol):
    """An object store. Keys are relative paths with forward slashes."""

    @property
    def root(self) -> str:
        """Address of the store, for messages."""

    @property
    def is_conditional(self) -> bool:
        """Whether `create` and `swap` are atomic against other writers."""

    def uri(self, key: str) -> str:
        """Return the address of an object for readers such as DuckDB."""

    def get(self, key: str) -> bytes | None:
        """Return the object, or None."""

    def put(self, key: str, data: bytes) -> None:
        """Write the object, replacing any earlier one."""

    def create(self, key: str, data: bytes) -> bool:
        """Write the object unless it exists. Return False if it does."""

    def swap(self, key: str, data: bytes, expected: bytes | None) -> bool:
        """Replace `expected` (None: no object) by `data`. Return False if the object is not `expected`."""

    def listed(self, prefix: str) -> Iterator[StoredObject]:
        """Yield the complete objects below the folder `prefix` ("" for all), in order of their keys."""

    def delete(self, key: str) -> None:
        """Remove the object if it exists."""

    def writing(self, key: str) -> AbstractContextManager[BinaryIO]:
        """Open a stream. Its object appears on a clean exit, and never after an error."""

    def pieces(self, key: str) -> Iterator[bytes] | None:
        """Return the object in pieces of at most PIECE bytes, for large ones. None if it does not exist."""

    def digest(self, key: str) -> str | None:
        """Return the SHA-256 of the object, read in pieces, or None if it does not exist."""

    def unfinished(self) -> Iterator[Unfinished]:
        """Yield the leftovers of writes, including writes that are still in progress."""

    def now(self) -> datetime:
        """Return the time of the clock that stamps objects, because the local clock may jump."""


class Sha256Stream:
    """A stream that hashes what it writes, so that a part need not be read again for its digest."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._digest = hashlib.sha256()
        self.bytes = 0

    def write(self, data: bytes) -> int:
        """Write the bytes and add them to the digest."""
        self._digest.update(data)
        self.bytes += len(data)
        return self._stream.write(data)

    def hexdigest(self) -> str:
        """Return the digest of everything written so far."""
        return self._digest.hexdigest()

    def flush(self) -> None:
        """Flush the underlying stream."""
        self._stream.flush()

    def tell(self) -> int:
        """Return the number of bytes written so far."""
        return self.bytes

    @property
    def closed(self) -> bool:
        """Whether the underlying stream is closed."""
        return self._stream.closed
