"""The paper's own recipe from end to end: questions imported, a student of R1's shape, a night, its training.

What a hub and a GPU would bring is small here: the weights are random, and responses end after few tokens.
Such a student answers nothing, so that its own night is quarantined; recorded traces under its name are then
replayed and pruned by a provider's stand-in, asked as the recipe asks GPT-4o, and the student is trained on
them and measured on all four benchmarks.
"""

import json
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from drp.config.recipe import RECIPES, load_recipe
from drp.config.settings import settings
from drp.gates.great_expectations.validate import NightQuarantinedError
from drp.lake.lake import Lake
from drp.pipeline.nightly import nightly
from drp.pipeline.train_eval import train_eval
from drp.query.session import select
from drp.questions.generators.generate import generate, problem_from_source
from drp.registry.checkpoint_files import verify
from drp.registry.registry import open_registry
from drp.runtime.context import open_night, open_training
from drp.stages.ingest import import_file
from tests.fake_provider import provider
from tests.fake_provider.teachers import as_teacher
from tests.helpers.nights import lake_at
from tests.helpers.repository import ROOT
from tests.scripted_student.student import respond

SETS = {"gsm8k": ("train", 40, 0), "prm12k": ("train", 40, 1)}
BENCHMARKS = {"gsm8k": (8, 2), "math500": (4, 3), "aime24": (3, 4), "amc23": (3, 5)}
"""By name: size and seed."""

pytestmark = [
    pytest.mark.training,
    pytest.mark.skipif(
        not (ROOT / ".venv-training/bin/python").is_file(), reason="needs the training environment"
    ),
]


@dataclass(frozen=True)
class Ready:
    """A lake with the questions of a recipe, and the recipe."""

    lake: Lake
    recipe: str
    traces: str


@pytest.fixture(scope="module")
def ready(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ready]:
    """The recipe `r1_1_5b` but for sizes, the student's folder and what runs it."""
    folder = tmp_path_factory.mktemp("r1")
    student = folder / "DeepSeek-R1-Distill-Qwen-1.5B"
    subprocess.run(
        [ROOT / ".venv-training/bin/python", "-m", "tests.end_to_end.random_r1_model", student],
        cwd=ROOT,
        check=True,
    )
    with provider() as server, pytest.MonkeyPatch.context() as patch:
        variables = as_teacher(server, folder, "batch") | {
            "DRP_DATABASE_URL": f"sqlite:///{folder}/drp.db",
            "DRP_SCRATCH": str(folder / "scratch"),
        }
        for name, value in variables.items():
            patch.setenv(name, value)
        with lake_at(folder / "lake", workers=2) as lake:
            for name, (split, size, seed) in SETS.items():
                import_file(lake, questions(folder, name, split, size, seed), kind="questions")
            for name, (size, seed) in BENCHMARKS.items():
                import_file(lake, questions(folder, name, "test", size, seed), kind="questions")
            yield Ready(lake, write_recipe(folder, student), traces(folder, str(student)))


def questions(folder: Path, name: str, split: str, size: int, seed: int) -> Path:
    """A file like GSM8K's: questions, solutions, and final answers as text."""
    rows = [
        {"id": f"{name}-{number}", "dataset": name, "split": split, "question": q.question}
        | {"solution": f"It is {q.gold_answer}.\n#### {q.gold_answer}", "answer": q.gold_answer}
        for number, q in enumerate(generate(size, seed))
    ]
    file = folder / f"{name}-{split}.jsonl"
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return file


def traces(folder: Path, student: str) -> str:
    """What somebody else said to the questions of the night, under the student's name."""
    rows = []
    for name, (split, size, seed) in SETS.items():
        for question in generate(size, seed):
            problem = problem_from_source(question.source)
            assert problem
            said = respond(problem, 0)
            rows.append({"dataset": name, "split": split, "question": question.question, "model": student})
            rows[-1] |= {"answer": question.gold_answer, "thinking": said.thinking}
            rows[-1] |= {"response": said.response, "finish_reason": "stop" if said.is_finished else "length"}
    file = folder / "traces.jsonl"
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return str(file)


