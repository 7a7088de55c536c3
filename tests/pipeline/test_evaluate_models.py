"""`drp evaluate`: base and candidate get the scores of the training run, and figures that are computed anew.

A made engine samples: its answers depend on the model's files, the question and the seed of the sample.
"""

import json
import math
import random
import shutil
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest
from scipy import stats

from drp.config.settings import settings
from drp.core import BadInputError, Rollout, content_id
from drp.lake.lake import Lake
from drp.pipeline.evaluate_models import evaluate_models, evaluation_document
from drp.query.session import select
from drp.registry.checkpoint_files import folder_key, store_folder
from drp.registry.registry import Registry, open_registry
from drp.runtime import entries_of, open_evaluation, open_training, student_sampling
from drp.runtime.context import RunContext
from drp.runtime.shard_plans import PlannedCheckpoint
from drp.runtime.training_plan import model_digest
from drp.stages.compare import compare, read_comparison
from drp.stages.evaluate import evaluate, shards
from drp.stages.train_report import tables
from drp.student import SampleRequest, Student, small
from drp.student.response import Response, sample_key, to_rollout
from drp.training import WrongBaseError
from tests.helpers.checkpoints import make_checkpoint
from tests.helpers.nights import DAY, lake, recipe_file
from tests.helpers.report_pages import Page

__all__ = ["lake", "recipe_file"]

SAMPLES = 3
EVALUATION = {
    "benchmarks": [
        {"name": name, "questions": {"source": "synthetic", "level": level, "split": "test", "size": size}}
        for name, level, size in (("easy", "small", 40), ("hard", "small-longer", 12))
    ],
    "sampling": {"samples": SAMPLES, "seed": 4},
    "cutoff": 300,
}


class MadeEngine:
    """Answers rightly in 6 of 10 samples; a model with a file `short` needs a third of the tokens."""

    name = "made"

    def __init__(self, student: Student) -> None:
        self._student = student
        self._is_short = (Path(student.model) / "short").is_file()
        self._identity = model_digest(Path(student.model))

    def sample(self, samples: Iterable[SampleRequest]) -> Iterator[Rollout]:
        for sample in samples:
            rng = random.Random(f"{self._identity} {sample_key(self._student, sample)}")  # noqa: S311
            tokens = rng.randint(100, 500) // (3 if self._is_short else 1)
            answer = sample.question.gold_answer if rng.random() < 0.6 else str(rng.randint(-3, -1))
            response = "" if tokens > 480 else f"It is \\boxed{{{answer}}}."
            made = Response("so", response, "stop" if response else "length", tokens - 9, tokens, "words")
            yield to_rollout(self._student, self.name, sample, made)


@pytest.fixture
def registry(lake: Lake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Registry]:
    """An empty registry; students are run by the made engine."""
    monkeypatch.setenv("DRP_DATABASE_URL", f"sqlite:///{tmp_path}/drp.db")
    monkeypatch.setenv("DRP_SCRATCH", str(tmp_path / "scratch"))
    monkeypatch.setenv("DRP_HOME", str(tmp_path))
    monkeypatch.setattr(student_sampling, "make_engine", MadeEngine)
    monkeypatch.setattr(student_sampling, "environment_of", lambda student: "orchestrator")
    settings.cache_clear()
    with open_registry(settings().resolved_database_url) as opened:
        yield opened


@pytest.fixture
def candidate(registry: Registry, lake: Lake, tmp_path: Path) -> str:
    """Id of a registered checkpoint of the small student."""
    folder = tmp_path / "candidate"
    shutil.copytree(small.WEIGHTS, folder)
    (folder / "short").touch()
    identity = content_id("checkpoint", "a candidate")
    key = folder_key(identity, "merged")
    files = store_folder(lake.store, folder, key)
    registry.register(
        make_checkpoint(1, checkpoint_id=identity, files=files, adapter_key=None, merged_key=key)
    )
    return identity


@pytest.fixture
def recipe(recipe_file: Callable[..., str]) -> str:
    return recipe_file(evaluation=EVALUATION, student="small")


@pytest.fixture
def trained(recipe: str, candidate: str) -> RunContext:
    """A training run that has measured its base and its candidate."""
    run, digest = open_training(recipe, DAY), model_digest(small.WEIGHTS)
    for arm, identity in (("base", content_id("checkpoint", digest, "base")), ("drp", candidate)):
        run.run.write_plan(
            identity[:12],
            PlannedCheckpoint(
                arm=arm, checkpoint_id=identity, base_model="small", base_sha256=digest, corpus_version=1
            ),
        )
    names = list(entries_of(run))
    for shard in shards(run, names):
        evaluate(run, shard)
    compare(run, names)
    return run


def scores(run: RunContext) -> dict[tuple[Any, ...], dict[str, Any]]:
    rows = select(run.own_parts("evaluate"), "SELECT * EXCLUDE (arm, run_date) FROM scores")
    return {(row["checkpoint_id"], row["benchmark"], row["cutoff"]): row for row in rows}


