"""The plan of a training run: what it makes and measures.

A training run is named `<date>-train-<recipe>`. Its plan has one entry for the student as it is (`base`), and
one for each arm that is trained on a corpus version. The name of an entry begins its checkpoint's id, so
running again on the same corpus with the same recipe finds the same checkpoint.
"""

import shutil
import subprocess
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

from drp.config import Evaluation, Recipe, settings
from drp.core import VERSION, BadInputError
from drp.jobs import lock_digest
from drp.registry import Checkpoint, CheckpointFile, folder_key
from drp.runtime.context import RunContext
from drp.runtime.shard_plans import PlannedCheckpoint
from drp.student.engines import student_of
from drp.training import ADAPTER, MANIFEST, MERGED, Manifest, TrainingJob, folder_digest


def evaluation_of(recipe: Recipe) -> Evaluation:
    """The recipe's section `evaluation`.

    Raises:
        BadInputError: the recipe has no such section.
    """
    if recipe.evaluation is None:
        raise BadInputError(
            f"recipe {recipe.name} has no section `evaluation`: a checkpoint must be measured",
            state="Nothing was trained",
            next_command="add evaluation and promotion to the recipe, as in drp/config/recipes/drp.yaml",
        )
    return recipe.evaluation


def training_job(recipe: Recipe, base_sha256: str | None = None) -> TrainingJob:
    """The job that trains the recipe's student, on examples whose questions are whole user messages."""
    student = student_of(recipe)
    return TrainingJob(
        base=student.model,
        base_sha256=base_sha256,
        settings=recipe.training,
        prompt=student.prompt.model_copy(update={"question": "{question}"}),
        thinking=recipe.thinking,
    )


def entries_of(ctx: RunContext) -> dict[str, PlannedCheckpoint]:
    """All entries of the plan, by name."""
    return ctx.run.plans(PlannedCheckpoint)


def entry_of(ctx: RunContext, name: str) -> PlannedCheckpoint:
    """An entry of the plan."""
    return entries_of(ctx)[name]


def manifest_key(entry: PlannedCheckpoint) -> str:
    """Key of the training manifest of an entry in the store."""
    return f"_checkpoints/{entry.checkpoint_id}/{MANIFEST}"


def checkpoint_of(ctx: RunContext, entry: PlannedCheckpoint, scores: list[dict[str, Any]]) -> Checkpoint:
    """The checkpoint that the training of an entry left in the store."""
    manifest = Manifest.model_validate_json(ctx.lake.store.get(manifest_key(entry)) or b"")
    checkpoint_id = entry.checkpoint_id
    return Checkpoint(
        checkpoint_id=checkpoint_id,
        arm=entry.arm,
        student=ctx.recipe.line,
        base_model=entry.base_model,
        base_sha256=entry.base_sha256,
        corpus_version=entry.corpus_version,
        recipe=ctx.recipe.name,
        recipe_hash=ctx.recipe.training_hash,
        objective=manifest.objective,
        code_commit=_commit(),
        environment=lock_digest("training"),
        files=tuple(CheckpointFile(path, file.bytes, file.sha256) for path, file in manifest.files.items()),
        adapter_key=folder_key(checkpoint_id, ADAPTER) if manifest.method == "lora" else None,
        merged_key=folder_key(checkpoint_id, MERGED),
        scores=scores,
        curve=[point.model_dump() for point in manifest.curve],
        created_at=datetime.now(UTC),
    )


def _commit() -> str:
    """The commit of this code; its version where it was installed from a package."""
    package = Path(__file__).parent
    git = ["git", "-C", str(package)]
    is_tracked = [*git, "ls-files", "--error-unmatch", Path(__file__).name]
    if not shutil.which("git") or subprocess.run(is_tracked, capture_output=True, check=False).returncode:  # noqa: S603
        return f"drp {VERSION}"
    head = [*git, "rev-parse", "HEAD"]
    return subprocess.run(head, capture_output=True, text=True, check=True).stdout.strip()  # noqa: S603


def scratch(entry: PlannedCheckpoint) -> Path:
    """The folder on this machine where an entry is trained; all of it can be made again."""
    return settings().scratch_root / "training" / entry.checkpoint_id


@cache
def model_digest(folder: Path) -> str:
    """`folder_digest`, computed once per process: a model may have many GB."""
    return folder_digest(folder)
