"""Open files that may be compressed: gzip, Zstandard, bzip2 and xz, told by their suffix."""

import bz2
import gzip
import io
import lzma
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, cast

import pyarrow as pa

from drp.core import BadInputError


def _zstandard(path: Path) -> BinaryIO:
    # pyarrow reads Zstandard, which Python has from 3.14 on.
    stream = pa.CompressedInputStream(pa.OSFile(str(path)), "zstd")
    return io.BufferedReader(cast("io.RawIOBase", stream), 1 << 20)


_OPENERS: Mapping[str, Callable[[Path], BinaryIO]] = {
    ".gz": lambda path: cast("BinaryIO", gzip.GzipFile(path)),
    ".zst": _zstandard,
    ".bz2": lambda path: cast("BinaryIO", bz2.BZ2File(path)),
    ".xz": lambda path: cast("BinaryIO", lzma.LZMAFile(path)),  # noqa: SIM115 - `opened` closes it
}
COMPRESSED = frozenset(_OPENERS)


@contextmanager
def opened(path: Path) -> Iterator[BinaryIO]:
    """Open a file for reading, decompressed.

    Raises:
        BadInputError: it is not compressed as its suffix says, or it is cut.
    """
    opener = _OPENERS.get(path.suffix.lower())
    if opener is None:
        with path.open("rb") as file:
            yield file
        return
    try:
        with opener(path) as file:
            yield file
    except (OSError, EOFError, zlib.error, lzma.LZMAError, pa.ArrowInvalid) as error:
        raise BadInputError(
            f"{path.name} cannot be decompressed: {error}",
            state="Nothing was imported",
            next_command=f"check it with: ls -l {path}",
        ) from error
