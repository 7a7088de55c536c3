"""Train: the student is fine-tuned on one arm's examples (paper, section 3.3)."""

import shutil
from dataclasses import replace
from typing import Any

from drp.config.settings import settings
from drp.curation.candidates import candidates
from drp.curation.curations import CURATIONS
from drp.jobs import runner
from drp.registry.files import folder_key, store_folder
from drp.registry.records import Which
from drp.registry.registry import open_registry
from drp.runtime.context import Night
from drp.runtime.training_plan import BASE, CHAMPION, Entry, checkpoint_of, entry_of, manifest_key, scratch
from drp.student.engines.select import student_of
from drp.student.prompts import prompt
from drp.training.errors import CheckpointUnwritableError
from drp.training.job import ADAPTER, MANIFEST, MERGED, Job, Manifest, read_manifest, write_job

STAGE = "train"


def train(run: Night, name: str) -> None:
    """Make the checkpoint of one entry of the plan, unless it is the base, or registered already."""
    entry = entry_of(run, name)
    if entry["arm"] in (BASE, CHAMPION):
        return
    folder = scratch(entry)
    with runner.alone(folder.with_suffix(".lock")) as lock:  # an attempt that was killed may still be saving
        if not (run.run.is_done(STAGE, name) or _is_registered(entry)):
            _train(run, name, entry, lock)
        shutil.rmtree(folder, ignore_errors=True)


def _train(run: Night, name: str, entry: Entry, lock: int) -> None:
    with run.run.shard(STAGE, name, run.recipe.training_hash) as out:
        manifest = _trained(run, entry, lock)
        trained, store = scratch(entry) / "out", run.lake.store
        folders: tuple[Which, ...] = (ADAPTER, MERGED) if manifest.method == "lora" else (MERGED,)
        for which in folders:
            store_folder(store, trained / which, folder_key(entry["checkpoint_id"], which))
        store.put(manifest_key(entry), (trained / MANIFEST).read_bytes())
        out.add("checkpoints", _row(run, entry, manifest))
        out.counts["examples"] = manifest.examples_used
        out.counts["dropped"] = manifest.examples_dropped
        out.counts["steps"] = manifest.steps


def _is_registered(entry: Entry) -> bool:
    """Whether a run of another date has made it: training again could replace files that are in use."""
    with open_registry(settings().ledger_url) as registry:
        return registry.known(entry["checkpoint_id"])


def _trained(run: Night, entry: Entry, lock: int) -> Manifest:
    """Train in the environment for it, or go on where a killed training stopped."""
    folder = scratch(entry)
    if not (folder / "out" / MANIFEST).is_file():
        recipe = run.recipe
        curation = CURATIONS[entry["arm"]]  # type: ignore[index]
        found = candidates(run.lake.published(entry["corpus_version"]), recipe)
        asked = (
            replace(example, question=prompt(recipe.prompt_version, example.question))
            for example in curation(found)
        )
        job = Job(base=student_of(recipe).model, base_sha256=entry["base_sha256"], settings=recipe.training)
        try:
            write_job(folder / "job", job, asked)
        except OSError as error:
            raise CheckpointUnwritableError(folder / "job", error) from error
        document = {"stage": STAGE, "job": str(folder / "job"), "out": str(folder / "out")}
        runner.run("training", "drp.training.worker_main", document, holding=[lock])
    return read_manifest(folder / "out")


def _row(run: Night, entry: Entry, manifest: Manifest) -> dict[str, Any]:
    store, made = run.lake.store, checkpoint_of(run, entry, [])
    return {
        **entry,
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
