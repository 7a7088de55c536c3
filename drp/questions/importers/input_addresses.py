"""The files behind an address: one file, a folder or glob of shards, `s3://` objects, or `-`, standard input.

    with open_input("s3://bucket/traces/*.jsonl.gz") as source: ...

What is not a local file is copied to a temporary folder first (`TMPDIR`), because an import reads its input
twice: the first rows for the guess of its columns, then all of them.
"""

import re
import shlex
import shutil
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TypeAlias

from drp.core import BadInputError
from drp.questions.importers.compression import COMPRESSED, opened
from drp.storage import LakeRefusedError, open_store

Address: TypeAlias = str | Path
STDIN = "-"
SUFFIXES = (".parquet", ".pq", ".arrow", ".jsonl", ".ndjson", ".json", ".csv")
"""Kinds of files that can be read; each may be compressed (`COMPRESSED`), as `.jsonl.gz`."""

_S3 = "s3://"
_WILDCARD = re.compile(r"[*?\[]")
_SPLIT = re.compile(r"(train|validation|valid|dev|test)[-_.]\d+[-_]of[-_]\d+")
_DESCRIPTIONS = frozenset(
    {"dataset_info.json", "dataset_infos.json", "state.json", "config.json", "meta.json"}
)
_MAGIC = ((b"PAR1", ".parquet"), (b"\x1f\x8b", ".gz"), (b"\x28\xb5\x2f\xfd", ".zst"))


@dataclass(frozen=True)
class Shard:
    """A file of an input. `name` is empty if it is the only one."""

    path: Path
    name: str = ""

    @property
    def split(self) -> str:
        """The split that a name such as train-00000-of-00002.parquet tells."""
        return match[1] if (match := _SPLIT.match(self.path.name)) else ""


@dataclass(frozen=True)
class ImportInput:
    """What an import reads.

    Attributes:
        address: as it was given, for messages.
        name: the source of its rows: the name of the file, or of the folder of its shards.
        shards: local files, or a folder written by `datasets.save_to_disk`.
        given: the addresses that were given, if they are several.
    """

    address: str
    name: str
    shards: Sequence[Shard]
    _temporary: tempfile.TemporaryDirectory[str] | None = field(default=None, repr=False)
    given: Sequence[str] = ()

    @property
    def words(self) -> str:
        """What was given, in the words of the shell."""
        return shlex.join(self.given or (self.address,))

    @property
    def stem(self) -> str:
        """The name without the suffixes of its kind and compression: the default name of the data set."""
        stem = Path(self.name)
        if stem.suffix.lower() in COMPRESSED:
            stem = stem.with_suffix("")
        return stem.stem if stem.suffix.lower() in SUFFIXES else stem.name

    def files(self) -> Iterator[Path]:
        """Yield all files, in order."""
        for shard in self.shards:
            yield from sorted(file for file in (shard.path, *shard.path.rglob("*")) if file.is_file())

    def __enter__(self) -> "ImportInput":
        return self

    def __exit__(self, *_: object) -> None:
        if self._temporary:
            self._temporary.cleanup()


def absolute(address: str, base: Path) -> str:
    """Return an address that counts from `base` as one that does not depend on the current folder."""
    return address if address == STDIN or address.startswith(_S3) else str(base / address)


def open_input(*addresses: Address) -> ImportInput:
    """Find the files behind addresses; several addresses are the shards of one input.

    Raises:
        BadInputError: there is no such file, or the files are of several kinds.
    """
    if len(addresses) == 1:
        return _open(str(addresses[0]))
    paths = [Path(address) for address in addresses]
    for address, path in zip(addresses, paths, strict=True):
        if str(address).startswith(_S3) or not path.is_file():
            raise unusable(str(address), f"{address} is not a file; shards are files, or one folder or glob")
    given = tuple(map(str, addresses))
    found = _shards(" ".join(given), paths[0].resolve().parent.name, [(path.name, path) for path in paths])
    return replace(found, given=given)


def _open(address: str) -> ImportInput:
    if address == STDIN:
        return _from_standard_input()
    if address.startswith(_S3):
        return _from_s3(address)
    path = Path(address)
    if not path.exists() and _WILDCARD.search(address):
        folder = Path(f"{_WILDCARD.split(address)[0]}x").parent
        pattern = str(path.relative_to(folder))
        found = {file.relative_to(folder): file for file in folder.glob(pattern) if file.is_file()}
        shards = [(str(label), file) for label, file in sorted(found.items()) if not _is_hidden(label)]
        return _shards(address, folder.resolve().name, shards)
    if path.is_dir() and not ((path / "state.json").is_file() or (path / "dataset_dict.json").is_file()):
        files = [file for file in sorted(path.rglob("*")) if _is_shard(file.relative_to(path))]
        name = path.name or path.resolve().name
        return _shards(address, name, [(str(file.relative_to(path)), file) for file in files])
    return _single(ImportInput(address, path.name or path.resolve().name, (Shard(path),)))


