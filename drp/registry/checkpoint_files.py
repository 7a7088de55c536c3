"""Upload checkpoint files to the object store, verify them, and download them.

    files = store_folder(store, Path("out/merged"), folder_key(checkpoint_id, "merged"))
    fetch(store, checkpoint, "merged", Path("models/champion"))      # vllm serve models/champion

Files may have many gigabytes, so they are always streamed in pieces.
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

CARD = "README.md"
"""The checkpoint's card in an exported folder. It is not one of the registered files."""


def folder_key(checkpoint_id: str, which: CheckpointFolder) -> str:
    """Return the key under which a checkpoint's adapter or merged model is stored."""
    return f"_checkpoints/{checkpoint_id}/{which}"


def store_folder(store: ObjectStore, folder: Path, key: str) -> tuple[CheckpointFile, ...]:
    """Upload the files of a local folder to the folder `key` of the store.

    Identical files are not uploaded again, so that an interrupted upload can continue. Files with other
    contents are overwritten, so do not call this for a checkpoint that is registered (`Registry.known`).
    Files and folders whose names begin with a dot are not uploaded.

    Returns:
        The files, sorted by path. Each path begins with the last part of `key`, so that the lists of an
        adapter and of a merged model can be concatenated.

    Raises:
        BadInputError: the folder has no files.
        LakeUnwritableError, LakeUnavailableError: the store cannot be written.
    """
    names = _file_names(folder)
    if not names:
        raise BadInputError(
            f"there are no checkpoint files in {folder}",
            state="Nothing was stored",
            next_command=f"ls {folder}, then run the training again that should have written it",
        )
    return tuple(_upload(store, folder, name, key) for name in names)


def fetch(store: ObjectStore, checkpoint: Checkpoint, which: CheckpointFolder, folder: Path) -> None:
    """Download the adapter or the merged model to a local folder that `transformers` and `vllm serve` load.

    The folder is created only once all files are complete and their SHA-256 digests match. If it exists with
    the same files, nothing is done.

    Raises:
        ChangedCheckpointError: a file in the store is missing or has changed.
        BadInputError: the checkpoint has no such part, or `folder` has other contents or is not writable.
    """
    key, files = _part(checkpoint, which)
    try:
        if folder.is_file() or (folder.is_dir() and any(folder.iterdir())):
            _check_existing(checkpoint, which, files, folder)
            return
        with _atomic_folder(folder) as partial:
            for name, file in files.items():
                _download(store, checkpoint, file, f"{key}/{name}", partial / name)
    except OSError as error:
        raise BadInputError(
            f"checkpoint {checkpoint.checkpoint_id} cannot be copied to {folder}: {error}",
            state="No partial copy was left there",
            next_command=f"free disk space or choose another folder: {_export_command(checkpoint, which)}",
        ) from error


def verify(store: ObjectStore, checkpoint: Checkpoint) -> int:
    """Verify the SHA-256 digests of all files of a checkpoint in the store, and return their number.

    If the store is a local folder, `store.uri(key)` can then be loaded without a copy.

    Raises:
        ChangedCheckpointError: files are missing or have changed; the message names them.
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


def _file_names(folder: Path) -> list[str]:
    """Return the relative paths of all files below a folder, sorted, with forward slashes."""
    paths = (path.relative_to(folder) for path in folder.rglob("*") if path.is_file())
    return sorted(path.as_posix() for path in paths if not any(part.startswith(".") for part in path.parts))


def _upload(store: ObjectStore, folder: Path, name: str, key: str) -> CheckpointFile:
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
    """Return the key of the adapter or merged model, and its files by path relative to that key."""
    key = checkpoint.key(which)
    if key is None:
        other = next(part for part in _BOTH if part != which)
        raise BadInputError(
            f"checkpoint {checkpoint.checkpoint_id} has no folder {which!r}",
            state="Nothing was copied",
            next_command=_export_command(checkpoint, other),
        )
    prefix = f"{key.rpartition('/')[2]}/"
    return key, {
        file.path.removeprefix(prefix): file for file in checkpoint.files if file.path.startswith(prefix)
    }


def _download(
    store: ObjectStore, checkpoint: Checkpoint, file: CheckpointFile, key: str, target: Path
) -> None:
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


def _export_command(checkpoint: Checkpoint, which: CheckpointFolder) -> str:
    return f"drp registry export {checkpoint.checkpoint_id} FOLDER --which {which}"


def _check_existing(
    checkpoint: Checkpoint, which: CheckpointFolder, files: dict[str, CheckpointFile], folder: Path
) -> None:
    """Check that an existing folder holds exactly the files that `fetch` would write."""
    digests = {}
    for name in _file_names(folder):
        if name == CARD and name not in files:  # `drp registry export` writes it
            continue
        with (folder / name).open("rb") as stream:
            digests[name] = hashlib.file_digest(stream, "sha256").hexdigest()
    if digests != {name: file.sha256 for name, file in files.items()}:
        raise BadInputError(
            f"{folder} exists, but does not hold the files of checkpoint {checkpoint.checkpoint_id}",
            state="Nothing was copied or changed",
            next_command=f"move it away or choose another folder: {_export_command(checkpoint, which)}",
        )


@contextmanager
def _atomic_folder(folder: Path) -> Iterator[Path]:
    """Yield a temporary folder that is renamed to `folder` on success and removed after an error."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{folder.name}-", dir=folder.parent) as temporary:
        partial = Path(temporary) / "files"  # the temporary folder itself is readable only by its owner
        partial.mkdir()
        yield partial
        partial.replace(folder)