def samples(run: RunContext) -> list[dict[str, Any]]:
    return list(
        select(
            run.own_parts("evaluate"),
            "SELECT s.* EXCLUDE (run_date), benchmark, checkpoint_id FROM score_samples s"
            " JOIN (SELECT DISTINCT score_id, benchmark, checkpoint_id FROM scores) USING (score_id)"
            " ORDER BY checkpoint_id, benchmark, question_id, sample_index",
        )
    )


def measured(recipe: str, *models: str, **options: Any) -> RunContext:
    ctx, names = open_evaluation(recipe, DAY, models, **options)
    evaluate_models(ctx, names)
    return ctx


def test_base_and_candidate_get_the_scores_of_the_training_run_to_the_last_digit(recipe, trained, candidate):
    run = measured(recipe, "small", candidate[:8])
    assert run.run_id.startswith(f"{DAY}-evaluate-")
    assert scores(run) == scores(trained)
    assert len(scores(run)) == 2 * 2 * 2, "two models, two benchmarks, without and with the cut-off"
    assert samples(run) == samples(trained)

    def figures(ctx: RunContext) -> list[Any]:
        rows = (read_comparison(ctx) or {})["compared"]
        return [(row["benchmark"], row["comparison"], row["least_margin"]) for row in rows]

    assert figures(run) == figures(trained)
    assert scores(measured(recipe, candidate)).items() <= scores(trained).items(), "alone too"


def test_the_figures_are_those_of_an_independent_computation(recipe, candidate):
    run = measured(recipe, "small", candidate)
    by_question: dict[Any, dict[str, list[dict[str, Any]]]] = defaultdict(lambda: defaultdict(list))
    for row in samples(run):
        by_question[row["checkpoint_id"], row["benchmark"]][row["question_id"]].append(row)
    assert {key[1]: len(questions) for key, questions in by_question.items()} == {"easy": 40, "hard": 12}
    for (checkpoint_id, benchmark, cutoff), score in scores(run).items():
        limit = cutoff or math.inf
        right, majority, tokens, cut = [], [], [], []
        for rows in by_question[checkpoint_id, benchmark].values():
            assert [row["sample_index"] for row in rows] == list(range(SAMPLES))
            inside = [row["total_tokens"] <= limit for row in rows]
            good = [row["verdict"] == "equal" and ok for row, ok in zip(rows, inside, strict=True)]
            answers = [row["predicted_answer"] if ok else None for row, ok in zip(rows, inside, strict=True)]
            given = [answer for answer in answers if answer is not None]
            best = max(given, key=lambda answer: (given.count(answer), -given.index(answer)), default=None)
            majority.append(best is not None and good[answers.index(best)])
            right.append(sum(good) / SAMPLES)
            tokens += [min(row["total_tokens"], limit) for row in rows]
            cut += [row["finish_reason"] == "length" or not ok for row, ok in zip(rows, inside, strict=True)]
        assert score["pass_at_1"] == pytest.approx(math.fsum(right) / len(right), abs=1e-15)
        assert score["majority_at_n"] == sum(majority) / len(majority)
        assert score["mean_tokens"] == pytest.approx(math.fsum(tokens) / len(tokens), rel=1e-15)
        assert score["share_cut"] == pytest.approx(sum(cut) / len(cut), abs=1e-15)
        assert score["pass_at_1_low"] < score["pass_at_1"] < score["pass_at_1_high"]
    for row in evaluation_document(run)["compared"]:
        base, other = (
            [sum(sample["verdict"] == "equal" for sample in rows) for rows in questions.values()]
            for questions in (
                by_question[entry.checkpoint_id, row["benchmark"]]
                for entry in sorted(entries_of(run).values(), key=lambda entry: entry.arm != "base")
            )
        )
        gains = [after - before for before, after in zip(base, other, strict=True)]
        comparison = row["comparison"]
        assert comparison["won"] == sum(gain > 0 for gain in gains)
        assert comparison["lost"] == sum(gain < 0 for gain in gains)
        assert comparison["accuracy"]["value"] == pytest.approx(sum(gains) / SAMPLES / len(gains), abs=1e-15)


def test_with_one_sample_interval_and_p_are_the_textbooks(recipe, candidate):
    run = measured(recipe, "small", candidate, overrides=["evaluation.sampling.samples=1"])
    for score in scores(run).values():
        n = score["n_questions"]
        exact = stats.binomtest(round(score["pass_at_1"] * n), n).proportion_ci(method="exact")
        assert (score["pass_at_1_low"], score["pass_at_1_high"]) == pytest.approx(tuple(exact), abs=1e-12)
    for row in evaluation_document(run)["compared"]:
        lost, won = row["comparison"]["lost"], row["comparison"]["won"]
        assert row["comparison"]["p"] == pytest.approx(stats.binomtest(lost, lost + won).pvalue, abs=1e-9)


