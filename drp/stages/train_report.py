"""Report of a training run: its page and its tables, also for a run that is not finished."""

from collections.abc import Mapping, Sequence, Set
from contextlib import closing
from dataclasses import replace
from typing import Any

from rich.table import Table

from drp.config import BASE, CHAMPION, settings
from drp.core import BadInputError, Question
from drp.core.stage_names import EVALUATE
from drp.evaluation import ArmComparison, Comparison, Interval, PromotionDecision
from drp.query import THREADS, open_session, select
from drp.registry import open_registry
from drp.report.nightly import query_parameters
from drp.report.training import (
    UNPRUNED,
    Entrant,
    TrainingFacts,
    build_training_report,
    in_table_order,
    scoreboard,
)
from drp.runtime import PlannedCheckpoint, RunContext, entries_of, entry_of, evaluation_of, manifest_key
from drp.stages import evaluate
from drp.stages.compare import read_comparison
from drp.stages.report import MEMORY
from drp.training import Manifest


def train_report(ctx: RunContext, names: list[str] | None = None) -> str:
    """Write the page about the entries `names` of the plan (default: the last ones); return its address."""
    facts = _facts(ctx, latest(ctx) if names is None else [entry_of(ctx, name) for name in names])
    with closing(open_session(ctx.own_parts(), memory_limit=MEMORY, threads=THREADS)) as con:
        page = build_training_report(con, facts)
    ctx.lake.store.put(f"{ctx.report_folder}/report.html", page.encode())
    return ctx.report_address


def tables(ctx: RunContext) -> list[Table]:
    """Tables of the scores and the decision, for a terminal."""
    facts = _facts(ctx, latest(ctx))
    with closing(open_session(ctx.own_parts(), memory_limit=MEMORY, threads=THREADS)) as con:
        return scoreboard(con, facts)


def latest(ctx: RunContext) -> list[PlannedCheckpoint]:
    """The entries that were compared last; before any comparison, those of the newest corpus version.

    Raises:
        BadInputError: the run has no plan.
    """
    rows = (read_comparison(ctx) or {"compared": []})["compared"]
    compared = {row["checkpoint_id"] for row in rows}
    references = {row["reference"] for row in rows}
    entries = list(entries_of(ctx).values())
    about = [e for e in entries if e.checkpoint_id in compared or e.arm in references] or entries
    if not entries:
        raise BadInputError(
            f"run {ctx.run_id} has not started: it has no plan",
            state="Nothing was written",
            next_command=f"drp train --recipe {ctx.recipe_option} --run-date {ctx.run.run_date}",
        )
    newest = {entry.arm: entry for entry in sorted(about, key=lambda entry: entry.corpus_version)}
    return [newest[arm] for arm in in_table_order(newest)]


def _facts(ctx: RunContext, entries: Sequence[PlannedCheckpoint]) -> TrainingFacts:
    recipe, evaluation = ctx.recipe, evaluation_of(ctx.recipe)
    version = max(entry.corpus_version for entry in entries)
    is_evaluation = ctx.run.parsed_id.kind == "evaluate"
    entrants = [
        Entrant(
            entry.arm,
            entry.checkpoint_id,
            None if is_evaluation else _manifest(ctx, entry),
            entry.label,
        )
        for entry in entries
    ]
    compared, against_original, decision = _comparison(ctx, {e.checkpoint_id for e in entrants})
    facts = TrainingFacts(
        run_id=ctx.run_id,
        run_date=ctx.run.run_date,
        recipe=recipe.label,
        recipe_hash=ctx.revision_hash,
        student=recipe.student,
        corpus_version=version,
        entrants=entrants,
        benchmarks=[benchmark.name for benchmark in evaluation.benchmarks],
        cutoff=evaluation.cutoff,
        rule=recipe.promotion,
        compared=compared,
        against_original=against_original,
        decision=decision,
        is_champion=decision is not None and _was_promoted(decision),
        is_evaluation=is_evaluation,
    )
    return replace(
        facts, unpruned=_unpruned(ctx, facts), questions=_questions(ctx, facts), flags=_flags(entrants)
    )


def _flags(entrants: Sequence[Entrant]) -> dict[str, list[str]]:
    """Why checkpoints of the run should not be used, by the name of their entrant."""
    with open_registry(settings().resolved_database_url) as registry:
        flags = registry.flags()
    return {
        entrant.name: [f"{flag.flag}: {flag.reason}" for flag in flags[entrant.checkpoint_id]]
        for entrant in entrants
        if entrant.checkpoint_id in flags
    }


def _manifest(ctx: RunContext, entry: PlannedCheckpoint) -> Manifest | None:
    data = ctx.lake.store.get(manifest_key(entry))
    return Manifest.model_validate_json(data) if data else None


def _comparison(
    ctx: RunContext, checkpoint_ids: Set[str]
) -> tuple[Sequence[ArmComparison], ArmComparison | None, PromotionDecision | None]:
    """The comparisons of these checkpoints with the reference, that with the original base, the decision."""
    document = read_comparison(ctx) or {"compared": [], "decision": None}
    compared = [_compared(row) for row in document["compared"] if row["checkpoint_id"] in checkpoint_ids]
    found = document["decision"]
    if found is None or found["checkpoint_id"] not in checkpoint_ids:
        return compared, None, None
    against_original = document.get("against_original")  # not in a document of version 0.1.0
    return compared, against_original and _compared(against_original), PromotionDecision(**found)


def _compared(row: dict[str, Any]) -> ArmComparison:
    found = row["comparison"]
    intervals = {name: Interval(**found[name]) for name in ("accuracy", "tokens")}
    return ArmComparison(**row | {"comparison": Comparison(**found | intervals)})


def _was_promoted(decision: PromotionDecision) -> bool:
    """Whether the checkpoint became the champion, by the run or later by a person."""
    with open_registry(settings().resolved_database_url) as registry:
        moves = registry.moves()
    return any(move.alias == CHAMPION and move.to_id == decision.checkpoint_id for move in moves)


def _unpruned(ctx: RunContext, facts: TrainingFacts) -> Mapping[str, float]:
    if facts.corpus_version not in ctx.lake.corpus.numbers():
        return {}  # it was retired, because a source was removed
    rows = select(ctx.lake.published(facts.corpus_version), UNPRUNED, query_parameters(facts, UNPRUNED))
    return {row["token_counter"]: row["mean_tokens"] for row in rows}


def _questions(ctx: RunContext, facts: TrainingFacts) -> Mapping[str, Question]:
    """Questions of the deciding benchmark, once the base was measured on it."""
    base = next(entrant.checkpoint_id[:12] for entrant in facts.entrants if entrant.arm == BASE)
    shard = evaluate.shard_of(ctx, base, facts.deciding)
    if not ctx.run.is_done(EVALUATE, shard):
        return {}
    return {
        sample.question.question_id: sample.question for sample in evaluate.sampling_task(ctx, shard).samples
    }
