"""The files of checkpoints in the object store: sent up, checked, and copied to where they are loaded.

    files = store_folder(store, Path("out/merged"), folder_key(checkpoint_id, "merged"))
    fetch(store, checkpoint, "merged", Path("models/champion"))      # vllm serve models/champion

A file may have many GB: all of them pass through in pieces.
"""

import hashlib
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from drp.core import BadInputError, CheckpointFolder
from drp.registry.errors import ChangedCheckpointError
from drp.registry.records import Checkpoint, CheckpointFile
from drp.storage import PIECE, ObjectStore, Sha256Stream


def folder_key(checkpoint_id: str, which: CheckpointFolder) -> str:
    """Where in the object store the adapter or the merged model of a checkpoint belongs."""
    return f"_checkpoints/{checkpoint_id}/{which}"


def store_folder(store: ObjectStore, folder: Path, key: str) -> tuple[CheckpointFile, ...]:
    """Send the files of a local folder up to the folder `key` of the store.

    What is there already, byte for byte, is not sent again, so that a killed upload goes on. Anything else of
    the same name is replaced: where `Registry.known` says so, leave the checkpoint alone. Files and folders
    whose names begin with a dot are no part of a model and stay.

    Returns:
        The files by path; each path begins with the last part of `key`, so that the files of an adapter and
        of a merged model make one list.

    Raises:
        BadInputError: there is no file.
        LakeUnwritableError, LakeUnavailableError: the store does not take them.
    """
    names = _names(folder)
    if not names:
        raise BadInputError(
            f"there is no file of a checkpoint in {folder}",
            state="Nothing was stored",
            next_command=f"ls {folder}, and the training that was to write it again",
        )
    return tuple(_send(store, folder, name, key) for name in names)


def fetch(store: ObjectStore, checkpoint: Checkpoint, which: CheckpointFolder, folder: Path) -> None:
    """Copy the adapter or the merged model into a local folder that `transformers` and `vllm serve` load.

    The folder appears when all its files are there and their SHA-256 are right, and not before. Where it is
    there already with these files, nothing is done.

    Raises:
        ChangedCheckpointError: a file in the store is missing or not what was registered.
        BadInputError: the checkpoint has no such folder, or `folder` is there with something else, or cannot
            be written to.
    """
    key, files = _part(checkpoint, which)
    try:
        if folder.is_file() or (folder.is_dir() and any(folder.iterdir())):
            _check_copy(checkpoint, which, files, folder)
            return
        with _appearing(folder) as fresh:
            for name, file in files.items():
                _copy(store, checkpoint, file, f"{key}/{name}", fresh / name)
    except OSError as error:
        raise BadInputError(
            f"checkpoint {checkpoint.checkpoint_id} cannot be copied to {folder}: {error}",
            state="Nothing of it was left there",
            next_command=f"make room, or name another folder: {_again(checkpoint, which)}",
        ) from error


def verify(store: ObjectStore, checkpoint: Checkpoint) -> int:
    """Read all files of a checkpoint in the store and compare their SHA-256; gives their number.

    Where the store is a folder, `store.uri(key)` can then be loaded without a copy.

    Raises:
        ChangedCheckpointError: naming the files that are missing or changed.
    """
    faults = []
    for which in _BOTH:
        if checkpoint.key(which) is not None:
            key, files = _part(checkpoint, which)
            for name, file in files.items():
                digest = store.digest(f"{key}/{name}")
                if digest != file.sha256:
                    faults.append(_fault(file, digest))
    if faults:
        raise ChangedCheckpointError(checkpoint.checkpoint_id, store.root, faults)
    return len(checkpoint.files)


_BOTH: tuple[CheckpointFolder, ...] = ("adapter", "merged")


def _names(folder: Path) -> list[str]:
    """Files below a folder, as relative paths with forward slashes, in order."""
    paths = (path.relative_to(folder) for path in folder.rglob("*") if path.is_file())
    return sorted(path.as_posix() for path in paths if not any(part.startswith(".") for part in path.parts))


def _send(store: ObjectStore, folder: Path, name: str, key: str) -> CheckpointFile:
    path = f"{key.rpartition('/')[2]}/{name}"
    stored = store.digest(f"{key}/{name}")
    with (folder / name).open("rb") as source:
        if stored is not None and hashlib.file_digest(source, "sha256").hexdigest() == stored:
            return CheckpointFile(path, source.tell(), stored)
        source.seek(0)
        with store.writing(f"{key}/{name}") as target:
            sent = Sha256Stream(target)
            shutil.copyfileobj(source, sent, PIECE)
    return CheckpointFile(path, sent.bytes, sent.hexdigest())


def _part(checkpoint: Checkpoint, which: CheckpointFolder) -> tuple[str, dict[str, CheckpointFile]]:
    """The folder of the adapter or of the merged model in the store, and its files by their paths in it."""
    key = checkpoint.key(which)
    if key is None:
        other = next(part for part in _BOTH if part != which)
        raise BadInputError(
            f"checkpoint {checkpoint.checkpoint_id} has no folder {which!r}",
            state="Nothing was copied",
            next_command=_again(checkpoint, other),
        )
    inside = f"{key.rpartition('/')[2]}/"
    return key, {
        file.path.removeprefix(inside): file for file in checkpoint.files if file.path.startswith(inside)
    }


def _copy(store: ObjectStore, checkpoint: Checkpoint, file: CheckpointFile, key: str, target: Path) -> None:
    pieces = store.pieces(key)
    digest = None
    if pieces is not None:
        target.parent.mkdir(parents=True, exist_ok=True)
        with target.open("wb") as stream:
            copied = Sha256Stream(stream)
            for piece in pieces:
                copied.write(piece)
        digest = copied.hexdigest()
    if digest != file.sha256:
        raise ChangedCheckpointError(checkpoint.checkpoint_id, store.root, [_fault(file, digest)])


def _fault(file: CheckpointFile, digest: str | None) -> str:
    return f"{file.path} {'is missing' if digest is None else 'has changed'}"


def _again(checkpoint: Checkpoint, which: CheckpointFolder) -> str:
    return f"drp registry export {checkpoint.checkpoint_id} FOLDER --which {which}"


def _check_copy(
    checkpoint: Checkpoint, which: CheckpointFolder, files: dict[str, CheckpointFile], folder: Path
) -> None:
    """Make sure that a folder is what `fetch` would make of it."""
    found = {}
    for name in _names(folder):
        with (folder / name).open("rb") as stream:
            found[name] = hashlib.file_digest(stream, "sha256").hexdigest()
    if found != {name: file.sha256 for name, file in files.items()}:
        raise BadInputError(
            f"{folder} is there and is not what checkpoint {checkpoint.checkpoint_id} has",
            state="Nothing was copied or changed",
            next_command=f"move it away, or name another folder: {_again(checkpoint, which)}",
        )


@contextmanager
def _appearing(folder: Path) -> Iterator[Path]:
    """A folder to fill, which takes the place of `folder` on a clean exit and is gone after an error."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{folder.name}-", dir=folder.parent) as waiting:
        fresh = Path(waiting) / "files"  # not the temporary folder itself, which lets in nobody but its user
        fresh.mkdir()
        yield fresh
        fresh.replace(folder)