def test_the_tables_and_the_page_are_those_of_a_training_run(recipe, candidate, lake, drp):
    before = lake.results.current().number
    day = ("--run-date", DAY, "--recipe", recipe)
    status, out, error = drp("evaluate", "small", candidate[:10], "--benchmarks", "easy", *day)
    assert status == 0, error
    label = f"small@{candidate[:12]}"
    for words in (
        "easy, 40 questions × 3",
        "base (small)",
        label,
        "AES",
        "compared with base (small)",
        "measured",
    ):
        assert words in out
    assert "hard" not in out
    assert lake.results.current().number == before, "nothing is published"
    run_id = next(word for word in out.split() if word.startswith(f"{DAY}-evaluate-"))
    page = Page(Path(drp("report", run_id)[1].strip()).read_text())
    assert "2 models measured on easy; nothing was trained or promoted." in page.words
    assert f"Compared with the base (small), on the same questions and seeds" in page.words  # noqa: F541
    assert label in page.words
    assert "evaluation · run date" in page.words
    status, out, _ = drp(
        "evaluate", "small", candidate, *day, "--benchmarks", "easy,hard", "--format", "json"
    )
    assert status == 0
    document = json.loads(out)
    assert {score["benchmark"] for score in document["scores"]} == {"easy", "hard"}
    assert len(document["compared"]) == 2


def test_the_same_command_goes_on_and_another_one_is_another_run(recipe, candidate, monkeypatch):
    first = measured(recipe, "small", candidate)
    monkeypatch.setattr(student_sampling, "make_engine", None)  # nothing is sampled again
    assert measured(recipe, "small", candidate).run_id == first.run_id
    others = {
        open_evaluation(recipe, DAY, models, **options)[0].run_id
        for models, options in (
            (["small"], {}),
            ([candidate, "small"], {}),
            (["small", candidate], {"benchmarks": ["hard"]}),
            (["small", candidate], {"overrides": ["evaluation.sampling.seed=5"]}),
        )
    }
    assert len(others | {first.run_id}) == 5


def test_a_folder_of_others_is_measured_and_noticed_when_it_changes(recipe, registry, tmp_path):
    shutil.copytree(small.WEIGHTS, tmp_path / "champion")
    (tmp_path / "champion/short").touch()
    run = measured(recipe, "small", "champion")
    (table, *_) = tables(run)
    names = [str(cell) for cell in table.columns[0].cells]
    assert names == ["base (small)", "./champion"], "a folder's name is not taken for the alias"
    (tmp_path / "champion/short").write_text("changed")
    model_digest.cache_clear()
    ctx, entries = open_evaluation(recipe, "2026-11-21", ["champion"])
    (tmp_path / "champion/short").write_text("changed again")
    model_digest.cache_clear()
    with pytest.raises(WrongBaseError, match="is not the one that"):
        evaluate_models(ctx, entries)


def test_imported_questions_are_a_benchmark(recipe, registry, tmp_path, drp):
    rows = [
        {"question": f"What is {n} + 2?", "answer": str(n + 2), "dataset": "math-500", "split": "test"}
        for n in range(9)
    ]
    (tmp_path / "questions.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    assert drp("import", "questions", str(tmp_path / "questions.jsonl"))[0] == 0
    run = measured(recipe, "small", benchmarks=["math-500:test"])
    assert {(key[1], row["n_questions"]) for key, row in scores(run).items()} == {("math_500_test", 9)}
    with pytest.raises(BadInputError, match="the lake has no questions of data set 'other'"):
        measured(recipe, "small", benchmarks=["other:test"])


@pytest.mark.parametrize(
    ("models", "options", "said"),
    [
        (["small"], {"benchmarks": ["eazy"]}, r"no benchmark 'eazy' \(near: easy\)"),
        (["nothing"], {}, "'nothing' is neither a model in a folder of this machine nor a checkpoint"),
        (["small", "small"], {}, "the same model is named twice"),
        (["empty"], {}, "it has neither config.json nor adapter_config.json"),
        (["adapter"], {}, "the base model 'org/hub-model' of the adapter in .*adapter is not a folder"),
        (
            ["small"],
            {"overrides": ["evaluation.sampling.sample=1"]},
            "Near keys: evaluation.sampling.samples",
        ),
    ],
)
def test_what_cannot_be_measured_is_refused_before_anything_is_written(
    recipe, registry, lake, tmp_path, models, options, said
):
    (tmp_path / "empty").mkdir()
    (tmp_path / "adapter").mkdir()
    (tmp_path / "adapter/adapter_config.json").write_text('{"base_model_name_or_path": "org/hub-model"}')
    with pytest.raises(BadInputError, match=said):
        open_evaluation(recipe, DAY, models, **options)
    assert list(lake.store.listed("_runs")) == []
