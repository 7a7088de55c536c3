"""Resolve the student that a recipe names, and fetch its model to this machine.

With `student: small@champion` a night builds on earlier ones: the champion is sampled and fine-tuned, and is
the base of the comparison. Which checkpoint that is, is decided once a run, so that a promotion during the
run does not change it.
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
    """The recipe with this run's student: `small@champion` becomes `small@<id>`.

    Before the first promotion it becomes the model itself, `small`.

    Raises:
        UnknownCheckpointError, UnknownAliasError, BadInputError: the line has no such checkpoint.
        ChangedCheckpointError: its files differ from what was registered.
    """
    line, name = parse_student_name(recipe.student)
    if name is None:
        return recipe
    student = run.remember("student", lambda: _choose(line, name))
    if parse_student_name(student).checkpoint and not checkpoint_folder(student).is_dir():
        fetch_student(lake.store, student)
    return recipe.model_copy(update={"student": student})


def current_student(lake: Lake, recipe: Recipe) -> Recipe:
    """The recipe with the student that a run would get if it began now; its model is on this machine.

    Raises:
        DrpError: as `resolve_student`.
    """
    line, name = parse_student_name(recipe.student)
    if name is None:
        return recipe
    student = _choose(line, name)
    fetch_student(lake.store, student)
    return recipe.model_copy(update={"student": student})


def fetch_student(store: ObjectStore, student: str) -> None:
    """Make sure that the model of a resolved student is on this machine, as it was registered."""
    _, name = parse_student_name(student)
    if name is not None:
        with open_registry(settings().resolved_database_url) as registry:
            checkpoint = registry.get(name)
        fetch_model(store, checkpoint)


def fetch_model(store: ObjectStore, checkpoint: Checkpoint) -> Path:
    """Copy a checkpoint's model to this machine and return its folder; an existing copy is only verified.

    Raises:
        ChangedCheckpointError, BadInputError: the checkpoint's files, or the copy, were changed.
    """
    folder = checkpoint_folder(_student_name(checkpoint))
    with process_lock(folder.with_suffix(".lock")):  # several stages may want it at once
        for partial in folder.parent.glob(f".{folder.name}-*"):  # left by a copy that was killed
            shutil.rmtree(partial)
        fetch(store, checkpoint, MERGED, folder)
    return folder


def _choose(line: str, name: str) -> str:
    with open_registry(settings().resolved_database_url) as registry:
        if name == "champion":
            champion = registry.champion(line)
            return _student_name(champion) if champion else line
        checkpoint = registry.get(name, line)
    if checkpoint.student != line:
        raise BadInputError(
            f"checkpoint {checkpoint.checkpoint_id} is a checkpoint of {checkpoint.student}, not of {line}",
            state="Nothing was read or written",
            next_command=f"set student in the recipe to {_student_name(checkpoint)}",
        )
    return _student_name(checkpoint)


def _student_name(checkpoint: Checkpoint) -> str:
    return f"{checkpoint.student}@{checkpoint.checkpoint_id[:12]}"
