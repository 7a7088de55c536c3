"""The loop closed, with the real student: rollouts, corpus, training, evaluation, registry, next night.

From the orchestrator environment, as `drp nightly` and `drp train` do it: `make test-training`.
"""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from drp.config.recipe import RECIPES
from drp.config.settings import settings
from drp.lake.lake import Lake
from drp.pipeline.evaluate_models import evaluate_models
from drp.pipeline.nightly import nightly
from drp.pipeline.train_eval import train_eval
from drp.query.session import select
from drp.registry.checkpoint_files import fetch, verify
from drp.registry.registry import Registry, open_registry
from drp.runtime.context import RunContext, open_night, open_training
from drp.runtime.evaluated_models import open_evaluation
from drp.runtime.training_plan import entries_of, model_digest
from drp.student.engines.select import model_folder
from tests.helpers.nights import lake_at

pytestmark = pytest.mark.training


DAY = "2026-11-20"

if model_folder("small") is None:
    pytest.skip("the small student has no weights", allow_module_level=True)


def write_recipe(folder: Path, **changes: Any) -> str:
    """The recipe that ships, on few questions."""
    document = yaml.safe_load((RECIPES / "drp.yaml").read_text())
    questions = {"source": "synthetic", "level": "small", "size": 160, "seed": 0}
    benchmark = {"name": "small", "questions": questions | {"split": "test", "size": 40, "seed": 1}}
    document |= {"questions": [questions], "arms": ["drp", "random_prune"]}
    document["training"] |= {"epochs": 4}
    document["evaluation"] |= {"benchmarks": [benchmark]}
    path = folder / "drp.yaml"
    path.write_text(yaml.safe_dump(document | changes))
    return str(path)


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lake]:
    """A lake with a night and its training."""
    folder = tmp_path_factory.mktemp("loop")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DRP_DATABASE_URL", f"sqlite:///{folder}/drp.db")
        patch.setenv("DRP_SCRATCH", str(folder / "scratch"))
        with lake_at(folder / "lake", workers=2) as lake:
            recipe = write_recipe(folder)
            nightly(open_night(recipe, DAY))
            train_eval(open_training(recipe, DAY))
            yield lake


@pytest.fixture
def recipe(lake: Lake, tmp_path: Path) -> Callable[..., str]:
    return lambda **changes: write_recipe(tmp_path, **changes)


@pytest.fixture
def registry(lake: Lake) -> Iterator[Registry]:
    with open_registry(settings().resolved_database_url) as registry:
        yield registry


def rows(run: RunContext, query: str) -> list[dict[str, Any]]:
    return list(select(run.visible_parts(), query))


def test_rollouts_and_revisions_are_counted_in_the_same_tokens(lake, recipe):
    night = open_night(recipe(), DAY)
    (student,) = rows(night, "FROM students")
    assert (student["student"], student["engine"], student["rollouts"]) == ("small", "transformers", 160)
    assert student["token_counter"].startswith("tokenizer ")
    (saved,) = rows(night, "FROM tokens_saved")
    assert saved["token_counter"] == student["token_counter"]
    assert saved["compared"] == saved["accepted"] > 80
    assert 0.4 < saved["saving"] < 0.9


def test_every_arm_is_a_checkpoint_with_scores_and_files(lake, recipe, registry, tmp_path):
    run = open_training(recipe(), DAY)
    checkpoints = registry.list("small")
    assert {checkpoint.arm for checkpoint in checkpoints} == {"drp", "random_prune"}
    for checkpoint in checkpoints:
        assert verify(lake.store, checkpoint) == len(checkpoint.files)
        assert {score["benchmark"] for score in checkpoint.scores} == {"small"}
        assert checkpoint.curve
        assert checkpoint.corpus_version == 1
    fetch(lake.store, checkpoints[0], "merged", tmp_path / "model")
    assert model_folder(str(tmp_path / "model"))
    scores = rows(run, "SELECT arm, cutoff, n_questions, pass_at_1, mean_tokens FROM scores")
    assert {score["arm"] for score in scores} == {"base", "drp", "random_prune"}
    assert {score["n_questions"] for score in scores} == {40}
    assert all(0 <= score["pass_at_1"] <= 1 for score in scores)
    (samples,) = rows(run, "SELECT count(*) AS n, count(DISTINCT score_sample_id) AS ids FROM score_samples")
    assert samples == {"n": 120, "ids": 120}


