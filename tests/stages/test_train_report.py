"""The report of a training run in a lake: what it reads from where, and what it says of the registry."""

import json
from collections.abc import Callable, Iterator
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

import pytest

from drp.config.settings import settings
from drp.core.stage_names import EVALUATE
from drp.lake.lake import Lake
from drp.registry.records import Checkpoint, CheckpointFile
from drp.registry.registry import open_registry
from drp.runtime.context import RunContext, open_training
from drp.runtime.shard_plans import PlannedCheckpoint
from drp.runtime.training_plan import entry_of, manifest_key, model_digest
from drp.stages.evaluate import sampling_task, shard_of
from drp.stages.train_report import latest, tables, train_report
from drp.student import small
from tests.helpers.nights import DAY
from tests.helpers.report_pages import Page
from tests.helpers.row_factories import make_question, make_revision, make_rollout
from tests.helpers.training_runs import COUNTER, MadeRun, make_run

EVALUATION = {
    "benchmarks": [
        {
            "name": "small",
            "questions": {"source": "synthetic", "level": "small", "split": "test", "size": 300},
        }
    ],
    "sampling": {"samples": 1},
}


@pytest.fixture
def run(
    lake: Lake, recipe_file: Callable[..., str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[RunContext]:
    """A training run with a registry of its own, on a corpus of one accepted revision."""
    monkeypatch.setenv("DRP_DATABASE_URL", f"sqlite:///{tmp_path}/drp.db")
    settings.cache_clear()
    run = open_training(recipe_file(evaluation=EVALUATION, student="small"), DAY)
    night = lake.run(f"{DAY}-drp")
    with night.shard("prune", "s1", "f1") as out:
        out.add("questions", make_question())
        out.add("rollouts", make_rollout(student="small", total_tokens=100, token_counter=COUNTER))
        out.add("revisions", make_revision(recipe_hash=run.revision_hash))
    lake.publish(night, night.shard_files())
    yield run
    settings.cache_clear()


def _measured(run: RunContext, made: MadeRun) -> list[str]:
    """Write what training and evaluating leave: plan, manifests, checkpoints, scores and samples."""
    names = []
    for entrant in made.facts.entrants:
        entry = PlannedCheckpoint(
            arm=entrant.arm,
            checkpoint_id=entrant.checkpoint_id,
            base_model="small",
            base_sha256=model_digest(small.WEIGHTS),
            corpus_version=1,
        )
        name = entrant.checkpoint_id[:12]
        run.run.write_plan(name, entry)
        names.append(name)
        if entrant.manifest:
            run.lake.store.put(manifest_key(entry), entrant.manifest.model_dump_json().encode())
    questions = sorted(
        sample.question.question_id for sample in sampling_task(run, shard_of(run, names[0], "small")).samples
    )
    for entrant, name in zip(made.facts.entrants, names, strict=True):
        with run.run.shard(EVALUATE, shard_of(run, name, "small"), run.recipe.evaluation_hash) as out:
            scores = [row for row in made.tables["scores"] if row["checkpoint_id"] == entrant.checkpoint_id]
            ids = {row["score_id"] for row in scores}
            for row in scores:
                out.add("scores", row)
            for row in made.tables["score_samples"]:
                if row["score_id"] in ids:
                    question = questions[int(row["question_id"][-4:])]
                    out.add("score_samples", row | {"question_id": question})
    return names


def _compared(run: RunContext, made: MadeRun) -> None:
    facts = made.facts
    document = {
        "compared": [asdict(row) for row in facts.compared],
        "decision": asdict(facts.decision) if facts.decision else None,
    }
    run.lake.store.put(f"{run.report_folder}/comparison.json", json.dumps(document).encode())


def _promote(checkpoint_id: str) -> None:
    known = {"student": "small", "base_model": "small", "base_sha256": "1", "corpus_version": 1}
    made = {"recipe": "drp", "recipe_hash": "h", "objective": "sft", "code_commit": "c", "environment": "e"}
    files = (CheckpointFile("merged/model.safetensors", 1, "0" * 64),)
    where = {"adapter_key": None, "merged_key": f"_checkpoints/{checkpoint_id}/merged"}
    with open_registry(settings().resolved_database_url) as registry:
        registry.register(
            Checkpoint(
                checkpoint_id,
                "drp",
                **known,
                **made,
                files=files,
                **where,
                scores=[],
                curve=[],
                created_at=datetime.now(UTC),
            )
        )
        registry.promote(checkpoint_id, "champion", "shorter")


def test_the_report_says_what_was_promoted_only_once_it_is(run: RunContext) -> None:
    made = make_run(benchmarks={"small": 300})
    names = _measured(run, made)
    _compared(run, made)
    assert train_report(run, names) == run.report_address
    before = Page(Path(run.report_address).read_text())
    assert "but was not made the champion" in before.words
    _promote(made.facts.entrants[-1].checkpoint_id)
    train_report(run, names)
    after = Page(Path(run.report_address).read_text())
    assert "Promoted DRP is shown to be shorter and not less accurate" in after.words
    assert "DRP 71 0.71×" in after.words, "71 tokens an example, of 100 a rollout"
    assert "both right · " in after.words
    assert "gold answer" in after.words, "generated questions are made again"
    assert [table.title.plain for table in tables(run)] == ["small, 300 questions × 1", run.run_id]


def test_an_unfinished_run_has_a_report_and_one_that_was_compared_is_about_what_was(run: RunContext) -> None:
    made = make_run(benchmarks={"small": 300})
    names = _measured(run, made)
    train_report(run, names)
    assert "Unfinished Still to be done: compare." in Page(Path(run.report_address).read_text()).words
    assert [entry.arm for entry in latest(run)] == ["base", "drp"]
    _compared(run, made)
    champion = entry_of(run, names[1]).model_copy(update={"arm": "champion", "checkpoint_id": "f" * 32})
    run.run.write_plan("f" * 12, champion)  # of a start of this run before the last
    assert [entry.arm for entry in latest(run)] == ["base", "drp"]
    assert "Unfinished" not in Page(Path(train_report(run, names)).read_text()).words
    later = entry_of(run, names[1]).model_copy(update={"checkpoint_id": "e" * 32, "corpus_version": 1})
    run.run.write_plan("e" * 12, later)
    train_report(run, [names[0], "e" * 12])
    todo = "train DRP, measure DRP on small, compare"
    assert f"Still to be done: {todo}." in Page(Path(run.report_address).read_text()).words
