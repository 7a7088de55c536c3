"""Records of the registry: checkpoints with their files, and the moves of aliases between them."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import PurePosixPath
from typing import Any, get_args

from drp.core import Alias, CheckpointFolder

ALIASES: tuple[Alias, ...] = get_args(Alias)

PREFIX = 6
"""Minimum length of an id prefix that may name a checkpoint, if it is unique."""


@dataclass(frozen=True)
class CheckpointFile:
    """One file of a checkpoint.

    Raises:
        ValueError: the path is not relative, or leads out of its folder.
    """

    path: str
    """Relative path with forward slashes. It begins with the name of the folder: `merged/config.json`."""
    bytes: int
    sha256: str

    def __post_init__(self) -> None:
        path = PurePosixPath(self.path)
        if path.is_absolute() or ".." in path.parts or len(path.parts) < 2:
            raise ValueError(f"{self.path!r} is not a path within a folder of a checkpoint")


@dataclass(frozen=True)
class Checkpoint:
    """A trained student: its files, its lineage and its scores. Immutable.

    Raises:
        ValueError: a folder has no files, or a file is in neither folder.
    """

    checkpoint_id: str
    """Content id of everything that defines the training: `drp.core.ids.content_id("checkpoint", ...)`."""
    arm: str
    """Role in a comparison: drp, unpruned_sft, random_prune, ..."""
    student: str
    """Name of its student line, such as `small`. Aliases are per line."""
    base_model: str
    """Name or path of the base model."""
    base_sha256: str
    """Digest of the base model's files."""
    corpus_version: int
    """Published corpus version that it was trained on."""
    recipe: str
    recipe_hash: str
    objective: str
    """Training objective: sft, ..."""
    code_commit: str
    """Commit of the code that trained it."""
    environment: str
    """Hash of the lock file of its training environment."""
    files: tuple[CheckpointFile, ...]
    """Files of both folders, as returned by `store_folder`."""
    adapter_key: str | None
    """Folder of the adapter in the object store; None if there is none."""
    merged_key: str | None
    """Folder of the merged model in the object store; None if there is none."""
    scores: list[dict[str, Any]]
    """One JSON object per score (benchmark, pass_at_1, mean_tokens, ...)."""
    curve: list[dict[str, Any]]
    """Loss curve: objects with step, loss, validation_loss (None between validations) and learning_rate."""
    created_at: datetime
    """Time zone aware; UTC when read back."""

    @property
    def sha256(self) -> str:
        """SHA-256 of the output of `sha256sum` for all files, sorted by path."""
        lines = (f"{file.sha256}  {file.path}\n" for file in sorted(self.files, key=lambda file: file.path))
        return hashlib.sha256("".join(lines).encode()).hexdigest()

    def __post_init__(self) -> None:
        folders = {key.rpartition("/")[2] for key in (self.adapter_key, self.merged_key) if key is not None}
        if folders != {file.path.partition("/")[0] for file in self.files}:
            raise ValueError(f"the files of checkpoint {self.checkpoint_id} do not match its folders")

    def key(self, which: CheckpointFolder) -> str | None:
        """Return the key of the adapter or of the merged model in the object store."""
        return self.adapter_key if which == "adapter" else self.merged_key


@dataclass(frozen=True)
class Move:
    """A change of an alias of one student line, by a promotion or a rollback."""

    move_id: str
    student: str
    alias: str
    number: int
    """Consecutive number per student and alias, from 1."""
    moved_at: datetime
    """UTC."""
    from_id: str | None
    """The previous holder of the alias: `to_id` of the previous move; None for the first."""
    to_id: str
    """The new holder of the alias."""
    reason: str
    back_to: int | None
    """Number of the move that a rollback returns to; None if there is none."""


@dataclass(frozen=True)
class Flag:
    """A reason why a checkpoint should not be used any more."""

    checkpoint_id: str
    flag: str
    """What flags it, such as `removed source licensed.jsonl`; a checkpoint has each flag once."""
    reason: str
    flagged_at: datetime
    """UTC."""


def holders(moves: Iterable[Move]) -> dict[str, list[str]]:
    """Return the aliases of each checkpoint, by id, after `moves`, which are in order."""
    last = {(move.student, move.alias): move.to_id for move in moves}
    held: dict[str, list[str]] = {}
    for (_, alias), checkpoint_id in sorted(last.items()):
        held.setdefault(checkpoint_id, []).append(alias)
    return held
