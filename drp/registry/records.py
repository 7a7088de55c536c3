"""What the registry keeps: checkpoints with their files, and the moves of aliases between them."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import PurePosixPath
from typing import Any, get_args

from drp.core import Alias, CheckpointFolder

ALIASES: tuple[Alias, ...] = get_args(Alias)

PREFIX = 6
"""So many characters of an id, or more, name a checkpoint if no other begins with them."""


@dataclass(frozen=True)
class CheckpointFile:
    """One file of a checkpoint.

    Raises:
        ValueError: the path is no relative one, or leads out of its folder.
    """

    path: str
    """Relative, with forward slashes; its first part is the name of its folder: `merged/config.json`."""
    bytes: int
    sha256: str

    def __post_init__(self) -> None:
        path = PurePosixPath(self.path)
        if path.is_absolute() or ".." in path.parts or len(path.parts) < 2:
            raise ValueError(f"{self.path!r} is no path within a folder of a checkpoint")


@dataclass(frozen=True)
class Checkpoint:
    """A student after training: where its files lie, what made it, what it scored. It never changes.

    Raises:
        ValueError: a folder has no file, or a file lies in neither folder.
    """

    checkpoint_id: str
    """Content id over what defines the training: `drp.core.ids.content_id("checkpoint", ...)`."""
    arm: str
    """What it is in a comparison: drp, unpruned_sft, random_prune, ..."""
    student: str
    """Name of the line that it belongs to, such as `small`; aliases are per line."""
    base_model: str
    """What it was trained from: a name or a path."""
    base_sha256: str
    """Digest of the base model's files."""
    corpus_version: int
    """Published version of the corpus that it was trained on."""
    recipe: str
    recipe_hash: str
    objective: str
    """sft, ..."""
    code_commit: str
    """Commit of the code that trained it."""
    environment: str
    """Hash of the lock file that it was trained with."""
    files: tuple[CheckpointFile, ...]
    """As `store_folder` gave them, of both folders."""
    adapter_key: str | None
    """Folder of the adapter in the object store; None if there is none."""
    merged_key: str | None
    """Folder of the merged model in the object store; None if there is none."""
    scores: list[dict[str, Any]]
    """One object a result (benchmark, pass_at_1, mean_tokens, ...): whatever JSON can hold."""
    curve: list[dict[str, Any]]
    """The loss as it fell: objects of step, loss, validation_loss (None between validations) and
    learning_rate, by step."""
    created_at: datetime
    """With its time zone; UTC when it comes back."""

    @property
    def sha256(self) -> str:
        """Digest of all files: SHA-256 over what `sha256sum` prints for them, in order of their paths."""
        lines = (f"{file.sha256}  {file.path}\n" for file in sorted(self.files, key=lambda file: file.path))
        return hashlib.sha256("".join(lines).encode()).hexdigest()

    def __post_init__(self) -> None:
        folders = {key.rpartition("/")[2] for key in (self.adapter_key, self.merged_key) if key is not None}
        if folders != {file.path.partition("/")[0] for file in self.files}:
            raise ValueError(f"the files of checkpoint {self.checkpoint_id} are not those of its folders")

    def key(self, which: CheckpointFolder) -> str | None:
        """Folder of the adapter or of the merged model in the object store."""
        return self.adapter_key if which == "adapter" else self.merged_key


@dataclass(frozen=True)
class Move:
    """An alias of one student line was set: by a promotion, or by going back."""

    move_id: str
    student: str
    alias: str
    number: int
    """From 1, by student and alias, without gaps."""
    moved_at: datetime
    """UTC."""
    from_id: str | None
    """The checkpoint that had the alias before: `to_id` of the move before; None at the first."""
    to_id: str
    """The checkpoint that has it since."""
    reason: str
    back_to: int | None
    """Number of the move to which going back leads; None where there is nothing before."""


def holders(moves: Iterable[Move]) -> dict[str, list[str]]:
    """The aliases that checkpoints have, by id, after all `moves` in their order."""
    last = {(move.student, move.alias): move.to_id for move in moves}
    held: dict[str, list[str]] = {}
    for (_, alias), checkpoint_id in sorted(last.items()):
        held.setdefault(checkpoint_id, []).append(alias)
    return held