def test_what_was_trained_is_shorter(lake, recipe):
    run = open_training(recipe(), DAY)
    tokens = {
        score["arm"]: score["mean_tokens"]
        for score in rows(run, "SELECT arm, mean_tokens FROM scores WHERE cutoff IS NULL")
    }
    assert tokens["drp"] < 0.8 * tokens["base"]


def test_measured_by_itself_base_candidate_and_adapter_have_the_scores_of_the_training_run(
    lake, recipe, registry, tmp_path
):
    trained = open_training(recipe(), DAY)
    candidate = next(checkpoint for checkpoint in registry.list("small") if checkpoint.arm == "drp")
    fetch(lake.store, candidate, "adapter", tmp_path / "adapter")
    columns = "checkpoint_id, cutoff, * EXCLUDE (checkpoint_id, cutoff, arm, run_date, score_id)"

    def scores(run: RunContext) -> dict[str, list[dict[str, Any]]]:
        found: dict[str, list[dict[str, Any]]] = {}
        for row in select(run.own_parts("evaluate"), f"SELECT {columns} FROM scores ORDER BY ALL"):
            found.setdefault(row.pop("checkpoint_id"), []).append(row)
        return found

    run, names = open_evaluation(recipe(), DAY, ["small", candidate.checkpoint_id, str(tmp_path / "adapter")])
    evaluate_models(run, names)
    measured, wanted = scores(run), scores(trained)
    base, merged, adapted = (entries_of(run)[name].checkpoint_id for name in names)
    assert measured[base] == wanted[base]
    assert measured[merged] == wanted[merged]
    assert measured[adapted] == wanted[merged], "merged again it is the same model"


def test_done_again_nothing_changes(lake, recipe, registry):
    before = registry.list(), lake.results.current().number, lake.corpus.current().number
    train_eval(open_training(recipe(), DAY))
    assert (registry.list(), lake.results.current().number, lake.corpus.current().number) == before


def test_on_another_date_the_same_corpus_is_measured_and_not_trained_on_again(lake, recipe, registry):
    before, another = registry.list(), open_training(recipe(), "2026-11-21")
    train_eval(another)
    assert registry.list() == before
    assert not list(another.shard_files("train"))
    assert len(list(another.shard_files("evaluate"))) > 0


def test_a_lost_scratch_folder_is_fetched_again(lake, recipe, registry, monkeypatch, tmp_path):
    monkeypatch.setenv("DRP_SCRATCH", str(tmp_path / "scratch"))
    settings.cache_clear()
    more = {"samples": 1, "temperature": 0.0, "seed": 9}
    document = yaml.safe_load(Path(recipe()).read_text())
    document["evaluation"]["sampling"] = more
    Path(recipe()).write_text(yaml.safe_dump(document))
    checkpoints = len(registry.list())
    train_eval(open_training(str(tmp_path / "drp.yaml"), DAY))
    assert len(registry.list()) == checkpoints


def test_the_champion_is_the_student_of_the_next_night(lake, recipe, registry):
    champion = next(checkpoint for checkpoint in registry.list("small") if checkpoint.arm == "drp")
    registry.promote(champion.checkpoint_id, "champion", "a test")
    questions = {"source": "synthetic", "level": "small", "size": 40, "seed": 7}
    path = recipe(student="small@champion", questions=[questions], arms=["drp"], sample_size=40)
    night = open_night(path, "2026-11-22")
    nightly(night)
    name = f"small@{champion.checkpoint_id[:12]}"
    (rolled_out,) = rows(night, f"SELECT * FROM students WHERE student = '{name}'")
    assert rolled_out["rollouts"] == 40
    run = open_training(path, "2026-11-22")
    train_eval(run)
    (made,) = (checkpoint for checkpoint in registry.list("small") if checkpoint.base_model == name)
    assert made.base_sha256 == model_digest(model_folder(name))
    assert {entry.arm for entry in entries_of(run).values()} == {
        "base",
        "original",
        "drp",
    }  # the champion is the base