def write_recipe(folder: Path, student: Path) -> str:
    """The paper's recipe, small."""
    document = yaml.safe_load((RECIPES / "r1_1_5b.yaml").read_text())
    document |= {"student": str(student), "engine": "transformers", "sample_size": 24}
    document["sampling"]["max_tokens"] = document["evaluation"]["sampling"]["max_tokens"] = 24
    document["gates"]["night"]["min_rollouts"] = 20
    document["training"] |= {"precision": "float32", "max_length": 1536}
    path = folder / "r1_1_5b.yaml"
    path.write_text(yaml.safe_dump(document))
    return str(path)


def test_the_night_of_a_student_that_knows_nothing_is_quarantined(ready):
    night = open_night(ready.recipe, "2026-11-20")
    with pytest.raises(NightQuarantinedError, match="right"):
        nightly(night)
    (counted,) = select(
        night.own_parts("rollout"),
        "SELECT count(*) AS n, count(*) FILTER (think_tokens > 0) AS thinking, min(engine) AS engine,"
        " max(total_tokens) AS longest FROM rollouts",
    )
    assert counted == {"n": 24, "thinking": 24, "engine": "transformers", "longest": 24}


def test_replayed_traces_are_pruned_trained_on_and_measured(ready):
    nightly(open_night(ready.recipe, "2026-11-21"), ready.traces)
    (corpus,) = select(ready.lake.published(), "SELECT count(*) AS n FROM examples")
    assert corpus["n"] > 30
    run = open_training(ready.recipe, "2026-11-21")
    train_eval(run)
    with open_registry(settings().resolved_database_url) as registry:
        (checkpoint,) = registry.list(run.recipe.student)
    assert verify(ready.lake.store, checkpoint) == len(checkpoint.files)
    assert (checkpoint.arm, checkpoint.recipe) == ("drp", "r1_1_5b")
    losses = [point["loss"] for point in checkpoint.curve]
    assert len(losses) > 10
    assert all(0 < loss < 8 for loss in losses)  # the paper's rate is too low to teach a random model
    scores = list(select(run.visible_parts(), "SELECT arm, benchmark, n_questions, n_samples FROM scores"))
    sizes = {name: size for name, (size, _) in BENCHMARKS.items()}
    assert len(scores) == 2 * len(BENCHMARKS)  # arms; no sample of this model can reach the cut-off
    assert all(score["n_questions"] == sizes[score["benchmark"]] for score in scores)
    assert {score["n_samples"] for score in scores} == {5}


@pytest.mark.parametrize("name", ["r1_1_5b", "r1_7b"])
def test_the_recipes_say_what_the_paper_says(name):
    recipe = load_recipe(name)
    training, evaluation = recipe.training, recipe.evaluation
    assert evaluation
    assert [questions.where for questions in recipe.questions] == [("gsm8k", "train"), ("prm12k", "train")]
    assert (recipe.sample_size, recipe.decomposition, recipe.asking) == (8000, "skill", "verbatim")
    assert recipe.profile.model == "gpt-4o"
    assert (training.method, training.epochs, training.learning_rate) == ("lora", 3, 3e-5)
    assert (training.batch_size, training.accumulation, training.max_length) == (2, 4, 4096)
    assert (training.validation_share, training.eval_steps, training.precision) == (0.05, 300, "bf16")
    assert {one.name: one.questions.where[1] for one in evaluation.benchmarks} == dict.fromkeys(
        BENCHMARKS, "test"
    )
    assert (evaluation.sampling.samples, evaluation.cutoff) == (5, 12_000)
    assert recipe.sampling.max_tokens == evaluation.sampling.max_tokens == 131_072