def _single(source: ImportInput) -> ImportInput:
    """Unpack a file whose kind needs one that is not compressed."""
    path = source.shards[0].path
    if path.suffix.lower() in COMPRESSED and _kind(path) in (".parquet", ".pq", ".arrow") and path.is_file():
        temporary = tempfile.TemporaryDirectory(prefix="drp-import-")
        unpacked = Path(temporary.name) / path.with_suffix("").name
        with opened(path) as stream, unpacked.open("wb") as out:
            shutil.copyfileobj(stream, out)
        return ImportInput(source.address, source.name, (Shard(unpacked),), temporary)
    return source


def _kind(path: Path) -> str:
    """Return the suffix that tells the kind of a file, without that of its compression."""
    name = path.with_suffix("") if path.suffix.lower() in COMPRESSED else path
    return name.suffix.lower()


def _is_shard(path: Path) -> bool:
    return not _is_hidden(path) and path.name not in _DESCRIPTIONS and _kind(path) in SUFFIXES


def _is_hidden(path: Path) -> bool:
    return any(part.startswith((".", "_")) for part in path.parts)


def _shards(
    address: str,
    name: str,
    files: Sequence[tuple[str, Path]],
    temporary: tempfile.TemporaryDirectory[str] | None = None,
) -> ImportInput:
    if not files:
        datasets = ", and it was not written by datasets.save_to_disk" if Path(address).is_dir() else ""
        raise unusable(
            address, f"no file at {address} can be imported (supported: {', '.join(SUFFIXES)}){datasets}"
        )
    kinds = sorted({_kind(path) for _, path in files})
    if len(kinds) > 1:
        folder = address.rstrip("/") if Path(address).is_dir() else "FOLDER"
        raise BadInputError(
            f"the files at {address} are of several kinds: {', '.join(kinds)}",
            state="Nothing was imported",
            next_command=f"import one kind at a time, as a quoted glob: '{folder}/**/*{kinds[-1]}'",
        )
    shards = [Shard(path, label if len(files) > 1 else "") for label, path in files]
    return ImportInput(address, name, shards, temporary)


def _from_standard_input() -> ImportInput:
    temporary = tempfile.TemporaryDirectory(prefix="drp-import-")
    raw = Path(temporary.name) / "stdin"
    with raw.open("wb") as out:
        shutil.copyfileobj(sys.stdin.buffer, out)
    suffix = _told_by_content(raw)
    if suffix in COMPRESSED:
        packed = raw.rename(raw.with_name(f"packed{suffix}"))
        with opened(packed) as stream, raw.open("wb") as out:
            shutil.copyfileobj(stream, out)
        suffix = _told_by_content(raw)
    path = raw.rename(raw.with_suffix(suffix))
    return ImportInput(STDIN, raw.name, (Shard(path),), temporary)


def _told_by_content(path: Path) -> str:
    with path.open("rb") as file:
        head = file.read(64)
    for magic, suffix in _MAGIC:
        if head.startswith(magic):
            return suffix
    return ".jsonl" if head.removeprefix(b"\xef\xbb\xbf").lstrip()[:1] in (b"{", b"[", b"") else ".csv"


def _from_s3(address: str) -> ImportInput:
    """Copy objects to a temporary folder: one object, those that match a pattern, or all below a prefix."""
    plain = _WILDCARD.split(address)[0]
    folder, _, name = plain.rpartition("/") if _WILDCARD.search(address) else address.rpartition("/")
    temporary = tempfile.TemporaryDirectory(prefix="drp-import-")
    fetched: list[tuple[str, Path]] = []

    def fetch(store_address: str, key: str) -> bool:
        pieces = open_store(store_address).pieces(key)
        if pieces is None:
            return False
        path = Path(temporary.name) / key
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("wb") as out:
            for piece in pieces:
                out.write(piece)
        fetched.append((key, path))
        return True

    try:
        if plain == address and name and fetch(folder, name):
            return _kept(_single(ImportInput(address, name, (Shard(fetched[0][1]),))), temporary)
        store_address = folder if plain != address else address.rstrip("/")
        pattern = address.removeprefix(f"{folder}/") if plain != address else "*"
        for stored in list(open_store(store_address).listed("")):
            wanted = fnmatchcase(stored.key, pattern.replace("**/", "*"))
            if wanted and _is_shard(Path(stored.key)):
                fetch(store_address, stored.key)
    except LakeRefusedError as error:
        raise BadInputError(
            error.problem.replace("the lake at", "the store at"),
            state="Nothing was imported",
            next_command="check the AWS_* variables or profile (aws sts get-caller-identity)",
        ) from error
    return _shards(address, store_address.rpartition("/")[2], fetched, temporary)


def _kept(source: ImportInput, temporary: tempfile.TemporaryDirectory[str]) -> ImportInput:
    return source if source._temporary else ImportInput(source.address, source.name, source.shards, temporary)


def unusable(address: str, problem: str) -> BadInputError:
    """Return the error for an input that cannot be read at all."""
    look = f"aws s3 ls {address}" if address.startswith(_S3) else f"ls -l {address}"
    return BadInputError(problem, state="Nothing was imported", next_command=f"check it with: {look}")
