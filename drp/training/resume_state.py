"""Training states from which a killed training resumes.

    states = States(out)
    states.save(step, engine, document)
    folder, document = states.newest()

A state is a folder with the engine's files and a document with their digest. It is written under a temporary
name and then renamed, so that it is never partial. The last two states are kept: if the newest one is
corrupt, the training resumes from the one before.
"""

import json
import logging
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any, NamedTuple

from safetensors import SafetensorError

from drp.training.atomic_files import folder_digest
from drp.training.engine import TrainingEngine
from drp.training.errors import CheckpointUnwritableError

STATES = "state"
"""Folder of the states, within the checkpoint folder."""
_KEPT = 2
_DOCUMENT = "state.json"

_log = logging.getLogger(__name__)


class State(NamedTuple):
    """The state of a training after a step."""

    folder: Path
    """Folder with the engine's files."""
    document: dict[str, Any]
    """The training loop's part of the state."""


@contextmanager
def atomic_folder(folder: Path) -> Iterator[Path]:
    """Yield a temporary folder that replaces `folder` when the block succeeds and is removed when it fails.

    Raises:
        CheckpointUnwritableError: the disk is full, or the folder is not writable.
    """
    partial = _partial(folder)
    try:
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir(parents=True)
        yield partial
        for path in [*partial.rglob("*"), partial]:
            _sync(path)
        if folder.is_dir():
            shutil.rmtree(folder)
        partial.rename(folder)
        _sync(folder.parent)
    except (OSError, SafetensorError) as error:
        raise CheckpointUnwritableError(folder, error) from error
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _partial(folder: Path) -> Path:
    return folder.with_name(f".partial-{folder.name}")


def _sync(path: Path) -> None:
    opened = os.open(path, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)


class States:
    """The saved states of a training, below its checkpoint folder."""

    def __init__(self, out: Path) -> None:
        self._folder = out / STATES

    def save(self, step: int, engine: TrainingEngine, document: Mapping[str, Any]) -> None:
        """Save the state after `step` and delete all but the last two. Call it in all processes together.

        Raises:
            CheckpointUnwritableError: see `atomic_folder`.
        """
        folder = self._folder / f"{step:08}"
        is_first = engine.rank == 0
        with atomic_folder(folder) if is_first else nullcontext(_partial(folder)) as partial:
            engine.total()  # barrier: rank 0 has created the folder
            engine.save(partial)
            engine.total()  # barrier: all processes have written their files
            if is_first:
                written = {"document": document, "sha256": folder_digest(partial)}
                (partial / _DOCUMENT).write_text(json.dumps(written), encoding="utf-8")
        if is_first:
            for old in self._folders()[:-_KEPT]:
                shutil.rmtree(old, ignore_errors=True)

    def newest(self) -> State | None:
        """Return the newest intact state, or None."""
        for folder in reversed(self._folders()):
            try:
                written = json.loads((folder / _DOCUMENT).read_text(encoding="utf-8"))
                if folder_digest(folder, without=_DOCUMENT) == written["sha256"]:
                    return State(folder, written["document"])
            except (OSError, ValueError, KeyError):
                pass
            _log.warning("the state in %s is damaged: trying the one before it", folder)
        return None

    def clear(self) -> None:
        """Delete all states."""
        shutil.rmtree(self._folder, ignore_errors=True)

    def _folders(self) -> list[Path]:
        if not self._folder.is_dir():
            return []
        return sorted(path for path in self._folder.iterdir() if path.name.isdecimal())
