"""Checkpoints as models on this machine, among them the one that is tonight's student.

A recipe whose student is `small@champion` goes on from what the nights before it came to: the champion rolls
out, is fine-tuned, and is the base that the result is compared with. Which checkpoint that is, is settled
once a run, so that a promotion in its midst changes nothing of it.
"""

import shutil
from pathlib import Path

from drp.config import Recipe, parse_student_name, settings
from drp.core import BadInputError
from drp.jobs import process_lock
from drp.lake import Lake, Run
from drp.registry import Checkpoint, fetch, open_registry
from drp.storage import ObjectStore
from drp.student.engines import checkpoint_folder
from drp.training import MERGED


def resolve_student(lake: Lake, run: Run, recipe: Recipe) -> Recipe:
    """The recipe with the student of this run: `small@champion` becomes `small@<id>`.

    While nothing was promoted, it is the line's own model, `small`.

    Raises:
        UnknownCheckpointError, UnknownAliasError, BadInputError: the line has no such checkpoint.
        ChangedCheckpointError: its files are not what was registered.
    """
    line, name = parse_student_name(recipe.student)
    if name is None:
        return recipe
    student = run.remember("student", lambda: _chosen(line, name))
    if parse_student_name(student).checkpoint and not checkpoint_folder(student).is_dir():
        fetch_student(lake.store, student)
    return recipe.model_copy(update={"student": student})


def fetch_student(store: ObjectStore, student: str) -> None:
    """Make sure that the model of a settled student is on this machine, as it was registered."""
    _, name = parse_student_name(student)
    if name is not None:
        with open_registry(settings().resolved_database_url) as registry:
            checkpoint = registry.get(name)
        fetch_model(store, checkpoint)


def fetch_model(store: ObjectStore, checkpoint: Checkpoint) -> Path:
    """Copy a checkpoint's model to this machine; where a copy is there, it is only compared.

    Raises:
        ChangedCheckpointError, BadInputError: the checkpoint's files, or the copy of them, were changed.
    """
    folder = checkpoint_folder(_named(checkpoint))
    with process_lock(folder.with_suffix(".lock")):  # several stages may want it at once
        for left in folder.parent.glob(f".{folder.name}-*"):  # by a copy that was killed
            shutil.rmtree(left)
        fetch(store, checkpoint, MERGED, folder)
    return folder


def _chosen(line: str, name: str) -> str:
    with open_registry(settings().resolved_database_url) as registry:
        if name == "champion":
            champion = registry.champion(line)
            return _named(champion) if champion else line
        checkpoint = registry.get(name, line)
    if checkpoint.student != line:
        raise BadInputError(
            f"checkpoint {checkpoint.checkpoint_id} is one of {checkpoint.student}, not of {line}",
            state="Nothing was read or written",
            next_command=f"set student in the recipe to {_named(checkpoint)}",
        )
    return _named(checkpoint)


def _named(checkpoint: Checkpoint) -> str:
    return f"{checkpoint.student}@{checkpoint.checkpoint_id[:12]}"
