"""Train: fine-tune the student on one arm's examples (paper, section 3.3)."""

import shutil
from dataclasses import replace
from typing import Any

from drp.config import UNTRAINED, settings
from drp.core import BadInputError, CheckpointFolder, load_plugin
from drp.core.stage_names import TRAIN
from drp.curation import Curation, candidate_sources, read_candidates
from drp.jobs import process_lock, run_jobs
from drp.registry import folder_key, open_registry, store_folder
from drp.runtime import (
    PlannedCheckpoint,
    RunContext,
    checkpoint_of,
    entry_of,
    manifest_key,
    scratch,
    training_job,
)
from drp.student.engines import student_of
from drp.training import (
    ADAPTER,
    MANIFEST,
    MERGED,
    CheckpointUnwritableError,
    Manifest,
    read_manifest,
    write_job,
)


def train(ctx: RunContext, name: str) -> None:
    """Make the checkpoint of one entry of the plan, unless it is only measured or is registered already."""
    entry = entry_of(ctx, name)
    if entry.arm in UNTRAINED:
        return
    folder = scratch(entry)
    with process_lock(folder.with_suffix(".lock")) as lock:  # an attempt that was killed may still be saving
        if not (ctx.run.is_done(TRAIN, name) or _is_registered(entry)):
            _train(ctx, name, entry, lock)
        shutil.rmtree(folder, ignore_errors=True)


def _train(ctx: RunContext, name: str, entry: PlannedCheckpoint, lock: int) -> None:
    with ctx.run.shard(TRAIN, name, ctx.recipe.training_hash) as out:
        manifest = _trained(ctx, entry, lock)
        trained, store = scratch(entry) / "out", ctx.lake.store
        folders: tuple[CheckpointFolder, ...] = (ADAPTER, MERGED) if manifest.method == "lora" else (MERGED,)
        for folder in folders:
            store_folder(store, trained / folder, folder_key(entry.checkpoint_id, folder))
        store.put(manifest_key(entry), (trained / MANIFEST).read_bytes())
        out.add("checkpoints", _row(ctx, entry, manifest))
        out.counts["examples"] = manifest.examples_used
        out.counts["dropped"] = manifest.examples_dropped
        out.counts["steps"] = manifest.steps


def _is_registered(entry: PlannedCheckpoint) -> bool:
    """Whether another run has made the checkpoint: training again could replace files that are in use."""
    with open_registry(settings().resolved_database_url) as registry:
        return registry.known(entry.checkpoint_id)


def _trained(ctx: RunContext, entry: PlannedCheckpoint, lock: int) -> Manifest:
    """Train in the training environment, or go on where a killed training stopped."""
    folder = scratch(entry)
    if not (folder / "out" / MANIFEST).is_file():
        recipe = ctx.recipe
        student = student_of(recipe)
        curation: Curation = load_plugin("curations", entry.arm)
        candidates = read_candidates(
            ctx.lake.published(entry.corpus_version), ctx.revision_hash, recipe.student, ctx.token_counter
        )
        examples = (
            replace(example, question=student.prompt.user_message(example.question))
            for example in curation(candidates)
        )
        try:
            written = write_job(folder / "job", training_job(recipe, entry.base_sha256), examples)
        except OSError as error:
            raise CheckpointUnwritableError(folder / "job", error) from error
        if not written:
            raise _no_examples(ctx, entry)
        document = {"stage": TRAIN, "job": str(folder / "job"), "out": str(folder / "out")}
        run_jobs("training", "drp.training.worker_main", document, holding=[lock])
    return read_manifest(folder / "out")


def _no_examples(ctx: RunContext, entry: PlannedCheckpoint) -> BadInputError:
    """Say whose rollouts the corpus has, if it has none that this recipe can train its student on."""
    student, version = ctx.recipe.student, entry.corpus_version
    sources = candidate_sources(ctx.lake.published(version))
    fitting = [row for row in sources if row["recipe_hash"] == ctx.revision_hash]
    if any(row["student"] == student for row in fitting):
        what, mend = f"none for the arm {entry.arm}", 'drp sql "FROM reject_reasons", which says why'
    elif fitting:
        what = f"none of the student {student!r}"
        mend = (
            f"set student in the recipe to the name in the rows, {fitting[0]['student']!r}, and model to"
            f" {ctx.recipe.source!r}"
        )
    else:
        what = f"none that were made with the teacher, decomposition and gates of recipe {ctx.recipe.name}"
        mend = f"drp nightly --recipe {ctx.recipe_option}, or train with the teacher of before (DRP_TEACHER)"
    has = "; ".join(f"{row['rollouts']} of {row['student']} by {row['teacher']}" for row in sources[:3])
    return BadInputError(
        f"there is nothing to train on: of corpus version {version}, {what}. It has right rollouts:"
        f" {has or 'none'}",
        state="Nothing was trained",
        next_command=mend,
    )


def _row(ctx: RunContext, entry: PlannedCheckpoint, manifest: Manifest) -> dict[str, Any]:
    store, made = ctx.lake.store, checkpoint_of(ctx, entry, [])
    return {
        **entry.model_dump(),
        "recipe": made.recipe,
        "recipe_hash": made.recipe_hash,
        "objective": made.objective,
        "examples": manifest.examples_used,
        "steps": manifest.steps,
        "validation_loss": manifest.validation_loss,
        "adapter_uri": store.uri(made.adapter_key) if made.adapter_key else None,
        "merged_uri": store.uri(made.merged_key) if made.merged_key else None,
        "sha256": made.sha256,
    }
