"""The models of an evaluation: base models, checkpoints of others, LoRA adapters, registered checkpoints.

    ctx, names = open_evaluation("drp", "2026-11-21", ["small", "small@champion", "adapters/theirs"])

The plan of such a run is made here. Its name has a digest of what is measured and how, so that the same
evaluation on the same date goes on, and another one is another run.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

from drp.config import (
    BASE,
    CHAMPION,
    ORIGINAL,
    Benchmark,
    Evaluation,
    ImportedSet,
    Recipe,
    load_recipe,
    parse_student_name,
    settings,
)
from drp.core import BadInputError, RunId, content_id
from drp.jobs import process_lock, run_jobs
from drp.lake import open_lake
from drp.registry import UnknownCheckpointError, open_registry
from drp.runtime.context import RunContext, parse_day
from drp.runtime.shard_plans import PlannedCheckpoint
from drp.runtime.training_plan import model_digest
from drp.student.engines import model_folder

_ADAPTER = "adapter_config.json"
_RESERVED = (BASE, CHAMPION, ORIGINAL)


@dataclass(frozen=True)
class _Model:
    """A model to measure: its name, content id, and where it comes from."""

    name: str
    checkpoint_id: str
    source: str
    sha256: str
    corpus_version: int = 0


def open_evaluation(
    recipe: str,
    run_date: str,
    models: Sequence[str],
    *,
    benchmarks: Sequence[str] = (),
    adapter_base: str | None = None,
    overrides: Sequence[str] = (),
) -> tuple[RunContext, list[str]]:
    """Plan an evaluation, and return its run with the names of the entries of its plan, in their order.

    Args:
        recipe: how students are sampled: the recipe's prompt, engine and section `evaluation`.
        run_date: ISO date.
        models: what is measured; the first is the base of the comparison. Each is a student, the folder of a
            model or of a LoRA adapter, or a checkpoint's name as in `drp registry`.
        benchmarks: names of the recipe's benchmarks, or `DATASET:SPLIT` of imported questions; none means all
            benchmarks of the recipe.
        adapter_base: folder of the base model of adapters that do not name one on this machine.
        overrides: `key=value` for keys of the recipe that are changed.

    Raises:
        BadInputError: a model, a benchmark, the recipe or the date cannot be used.
        WrongBaseError: an adapter was trained on another base model.
    """
    loaded = load_recipe(recipe, overrides=overrides)
    lake, day = open_lake(), parse_day(run_date, "drp evaluate MODEL")
    evaluation = _evaluation(loaded, benchmarks)
    found = [_find(model, loaded, adapter_base) for model in models]
    _check_distinct(found)
    measured = loaded.model_copy(
        update={"student": found[0].name, "evaluation": evaluation, "promotion": None, "arms": ()}
    )
    digest = content_id("evaluation", [model.checkpoint_id for model in found], measured.evaluation_hash)
    run = lake.run(str(RunId(day, "evaluate", digest[:8])))
    ctx = RunContext(lake, run, measured, settings().workers)
    ctx.keep_recipe()
    for position, model in enumerate(found):
        ctx.run.write_plan(model.checkpoint_id[:12], _entry(model, is_base=position == 0, of=len(found)))
    return ctx, [model.checkpoint_id[:12] for model in found]


def _entry(model: _Model, *, is_base: bool, of: int) -> PlannedCheckpoint:
    return PlannedCheckpoint(
        arm=BASE if is_base else model.name,
        checkpoint_id=model.checkpoint_id,
        base_model=model.source,
        base_sha256=model.sha256,
        corpus_version=model.corpus_version,
        label=f"base ({model.name})" if is_base and of > 1 else model.name,
    )


def _evaluation(recipe: Recipe, names: Sequence[str]) -> Evaluation:
    """Return how models are measured: the recipe's section with the benchmarks of these names."""
    own = recipe.evaluation
    known = {benchmark.name: benchmark for benchmark in own.benchmarks} if own else {}
    chosen = [known.get(name) or _imported(name, list(known)) for name in names] or list(known.values())
    if not chosen:
        raise BadInputError(
            f"recipe {recipe.name} has no section `evaluation`, and no benchmark is named",
            state="Nothing was measured",
            next_command="drp evaluate MODEL --benchmarks DATASET:SPLIT, for questions that are imported",
        )
    document = own.model_dump(exclude={"benchmarks"}) if own else {}
    return Evaluation.model_validate({**document, "benchmarks": tuple(dict.fromkeys(chosen))})


