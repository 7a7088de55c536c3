"""Atomic writes and file digests. Needs no torch."""

import hashlib
import os
from pathlib import Path

from pydantic import BaseModel, ConfigDict


class FileDigest(BaseModel):
    """Size and SHA-256 of a file in a checkpoint."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    bytes: int
    sha256: str


def files_in(folder: Path, below: str = "") -> dict[str, FileDigest]:
    """Return the files below `folder/below`, keyed by their path relative to `folder`, sorted."""
    paths = sorted(path for path in (folder / below).rglob("*") if path.is_file())
    return {
        path.relative_to(folder).as_posix(): FileDigest(bytes=path.stat().st_size, sha256=file_digest(path))
        for path in paths
    }


def file_digest(path: Path) -> str:
    """Return the SHA-256 of a file, in hex."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def write_atomically(path: Path, text: str) -> None:
    """Write a text file atomically: after a crash or power loss it is either complete or unchanged."""
    partial = path.with_name(f".partial-{path.name}")
    try:
        with partial.open("w", encoding="utf-8") as stream:
            stream.write(text)
            stream.flush()
            os.fsync(stream.fileno())
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def folder_digest(folder: Path, without: str = "") -> str:
    """Return the SHA-256 over names and contents of all files below `folder`, except the file `without`."""
    digest = hashlib.sha256()
    for name, file in files_in(folder).items():
        if name != without:
            digest.update(f"{name}\0{file.sha256}\n".encode())
    return digest.hexdigest()
