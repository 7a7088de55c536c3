"""Prepare: write the plan of a training run."""

from pathlib import Path

from drp.config import BASE, CHAMPION, parse_student_name, settings
from drp.core import BadInputError, content_id
from drp.registry import open_registry
from drp.runtime import PlannedCheckpoint, RunContext, entries_of, evaluation_of, fetch_student, model_digest
from drp.student.engines import student_of


def prepare(ctx: RunContext, corpus_version: int | None = None) -> list[str]:
    """Write the plan for a corpus version (default: the current one); return the entries' names, base first.

    Raises:
        BadInputError: there is nothing to train on.
    """
    recipe = ctx.recipe
    evaluation_of(recipe)
    ctx.keep_recipe()
    version = corpus_version or ctx.lake.corpus.current().number
    if not ctx.lake.corpus.read(version).rows().get("examples"):
        raise BadInputError(
            f"corpus version {version} has no examples",
            state="Nothing was trained",
            next_command=f"drp nightly --recipe {recipe.name}",
        )
    student = student_of(recipe)
    if not student.model:
        raise BadInputError(
            f"the student {student.name!r} is not a model in a folder of this machine and cannot be trained",
            state="Nothing was trained; the corpus is as it was",
            next_command="set student in the recipe (or DRP_STUDENT) to the folder of a model",
        )
    fetch_student(ctx.lake.store, student.name)
    base = model_digest(Path(student.model))
    entries: dict[str, PlannedCheckpoint] = {}
    for arm in (BASE, *recipe.arms):
        defined = (
            (base, arm) if arm == BASE else (base, arm, version, ctx.revision_hash, recipe.training_hash)
        )
        checkpoint_id = content_id("checkpoint", *defined)
        entries[checkpoint_id[:12]] = PlannedCheckpoint(
            arm=arm,
            checkpoint_id=checkpoint_id,
            base_model=recipe.student,
            base_sha256=base,
            corpus_version=version,
        )
    champion = _champion(ctx, list(entries), version)
    for name, entry in [*champion.items(), *entries.items()]:  # the champion first: see `_champion`
        ctx.run.write_plan(name, entry)
    return list(entries | champion)


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
