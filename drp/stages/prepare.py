"""Prepare: write the plan of a training run."""

from pathlib import Path

from drp.config import BASE, CHAMPION, ORIGINAL, parse_student_name, settings
from drp.core import BadInputError, content_id
from drp.registry import open_registry
from drp.runtime import PlannedCheckpoint, RunContext, entries_of, evaluation_of, fetch_student, model_digest
from drp.student.engines import mend_of_missing_model, model_folder, student_of
from drp.training import WrongBaseError


def prepare(ctx: RunContext, corpus_version: int | None = None) -> list[str]:
    """Write the plan for a corpus version (default: the current one); return the entries' names, base first.

    Raises:
        BadInputError: there is nothing to train on, or a model is not on this machine.
        WrongBaseError: the original base was replaced by another model.
    """
    recipe = ctx.recipe
    evaluation_of(recipe)
    ctx.keep_recipe()
    version = corpus_version or ctx.lake.corpus.current().number
    if not ctx.lake.corpus.read(version).rows().get("examples"):
        raise BadInputError(
            f"corpus version {version} has no examples",
            state="Nothing was trained",
            next_command=f"drp nightly --recipe {ctx.recipe_option}",
        )
    student = student_of(recipe)
    if not student.model:
        raise BadInputError(
            f"{student.source!r}, the model of the student {student.name!r}, is not a folder of this machine",
            state="Nothing was trained; the corpus is as it was",
            next_command=mend_of_missing_model(recipe),
        )
    fetch_student(ctx.lake.store, student.name)
    base = model_digest(Path(student.model))
    entries: dict[str, PlannedCheckpoint] = {}
    for arm in (BASE, *recipe.arms):
        defined: list[str | int] = [base, arm]
        if arm != BASE:
            defined += [version, ctx.revision_hash, recipe.training_hash]
            if recipe.model:  # several students may have one model; their examples differ
                defined.append(recipe.student)
        checkpoint_id = content_id("checkpoint", *defined)
        entries[checkpoint_id[:12]] = PlannedCheckpoint(
            arm=arm,
            checkpoint_id=checkpoint_id,
            base_model=recipe.student,
            base_sha256=base,
            corpus_version=version,
        )
    entries = entries | {n: e for n, e in _original(ctx, version).items() if n not in entries}
    champion = _champion(ctx, list(entries), version)
    for name, entry in [*champion.items(), *entries.items()]:  # the champion first: see `_champion`
        ctx.run.write_plan(name, entry)
    return list(entries | champion)


def _original(ctx: RunContext, version: int) -> dict[str, PlannedCheckpoint]:
    """The entry of the original base, if the base is a checkpoint and one may be promoted.

    Raises:
        BadInputError: the model is not in its folder any more.
        WrongBaseError: the folder has another model than the line was trained from.
    """
    line, name = parse_student_name(ctx.recipe.student)
    if name is None or ctx.recipe.promotion is None:
        return {}
    folder = model_folder(line, ctx.recipe.model)
    if folder is None:
        raise BadInputError(
            f"the original base {line!r} is not a model in a folder of this machine, and a checkpoint is"
            " promoted only if it is as accurate as that model",
            state="Nothing was trained; the corpus is as it was",
            next_command=f"put the model back into {ctx.recipe.source}, or remove promotion from the recipe",
        )
    digest = model_digest(folder)
    with open_registry(settings().resolved_database_url) as registry:
        ancestor = registry.get(name)
        while before := parse_student_name(ancestor.base_model).checkpoint:
            ancestor = registry.get(before)
    if digest != ancestor.base_sha256:
        raise WrongBaseError(
            f"the model in {folder} is not the original base of {ctx.recipe.student}: its digest is"
            f" {digest[:12]}, not {ancestor.base_sha256[:12]}",
            state="Nothing was trained; the corpus is as it was",
            next_command="put the earlier model back, or set student in the recipe to the new model",
        )
    checkpoint_id = content_id("checkpoint", digest, BASE)
    entry = PlannedCheckpoint(
        arm=ORIGINAL,
        checkpoint_id=checkpoint_id,
        base_model=line,
        base_sha256=digest,
        corpus_version=version,
    )
    return {checkpoint_id[:12]: entry}


def _champion(ctx: RunContext, names: list[str], version: int) -> dict[str, PlannedCheckpoint]:
    """The entry of the champion, if there is one that is neither the base nor one of `names`.

    A run that was planned before keeps the champion of that time: what the run itself promotes must not
    change what it compares with when it is run again.
    """
    planned = entries_of(ctx)
    kept = {n: e for n, e in planned.items() if e.arm == CHAMPION and e.corpus_version == version}
    if kept or all(name in planned for name in names):
        return kept
    with open_registry(settings().resolved_database_url) as registry:
        champion = registry.champion(ctx.recipe.line)
    if champion is None or champion.checkpoint_id[:12] in (
        *names,
        parse_student_name(ctx.recipe.student).checkpoint,
    ):
        return {}
    entry = PlannedCheckpoint(
        arm=CHAMPION,
        checkpoint_id=champion.checkpoint_id,
        base_model=champion.base_model,
        base_sha256=champion.base_sha256,
        corpus_version=version,
    )
    return {champion.checkpoint_id[:12]: entry}
