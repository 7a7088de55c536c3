"""Files that are there whole or not at all, and their digests. Needs no torch."""

import hashlib
import os
from pathlib import Path

from pydantic import BaseModel, ConfigDict


class FileDigest(BaseModel):
    """A file of a checkpoint."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    bytes: int
    sha256: str


def files_in(folder: Path, below: str = "") -> dict[str, FileDigest]:
    """The files in `folder/below` by their path in `folder`, sorted."""
    paths = sorted(path for path in (folder / below).rglob("*") if path.is_file())
    return {
        path.relative_to(folder).as_posix(): FileDigest(bytes=path.stat().st_size, sha256=file_digest(path))
        for path in paths
    }


def file_digest(path: Path) -> str:
    """SHA-256 of a file, hex."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def replace(path: Path, text: str) -> None:
    """Write a file that is there whole or not at all, also after a power cut."""
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
    """SHA-256 over the names and contents of all files in a folder and its folders but `without`."""
    digest = hashlib.sha256()
    for name, file in files_in(folder).items():
        if name != without:
            digest.update(f"{name}\0{file.sha256}\n".encode())
    return digest.hexdigest()
