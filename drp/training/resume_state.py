"""States that a killed training goes on from: whole or not there, the last two kept.

    states = States(out)
    states.save(step, engine, document)
    folder, document = states.newest()

A state is a folder, written under another name and renamed, of what the engine saves and a document that has
its digest: one that a bad disk spoiled is passed over for the one before it.
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

from drp.training.engine import TrainingEngine
from drp.training.errors import CheckpointUnwritableError
from drp.training.files import folder_digest

STATES = "state"
"""Folder of the states, below that of the checkpoint."""
_KEPT = 2
_DOCUMENT = "state.json"

_log = logging.getLogger(__name__)


class State(NamedTuple):
    """What a training was after a step."""

    folder: Path
    """What the engine wrote."""
    document: dict[str, Any]
    """What the loop wrote."""


@contextmanager
def whole(folder: Path) -> Iterator[Path]:
    """A new folder, which is renamed to `folder` when the block ends well and removed when it does not.

    Raises:
        CheckpointUnwritableError: the disk is full, or the folder may not be written.
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
    """The states below a checkpoint's folder."""

    def __init__(self, out: Path) -> None:
        self._folder = out / STATES

    def save(self, step: int, engine: TrainingEngine, document: Mapping[str, Any]) -> None:
        """Add the state after `step`, and forget all but the last two; all processes call it together.

        Raises:
            CheckpointUnwritableError: see `whole`.
        """
        folder = self._folder / f"{step:08}"
        is_first = engine.rank == 0
        with whole(folder) if is_first else nullcontext(_partial(folder)) as partial:
            engine.total()  # nobody writes before the folder is there
            engine.save(partial)
            engine.total()
            if is_first:
                written = {"document": document, "sha256": folder_digest(partial)}
                (partial / _DOCUMENT).write_text(json.dumps(written), encoding="utf-8")
        if is_first:
            for old in self._folders()[:-_KEPT]:
                shutil.rmtree(old, ignore_errors=True)

    def newest(self) -> State | None:
        """The last state that is as it was written; None if there is none."""
        for folder in reversed(self._folders()):
            try:
                written = json.loads((folder / _DOCUMENT).read_text(encoding="utf-8"))
                if folder_digest(folder, without=_DOCUMENT) == written["sha256"]:
                    return State(folder, written["document"])
            except (OSError, ValueError, KeyError):
                pass
            _log.warning("the state in %s is damaged: going on from the one before it", folder)
        return None

    def clear(self) -> None:
        """Forget all."""
        shutil.rmtree(self._folder, ignore_errors=True)

    def _folders(self) -> list[Path]:
        if not self._folder.is_dir():
            return []
        return sorted(path for path in self._folder.iterdir() if path.name.isdecimal())
