"""The training run: what the stages after the night are given, and its plan.

A training run is named `<date>-train-<recipe>`. Its plan says what it is about: one entry for the student as
it is (`base`), and one for each arm that is trained on a corpus version. An entry is named by the checkpoint
that comes of it, so that running again, on the same corpus with the same recipe, finds it.
"""

import hashlib
import subprocess
from datetime import UTC, date, datetime
from functools import cache
from pathlib import Path
from typing import Any, Literal, TypedDict, cast

from drp.config.recipe import Evaluation, Recipe, load_recipe
from drp.config.settings import ROOT, settings
from drp.config.student_name import reference
from drp.core.errors import BadInputError
from drp.core.ids import content_id
from drp.curation.curations import Arm
from drp.lake.lake import open_lake
from drp.registry.files import folder_key
from drp.registry.records import Checkpoint, CheckpointFile
from drp.registry.registry import open_registry
from drp.runtime.context import Night
from drp.runtime.student_models import bring_student, settled
from drp.student.engines.select import student_of
from drp.training.files import folder_digest
from drp.training.job import ADAPTER, MANIFEST, MERGED, Manifest

BASE: Literal["base"] = "base"
CHAMPION: Literal["champion"] = "champion"
"""The arms that are not trained: the student as it is, and the checkpoint that is in use."""


class Entry(TypedDict):
    """What becomes one checkpoint."""

    arm: Arm | Literal["base", "champion"]
    checkpoint_id: str
    base_model: str
    base_sha256: str
    corpus_version: int


def open_training(recipe: str, run_date: str) -> Night:
    """The training run of `run_date` (ISO date) with a recipe by name or file, in the lake at DRP_LAKE."""
    here = settings()
    loaded = load_recipe(recipe, teacher=here.teacher, student=here.student)
    lake = open_lake()
    run = lake.run(f"{date.fromisoformat(run_date).isoformat()}-train-{loaded.name}")
    return Night(lake, run, settled(lake, run, loaded), here.workers)


def evaluation_of(recipe: Recipe) -> Evaluation:
    """The recipe's section.

    Raises:
        BadInputError: it has none.
    """
    if recipe.evaluation is None:
        raise BadInputError(
            f"recipe {recipe.name} has no section evaluation: nothing is trained that is not measured",
            state="Nothing was trained",
            next_command="add evaluation and promotion to the recipe, as in drp/config/recipes/drp.yaml",
        )
    return recipe.evaluation


def prepare(run: Night, corpus_version: int | None = None) -> list[str]:
    """Write the plan for a corpus version (default: the current one); the names of its entries, base first.

    Raises:
        BadInputError: there is nothing to train on.
    """
    recipe = run.recipe
    evaluation_of(recipe)
    version = corpus_version or run.lake.corpus.current().number
    if not run.lake.corpus.read(version).rows().get("examples"):
        raise BadInputError(
            f"corpus version {version} has no examples",
            state="Nothing was trained",
            next_command=f"drp nightly --recipe {recipe.name}",
        )
    student = student_of(recipe)
    if not student.model:
        raise BadInputError(
            f"the student {student.name!r} is no model in a folder of this machine: it cannot be trained",
            state="Nothing was trained; the corpus is as it was",
            next_command="set student in the recipe (or DRP_STUDENT) to the folder of a model",
        )
    bring_student(run.lake.store, student.name)
    base = model_digest(Path(student.model))
    entries: dict[str, Entry] = {}
    arms: tuple[Arm | Literal["base"], ...] = (BASE, *recipe.arms)
    for arm in arms:
        defined = (
            (base, BASE) if arm == BASE else (base, arm, version, recipe.revision_hash, recipe.training_hash)
        )
        checkpoint_id = content_id("checkpoint", *defined)
        entries[checkpoint_id[:12]] = {
            "arm": arm,
            "checkpoint_id": checkpoint_id,
            "base_model": recipe.student,
            "base_sha256": base,
            "corpus_version": version,
        }
    champion = _champion(run, list(entries), version)
    for name, entry in [*champion.items(), *entries.items()]:  # the champion first: see `_champion`
        run.run.write_plan(name, entry)
    return list(entries | champion)


def _champion(run: Night, names: list[str], version: int) -> dict[str, Entry]:
    """The entry of the champion, where there is one and it is neither the base nor one of `names` already.

    Of a run that was planned before, the champion of that time, if any: what the run itself promotes must not
    change what it compares with when it is done again.
    """
    planned = cast(dict[str, Entry], run.run.plans())
    kept = {n: e for n, e in planned.items() if e["arm"] == CHAMPION and e["corpus_version"] == version}
    if kept or all(name in planned for name in names):
        return kept
    with open_registry(settings().ledger_url) as registry:
        champion = registry.champion(run.recipe.line)
    if champion is None or champion.checkpoint_id[:12] in (*names, reference(run.recipe.student).checkpoint):
        return {}
    entry: Entry = {
        "arm": CHAMPION,
        "checkpoint_id": champion.checkpoint_id,
        "base_model": champion.base_model,
        "base_sha256": champion.base_sha256,
        "corpus_version": version,
    }
    return {champion.checkpoint_id[:12]: entry}


def entry_of(run: Night, name: str) -> Entry:
    """An entry of the plan."""
    return cast(Entry, run.run.plans()[name])


def manifest_key(entry: Entry) -> str:
    """Where the manifest of an entry's training lies in the store."""
    return f"_checkpoints/{entry['checkpoint_id']}/{MANIFEST}"


def checkpoint_of(run: Night, entry: Entry, scores: list[dict[str, Any]]) -> Checkpoint:
    """The checkpoint that the training of an entry left in the store."""
    manifest = Manifest.model_validate_json(run.lake.store.get(manifest_key(entry)) or b"")
    checkpoint_id = entry["checkpoint_id"]
    lock = ROOT / "requirements/training.lock"
    return Checkpoint(
        checkpoint_id=checkpoint_id,
        arm=entry["arm"],
        student=run.recipe.line,
        base_model=entry["base_model"],
        base_sha256=entry["base_sha256"],
        corpus_version=entry["corpus_version"],
        recipe=run.recipe.name,
        recipe_hash=run.recipe.training_hash,
        objective=manifest.objective,
        code_commit=_commit(),
        environment=hashlib.sha256(lock.read_bytes()).hexdigest(),
        files=tuple(CheckpointFile(path, file.bytes, file.sha256) for path, file in manifest.files.items()),
        adapter_key=folder_key(checkpoint_id, ADAPTER) if manifest.method == "lora" else None,
        merged_key=folder_key(checkpoint_id, MERGED),
        scores=scores,
        curve=[point.model_dump() for point in manifest.curve],
        created_at=datetime.now(UTC),
    )


def _commit() -> str:
    """The commit of this code; `unknown` where it is no checkout."""
    asked = ["git", "-C", str(ROOT), "rev-parse", "HEAD"]
    found = subprocess.run(asked, capture_output=True, text=True, check=False)  # noqa: S603
    return found.stdout.strip() or "unknown"


def scratch(entry: Entry) -> Path:
    """The folder on this machine where an entry is trained: all in it can be made again."""
    return settings().scratch_root / "training" / entry["checkpoint_id"]


@cache
def model_digest(folder: Path) -> str:
    """`folder_digest`, once a process: a model may have many GB."""
    return folder_digest(folder)
