"""Champions that each lose less than the margin: in a row they may not lose more than it."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from drp.config.settings import settings
from drp.core.errors import BadInputError
from drp.core.stage_names import EVALUATE
from drp.evaluation.promotion_rule import PromotionDecision
from drp.evaluation.scores import Samples, score_row
from drp.lake.lake import Lake
from drp.registry.checkpoint_files import folder_key, store_folder
from drp.registry.records import Checkpoint
from drp.registry.registry import Registry, open_registry
from drp.runtime.context import RunContext, open_training
from drp.runtime.training_plan import entries_of, entry_of, evaluation_of, manifest_key, model_digest
from drp.stages.compare import compare
from drp.stages.evaluate import cutoffs, sampling_task, score_key, shard_of
from drp.stages.prepare import prepare
from drp.stages.promote import promote
from drp.stages.register import register
from drp.stages.train_report import tables, train_report
from drp.student import small
from drp.training.atomic_files import FileDigest
from drp.training.errors import WrongBaseError
from drp.training.job import Manifest
from tests.helpers.checkpoints import checkpoint_id, make_checkpoint
from tests.helpers.nights import DAY
from tests.helpers.report_pages import Page
from tests.helpers.row_factories import make_example, make_score_sample

pytestmark = pytest.mark.skipif(
    not (small.WEIGHTS / "config.json").is_file(), reason="the small student has no weights"
)

QUESTIONS = 300
EVALUATION = {
    "benchmarks": [
        {
            "name": "small",
            "questions": {"source": "synthetic", "level": "small", "split": "test", "size": QUESTIONS},
        }
    ],
    "sampling": {"samples": 2},
}
RULE = {"benchmark": "small", "margin": 0.1, "saving": 0.1}
MADE = Manifest(
    job="j",
    objective="sft",
    method="full",
    base="small",
    base_sha256="1" * 64,
    steps=4,
    epochs=1,
    examples_used=9,
    examples_validation=0,
    examples_dropped=0,
    tokens_trained=900,
    tokens_per_second=1.0,
    seconds=1.0,
    validation_loss=None,
    best_validation_loss=None,
    curve=(),
    files={"merged/model.safetensors": FileDigest(bytes=1, sha256="0" * 64)},
    peak_memory_bytes=1,
    versions={},
)


@pytest.fixture
def registry(lake: Lake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Registry]:
    """An empty registry, and a corpus of one example."""
    monkeypatch.setenv("DRP_DATABASE_URL", f"sqlite:///{tmp_path}/drp.db")
    monkeypatch.setenv("DRP_SCRATCH", str(tmp_path / "scratch"))
    settings.cache_clear()
    night = lake.run(f"{DAY}-drp")
    with night.shard("prune", "s1", "f1") as out:
        out.add("examples", make_example())
    lake.publish(night, night.shard_files())
    with open_registry(settings().resolved_database_url) as opened:
        yield opened


@pytest.fixture
def training(registry: Registry, recipe_file: Callable[..., str]) -> Callable[..., RunContext]:
    """A function that opens the n-th training run, of a candidate of its own."""

    def opened(number: int, student: str = "small", **changes: Any) -> RunContext:
        sections = {"evaluation": EVALUATION, "promotion": RULE, "student": student} | changes
        training = {"method": "full", "seed": number}
        return open_training(recipe_file(training=training, **sections), f"2026-12-{number:02}")

    return opened


def measure(run: RunContext, name: str, wrong: int, tokens: int) -> None:
    """Write the samples of an entry: the first `wrong` questions are answered wrongly."""
    entry, shard = entry_of(run, name), shard_of(run, name, "small")
    if entry.arm == "drp":
        run.lake.store.put(manifest_key(entry), MADE.model_dump_json().encode())
    key = score_key(run, "small")
    of_base = next(n for n, planned in entries_of(run).items() if planned.arm == "base")
    task = sampling_task(run, shard_of(run, of_base, "small"))
    questions = sorted({sample.question.question_id for sample in task.samples})
    rows = [
        make_score_sample(
            score_sample_id=f"{name} {question} {index}",
            score_id=key.score_id(entry.checkpoint_id, None),
            question_id=question,
            sample_index=index,
            verdict="different" if number < wrong else "equal",
            total_tokens=tokens,
            think_tokens=tokens // 2,
        )
        for number, question in enumerate(questions)
        for index in range(2)
    ]
    with run.run.shard(EVALUATE, shard, run.recipe.evaluation_hash) as out:
        for row in rows:
            out.add("score_samples", row)
        samples = Samples.read(rows)
        identity = {"checkpoint_id": entry.checkpoint_id, "arm": entry.arm}
        out.add("scores", score_row(samples, key, cutoff=None, **identity))


def decide(run: RunContext, names: list[str]) -> PromotionDecision:
    """Compare, register, promote and report, as `drp train` does."""
    decision = compare(run, names)
    assert decision is not None
    register(run, names)
    assert promote(run, decision) is decision.promote
    train_report(run, names)
    return decision


def test_a_chain_of_champions_cannot_lose_more_than_the_margin(
    training: Callable[..., RunContext], registry: Registry, drp: Callable[..., tuple[int, str, str]]
) -> None:
    """Each loses 2 points, against a margin of 10; the fourth would be shown to be only 11 points lower."""
    promoted, champion = [], {"wrong": 0, "tokens": 1_000}
    for number in range(1, 5):
        candidate = {"wrong": 6 * number, "tokens": champion["tokens"] * 4 // 5}
        measured = {"base": {"wrong": 0, "tokens": 1_000}, "champion": champion, "drp": candidate}
        run = training(number)
        names = prepare(run)
        for name in names:
            measure(run, name, **measured[entry_of(run, name).arm])
        decision = decide(run, names)
        promoted.append(decision.promote)
        champion = candidate
    assert promoted == [True, True, True, False]

    assert decision.reason.startswith("the chain of champions has used up the margin: ")
    assert "on small compared with champion: accuracy -2.0%" in decision.reason
    assert "compared with the original base: accuracy -8.0% (lower bound -1" in decision.reason
    page = Page(Path(run.report_address).read_text())
    assert "Not promoted DRP is not shown to be as accurate as the original base. The chain" in page.words
    assert "✓ as accurate: Pass@1 −2.0 points compared with the champion" in page.words
    assert "✗ as accurate as the original base: Pass@1 −8.0 points compared with the base" in page.words
    cells = [str(cell) for column in tables(run)[-1].columns for cell in column.cells]
    assert "✗ as accurate as the original base" in cells

    status, shown, _ = drp("registry", "show", decision.checkpoint_id)
    assert status == 0
    assert "the chain of champions has used up the margin" in " ".join(shown.replace("│", " ").split())
    (score,) = registry.get(decision.checkpoint_id).scores
    assert score["change_from_original"] == pytest.approx(-0.08)
    assert (
        registry.get("champion").checkpoint_id
        != decision.checkpoint_id
        == registry.get("challenger").checkpoint_id
    )


@pytest.fixture
def champion(registry: Registry, lake: Lake, tmp_path: Path) -> Checkpoint:
    """The small student's own weights as champion of its line, in a folder with another digest."""
    key = folder_key(checkpoint_id(1), "merged")
    shutil.copytree(small.WEIGHTS, tmp_path / "made")
    (tmp_path / "made/README.md").write_text("trained")
    files = store_folder(lake.store, tmp_path / "made", key)
    names = {"base_model": "small", "base_sha256": model_digest(small.WEIGHTS)}
    made = make_checkpoint(1, files=files, adapter_key=None, **names)
    registry.register(made)
    registry.promote(made.checkpoint_id, "champion", "a test")
    return made