def _imported(name: str, known: Sequence[str]) -> Benchmark:
    dataset, colon, split = name.rpartition(":")
    if not colon:
        near = ", ".join(get_close_matches(name, known) or known) or "none"
        raise BadInputError(
            f"the recipe has no benchmark {name!r} (near: {near})",
            state="Nothing was measured",
            next_command="drp evaluate MODEL --benchmarks NAME, or DATASET:SPLIT of imported questions",
        )
    label = "".join(letter if letter.isalnum() else "_" for letter in f"{dataset}_{split}".lower())
    questions = ImportedSet(source="imported", dataset=dataset, split=split)
    return Benchmark(name=label if label[0].isalpha() else f"b_{label}", questions=questions)


def _find(name: str, recipe: Recipe, adapter_base: str | None) -> _Model:
    own_model = recipe.model if name == recipe.line else None
    folder = model_folder(name, own_model) if parse_student_name(name).checkpoint is None else None
    if folder is not None:
        return _of_folder(_own_name(name), folder)
    if ((path := settings().home / name) / _ADAPTER).is_file():
        base = _adapter_base(path, adapter_base)
        merged = _merged(path, base)
        return _Model(_own_name(name), _adapter_id(path, base), str(merged), model_digest(merged))
    if path.is_dir():
        raise BadInputError(
            f"{path} is not the folder of a model: it has neither config.json nor {_ADAPTER}",
            state="Nothing was measured",
            next_command=f"ls {path}, then drp evaluate with the folder of a model or of a LoRA adapter",
        )
    return _registered(name)


def _of_folder(name: str, folder: Path) -> _Model:
    """Return a model in a folder. The base of a training run has the same id, and so the same samples."""
    digest = model_digest(folder)
    return _Model(name, content_id("checkpoint", digest, BASE), str(folder), digest)


def _registered(name: str) -> _Model:
    line, checkpoint = parse_student_name(name)
    try:
        with open_registry(settings().resolved_database_url) as registry:
            known = registry.get(checkpoint or name, line if checkpoint else None)
    except UnknownCheckpointError as error:
        raise BadInputError(
            f"{name!r} is neither a model in a folder of this machine nor a checkpoint: {error.problem}",
            state="Nothing was measured",
            next_command="drp registry list, or drp evaluate FOLDER",
        ) from error
    label = f"{known.student}@{known.checkpoint_id[:12]}"
    return _Model(label, known.checkpoint_id, known.base_model, known.base_sha256, known.corpus_version)


def _own_name(name: str) -> str:
    """Return the name of a folder; it is never that of an arm that has a special meaning."""
    return f"./{name}" if name in _RESERVED else name


def _check_distinct(models: Sequence[_Model]) -> None:
    names = {model.checkpoint_id: model.name for model in models}
    if len(names) < len(models):
        raise BadInputError(
            f"the same model is named twice: {', '.join(model.name for model in models)}",
            state="Nothing was measured",
            next_command="drp evaluate with each model once",
        )


def _adapter_base(adapter: Path, given: str | None) -> Path:
    """Return the folder of an adapter's base model: the given one, or the one that the adapter names."""
    named = given or json.loads((adapter / _ADAPTER).read_bytes()).get("base_model_name_or_path") or ""
    folder = model_folder(named) if named else None
    if folder is None:
        raise BadInputError(
            f"the base model {named!r} of the adapter in {adapter} is not a folder of this machine",
            state="Nothing was measured",
            next_command=f"drp evaluate {adapter} --base FOLDER, with the folder of that model",
        )
    return folder


def _adapter_id(adapter: Path, base: Path) -> str:
    return content_id("checkpoint", model_digest(base), model_digest(adapter), "adapter")


def _merged(adapter: Path, base: Path) -> Path:
    """Return the folder of the model that an adapter makes of its base; it is made once."""
    folder = settings().scratch_root / "adapters" / _adapter_id(adapter, base)
    with process_lock(folder.with_suffix(".lock")) as lock:
        if not (folder / "config.json").is_file():
            document = {"stage": "merge", "base": str(base), "adapter": str(adapter), "out": str(folder)}
            run_jobs("training", "drp.training.worker_main", document, holding=[lock])
    return folder
