"""Where bytes lie: an object store behind one small interface, a folder (folder.py) or S3 (s3.py).

Three promises, on which everything above rests: an object appears only when it is complete; `create` never
overwrites; `swap` replaces an object only if nobody else did meanwhile. A store that cannot keep the last two
says so (`is_conditional`), and then serves one writer at a time (drp/storage/writer_lease.py).
"""

import hashlib
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import BinaryIO, Protocol

from drp.core import TerminalError, TransientError

PIECE = 2**20
"""Bytes of a large object that are in memory at a time."""
COMPLETE = "What was written before is complete and stays; nothing is half-published"


class LakeUnwritableError(TerminalError):
    """The lake's root cannot be written: a full disk, or no permission."""

    def __init__(self, root: str, cause: str) -> None:
        super().__init__(
            f"cannot write to the lake at {root}: {cause}",
            state=COMPLETE,
            next_command=f"make {root} writable (or set DRP_LAKE), then run the same command again",
        )


class LakeRefusedError(TerminalError):
    """The store does not let us in: no keys, wrong keys, no such bucket."""

    def __init__(self, root: str, cause: str) -> None:
        super().__init__(
            f"the lake at {root} does not let us in: {cause}",
            state="Nothing was read or changed",
            next_command="check DRP_LAKE and the AWS_* variables or profile (aws sts get-caller-identity), "
            "then run the same command again",
        )


class LakeUnavailableError(TransientError):
    """The store does not answer, or asks us to slow down, and did so for all our attempts."""

    def __init__(self, root: str, cause: str) -> None:
        super().__init__(
            f"the lake at {root} does not answer: {cause}",
            state=COMPLETE,
            next_command="run the same command again: it goes on where this one stopped",
        )


@dataclass(frozen=True)
class StoredObject:
    """An object in a listing; `written_at` by the store's own clock."""

    key: str
    bytes: int
    written_at: datetime


@dataclass(frozen=True)
class Unfinished:
    """What a writer that died has left: no reader sees it, but it takes room."""

    name: str
    written_at: datetime
    discard: Callable[[], None]


class ObjectStore(Protocol):
    """Keys are relative paths with forward slashes."""

    @property
    def root(self) -> str:
        """Where the store lies, for messages."""

    @property
    def is_conditional(self) -> bool:
        """Whether `create` and `swap` hold against other writers."""

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

    def listed(self, prefix: str) -> Iterator[StoredObject]:
        """The complete objects below the folder `prefix` ("" for all), in order of their keys."""

    def delete(self, key: str) -> None:
        """Remove the object if it is there."""

    def writing(self, key: str) -> AbstractContextManager[BinaryIO]:
        """A stream whose object appears on a clean exit, and never on an error."""

    def pieces(self, key: str) -> Iterator[bytes] | None:
        """The object in pieces of at most PIECE bytes, where it is too large for `get`; None if not there."""

    def digest(self, key: str) -> str | None:
        """SHA-256 of the object, read in pieces; None if it is not there."""

    def unfinished(self) -> Iterator[Unfinished]:
        """Leftovers of writes, also of those that are still going on."""

    def now(self) -> datetime:
        """The time by the clock that stamps objects: ours may jump."""


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