def test_a_student_that_is_a_checkpoint_is_compared_with_the_model_that_its_line_began_with(
    training: Callable[..., RunContext], champion: Checkpoint
) -> None:
    run = training(2, "small@champion")
    names = prepare(run)
    arms = {entry_of(run, name).arm: name for name in names}
    assert list(arms) == ["base", "drp", "original"], "the champion is the base"
    assert entry_of(run, arms["original"]).base_model == "small"
    assert Path(sampling_task(run, shard_of(run, arms["original"], "small")).student.model) == small.WEIGHTS
    for arm, wrong in {"original": 0, "base": 20, "drp": 24}.items():
        measure(run, arms[arm], wrong, 100 if arm != "drp" else 80)
    decision = decide(run, names)
    assert not decision.promote
    assert "compared with base: accuracy -1.3%" in decision.reason
    assert "used up the margin" in decision.reason
    page = Page(Path(run.report_address).read_text())
    assert "original base 100.0 %" in page.words
    assert "Pass@1 −8.0 points compared with the original base" in page.words


def test_without_a_rule_the_original_base_is_not_measured(
    training: Callable[..., RunContext], champion: Checkpoint
) -> None:
    run = training(2, "small@champion", promotion=None)
    assert [entry_of(run, name).arm for name in prepare(run)] == ["base", "drp"]


def test_another_model_in_the_folder_of_the_line_is_not_the_original_base(
    training: Callable[..., RunContext], registry: Registry, lake: Lake, tmp_path: Path
) -> None:
    key = folder_key(checkpoint_id(1), "merged")
    shutil.copytree(small.WEIGHTS, tmp_path / "made")
    files = store_folder(lake.store, tmp_path / "made", key)
    for number, base in ((1, "small"), (2, f"small@{checkpoint_id(1)[:12]}")):
        merged = {"files": files, "adapter_key": None, "merged_key": key}
        registry.register(make_checkpoint(number, base_model=base, base_sha256=f"{number}" * 64, **merged))
    with pytest.raises(WrongBaseError, match="is not the original base") as caught:
        prepare(training(3, f"small@{checkpoint_id(2)[:12]}"))
    assert "not 111111111111" in str(caught.value), "the digest that the first checkpoint was trained from"


def test_an_original_base_that_is_gone_is_an_error_before_anything_is_trained(
    training: Callable[..., RunContext], registry: Registry, lake: Lake, tmp_path: Path
) -> None:
    key = folder_key(checkpoint_id(1), "merged")
    shutil.copytree(small.WEIGHTS, tmp_path / "made")
    files = store_folder(lake.store, tmp_path / "made", key)
    line = str(tmp_path / "models/gone")
    registry.register(make_checkpoint(1, student=line, base_model=line, files=files, adapter_key=None))
    with pytest.raises(BadInputError, match=r"the original base .* is not a model in a folder"):
        prepare(training(3, f"{line}@{checkpoint_id(1)[:12]}"))


@pytest.mark.parametrize(
    ("cutoff", "max_tokens", "measured"),
    [
        (1_023, 131_072, (None, 1_023)),
        (1_024, 131_072, (None,)),
        (200, 200, (None,)),
        (199, 200, (None, 199)),
        (None, 200, (None,)),
    ],
)
def test_a_cut_off_is_measured_only_if_a_sample_can_be_longer(
    training: Callable[..., RunContext], cutoff: int | None, max_tokens: int, measured: tuple[int | None, ...]
) -> None:
    """The context of the model has 1,024 tokens."""
    sampling = {"samples": 2, "max_tokens": max_tokens}
    run = training(1, evaluation=EVALUATION | {"cutoff": cutoff, "sampling": sampling})
    base, _ = prepare(run)
    student = sampling_task(run, shard_of(run, base, "small")).student
    assert cutoffs(evaluation_of(run.recipe), student) == measured
