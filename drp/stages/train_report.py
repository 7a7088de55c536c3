"""Train report: the page of a training run and its scores, for people; also of one that is not finished."""

from collections.abc import Mapping, Sequence, Set
from contextlib import closing
from dataclasses import replace
from typing import Any, cast

from rich.table import Table

from drp.config.settings import settings
from drp.core.errors import BadInputError
from drp.core.records import Question
from drp.evaluation.decision import Compared, Decision
from drp.evaluation.statistics import Comparison, Interval
from drp.query.select import THREADS, select
from drp.query.session import open_session
from drp.registry.registry import open_registry
from drp.report.nightly.queries import used
from drp.report.training.model import ARMS, Entrant, TrainingFacts
from drp.report.training.page import build_training_report
from drp.report.training.queries import UNPRUNED
from drp.report.training.summary import scoreboard
from drp.runtime.context import Night
from drp.runtime.training_plan import BASE, CHAMPION, Entry, entry_of, evaluation_of, manifest_key
from drp.stages import evaluate
from drp.stages.compare import read_comparison
from drp.stages.report import MEMORY
from drp.training.job import Manifest


def train_report(run: Night, names: list[str] | None = None) -> str:
    """Write the page about the entries `names` of the plan (default: the last ones); gives its address."""
    facts = _facts(run, latest(run) if names is None else [entry_of(run, name) for name in names])
    with closing(open_session(run.own(), memory_limit=MEMORY, threads=THREADS)) as con:
        page = build_training_report(con, facts)
    run.lake.store.put(f"{run.reports}/report.html", page.encode())
    return run.page


def tables(run: Night) -> list[Table]:
    """The scores and the decision in tables, for a terminal."""
    facts = _facts(run, latest(run))
    with closing(open_session(run.own(), memory_limit=MEMORY, threads=THREADS)) as con:
        return scoreboard(con, facts)


def latest(run: Night) -> list[Entry]:
    """The entries that were compared last; those of the newest corpus version while nothing was.

    Raises:
        BadInputError: the run has no plan.
    """
    rows = (read_comparison(run) or {"compared": []})["compared"]
    compared = {row["checkpoint_id"] for row in rows}
    references = {row["reference"] for row in rows}
    entries = [cast(Entry, plan) for plan in run.run.plans().values()]
    about = [e for e in entries if e["checkpoint_id"] in compared or e["arm"] in references] or entries
    if not entries:
        raise BadInputError(
            f"run {run.run_id} has not begun: it has no plan",
            state="Nothing was written",
            next_command=f"drp train --recipe {run.recipe.name} --run-date {run.run.run_date}",
        )
    newest = {entry["arm"]: entry for entry in sorted(about, key=lambda entry: entry["corpus_version"])}
    return [newest[arm] for arm in ARMS if arm in newest]


def _facts(run: Night, entries: Sequence[Entry]) -> TrainingFacts:
    recipe, evaluation = run.recipe, evaluation_of(run.recipe)
    version = max(entry["corpus_version"] for entry in entries)
    entrants = [Entrant(entry["arm"], entry["checkpoint_id"], _manifest(run, entry)) for entry in entries]
    compared, decision = _comparison(run, {entrant.checkpoint_id for entrant in entrants})
    facts = TrainingFacts(
        run_id=run.run_id,
        run_date=run.run.run_date,
        recipe=recipe.name,
        recipe_hash=recipe.revision_hash,
        student=recipe.student,
        corpus_version=version,
        entrants=entrants,
        benchmarks=[benchmark.name for benchmark in evaluation.benchmarks],
        cutoff=evaluation.cutoff,
        rule=recipe.promotion,
        compared=compared,
        decision=decision,
        is_champion=decision is not None and _was_promoted(decision),
    )
    return replace(facts, unpruned=_unpruned(run, facts), questions=_questions(run, facts))


def _manifest(run: Night, entry: Entry) -> Manifest | None:
    data = run.lake.store.get(manifest_key(entry))
    return Manifest.model_validate_json(data) if data else None


def _comparison(run: Night, checkpoint_ids: Set[str]) -> tuple[Sequence[Compared], Decision | None]:
    """What was compared of these checkpoints, and what was decided of one of them."""
    document = read_comparison(run) or {"compared": [], "decision": None}
    compared = [_compared(row) for row in document["compared"] if row["checkpoint_id"] in checkpoint_ids]
    decision = Decision(**document["decision"]) if document["decision"] else None
    return compared, decision if decision and decision.checkpoint_id in checkpoint_ids else None


def _compared(row: dict[str, Any]) -> Compared:
    found = row["comparison"]
    intervals = {name: Interval(**found[name]) for name in ("accuracy", "tokens")}
    return Compared(**row | {"comparison": Comparison(**found | intervals)})


def _was_promoted(decision: Decision) -> bool:
    """Whether the checkpoint was made the champion, by the run or by a person after it."""
    with open_registry(settings().ledger_url) as registry:
        moves = registry.moves()
    return any(move.alias == CHAMPION and move.to_id == decision.checkpoint_id for move in moves)


def _unpruned(run: Night, facts: TrainingFacts) -> Mapping[str, float]:
    rows = select(run.lake.published(facts.corpus_version), UNPRUNED, used(facts, UNPRUNED))
    return {row["token_counter"]: row["mean_tokens"] for row in rows}


def _questions(run: Night, facts: TrainingFacts) -> Mapping[str, Question]:
    """The questions of the benchmark that decides, once the base was measured on it."""
    base = next(entrant.checkpoint_id[:12] for entrant in facts.entrants if entrant.arm == BASE)
    shard = evaluate.shard_of(run, base, facts.deciding)
    if not run.run.is_done(evaluate.STAGE, shard):
        return {}
    return {sample.question.question_id: sample.question for sample in evaluate.wanted(run, shard).samples}
