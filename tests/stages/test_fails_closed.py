"""What an evaluation or a training cannot trust, or cannot do: a clear error, and no score is written."""

import hashlib
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from drp.config.recipe import RECIPES
from drp.config.settings import settings
from drp.core.errors import BadInputError
from drp.curation import candidate_sources
from drp.grading import GraderSelfTestError, GraderWorkerError, golden
from drp.jobs.errors import EnvironmentMissingError, JobFailedError, JobLostError
from drp.lake.lake import Lake
from drp.pipeline.nightly import nightly
from drp.pipeline.train_eval import train_eval
from drp.query.session import select
from drp.registry.records import CheckpointFile
from drp.registry.registry import Registry, open_registry
from drp.runtime.context import RunContext, open_night, open_training
from drp.runtime.training_plan import entry_of, model_digest, scratch
from drp.stages.evaluate import evaluate, sampling_task, shards
from drp.stages.prepare import prepare
from drp.stages.train import train
from drp.student import small
from drp.training.errors import CheckpointUnwritableError, WrongBaseError
from tests.helpers.checkpoints import make_checkpoint
from tests.helpers.environments import use_as_training_environment
from tests.helpers.nights import DAY, lake_at
from tests.helpers.nights import write_recipe as scripted_recipe

pytestmark = pytest.mark.skipif(
    not (small.WEIGHTS / "config.json").is_file(), reason="the small student has no weights"
)


@pytest.fixture
def student(tmp_path: Path) -> Path:
    """A folder of a model that nobody else has."""
    return shutil.copytree(small.WEIGHTS, tmp_path / "student")


def write_recipe(folder: Path, student: str | Path, **changes: Any) -> str:
    """The recipe that ships, with another student and a small benchmark."""
    document = yaml.safe_load((RECIPES / "drp.yaml").read_text())
    questions = {"source": "synthetic", "level": "small", "split": "test", "size": 3}
    document["evaluation"]["benchmarks"] = [{"name": "small", "questions": questions}]
    (folder / "train").mkdir(exist_ok=True)
    path = folder / "train/drp.yaml"
    path.write_text(yaml.safe_dump(document | {"student": str(student)} | changes))
    return str(path)


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A lake with a night in it, as files."""
    folder = tmp_path_factory.mktemp("corpus")
    with lake_at(folder / "lake"):
        nightly(open_night(scripted_recipe(folder), DAY))
    return folder / "lake"


@pytest.fixture
def lake(corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Lake]:
    """A copy of it."""
    monkeypatch.setenv("DRP_DATABASE_URL", f"sqlite:///{tmp_path}/drp.db")
    monkeypatch.setenv("DRP_SCRATCH", str(tmp_path / "scratch"))
    with lake_at(shutil.copytree(corpus, tmp_path / "lake")) as lake:
        yield lake


@pytest.fixture
def run(lake: Lake, student: Path, tmp_path: Path) -> RunContext:
    """A training run on it."""
    return open_training(write_recipe(tmp_path, student), DAY)


@pytest.fixture
def registry(lake: Lake) -> Iterator[Registry]:
    with open_registry(settings().resolved_database_url) as registry:
        yield registry


def base_shard(run: RunContext) -> str:
    """The shard that measures the student as it is."""
    return shards(run, prepare(run))[0]


def assert_no_score(run: RunContext, shard: str) -> None:
    assert not run.run.is_done("evaluate", shard)
    assert not list(select(run.visible_parts(), "FROM scores"))


def test_a_grader_that_cannot_start_gives_no_score(run, monkeypatch):
    shard = base_shard(run)
    monkeypatch.setattr(sys, "executable", "/bin/false")
    with pytest.raises(GraderWorkerError):
        evaluate(run, shard)
    assert_no_score(run, shard)


def test_a_grader_that_fails_its_own_test_gives_no_score(run, monkeypatch):
    shard = base_shard(run)
    monkeypatch.setattr(golden, "golden_pairs", lambda: [golden.GoldenPair("42", "43", "equal")])
    with pytest.raises(GraderSelfTestError):
        evaluate(run, shard)
    assert_no_score(run, shard)


@pytest.mark.parametrize(
    ("program", "error", "says"),
    [
        (None, EnvironmentMissingError, "build/nowhere"),
        ("echo 'libcuda.so.1: cannot open shared object file'; exit 1", JobFailedError, "libcuda"),
        ("kill -9 $$", JobLostError, "SIGKILL"),
    ],
    ids=["no environment", "it breaks", "it is killed"],
)
def test_an_engine_that_cannot_start_gives_no_score(run, tmp_path, monkeypatch, program, error, says):
    shard, folder = base_shard(run), "build/nowhere"
    if program:
        folder = str(tmp_path / "environment")
        Path(folder, "bin").mkdir(parents=True)
        Path(folder, "bin/python").write_text(f"#!/bin/sh\n{program}\n")
        Path(folder, "bin/python").chmod(0o755)
    use_as_training_environment(monkeypatch, Path(folder, "bin/python"))
    with pytest.raises(error, match=says):
        evaluate(run, shard)
    assert_no_score(run, shard)


def test_a_tokenizer_of_another_model_is_named_before_an_engine_starts(run, student, tmp_path):
    config = student / "config.json"
    config.write_text(config.read_text().replace('"vocab_size": ', '"vocab_size": 5, "was": '))
    shard = base_shard(run)
    with pytest.raises(BadInputError, match=r"belongs to another model: it has ids .* has 5 rows"):
        evaluate(run, shard)
    assert_no_score(run, shard)


def test_a_base_that_was_changed_after_the_plan_gives_no_score(run, student):
    shard = base_shard(run)
    (student / "generation_config.json").write_text("{}")
    model_digest.cache_clear()  # as in the process of a later attempt
    with pytest.raises(WrongBaseError, match=r"is not the one that .* started with"):
        sampling_task(run, shard)
    assert_no_score(run, shard)


def test_a_checkpoint_whose_copy_was_changed_gives_no_score(run, registry):
    data = {"merged/config.json": b"{}", "merged/model.safetensors": b"weights"}
    digests = {name: hashlib.sha256(content).hexdigest() for name, content in data.items()}
    files = tuple(CheckpointFile(name, len(data[name]), digest) for name, digest in digests.items())
    made = make_checkpoint(1, student=run.recipe.student, adapter_key=None, files=files)
    for name, content in data.items():
        run.lake.store.put(f"_checkpoints/{made.checkpoint_id}/{name}", content)
    registry.register(made)
    registry.promote(made.checkpoint_id, "champion", "a test")
    *_, name = prepare(run)
    assert entry_of(run, name).arm == "champion"
    (shard,) = shards(run, [name])
    folder = Path(sampling_task(run, shard).student.model)
    assert (folder / "model.safetensors").read_bytes() == b"weights"
    (folder.parent / f".{folder.name}-left").mkdir()  # by a copy that was killed
    sampling_task(run, shard)
    assert [path.name for path in folder.parent.iterdir() if path.is_dir()] == [folder.name]
    (folder / "model.safetensors").write_bytes(b"Weights")
    with pytest.raises(BadInputError, match=r"does not hold the files of checkpoint"):
        evaluate(run, shard)
    assert_no_score(run, shard)


def test_an_empty_corpus_trains_nothing(tmp_path, student, monkeypatch):
    with lake_at(tmp_path / "empty"):
        run = open_training(write_recipe(tmp_path, student), DAY)
        with pytest.raises(BadInputError, match="corpus version 0 has no examples") as caught:
            train_eval(run)
        assert "Nothing was trained" in caught.value.state
        assert caught.value.next_command == f"drp nightly --recipe {tmp_path / 'train/drp.yaml'}"


def test_students_of_one_model_share_no_checkpoint_but_the_base(lake, student, tmp_path):
    made = {}
    for name in ("first", "second"):
        source = write_recipe(tmp_path, name, model=str(student))
        made[name] = prepare(open_training(source, DAY))
    base, other = (set(entries) for entries in zip(*made.values(), strict=True))
    assert len(base) == 1
    assert len(other) == 2


def test_no_room_for_the_examples_is_a_full_disk(run, registry):
    _, name = prepare(run)
    scratch(entry_of(run, name)).parent.mkdir(parents=True)
    scratch(entry_of(run, name)).write_text("a file, where a folder should be")
    with pytest.raises(CheckpointUnwritableError, match="free disk space"):
        train(run, name)
    assert not run.run.is_done("train", name)
    assert registry.list() == ()


def test_a_run_done_again_compares_with_the_champion_of_its_first_time(run, registry):
    before = make_checkpoint(1, student=run.recipe.student)
    registry.register(before)
    registry.promote(before.checkpoint_id, "champion", "a test")
    names = prepare(run)
    assert [entry_of(run, name).arm for name in names] == ["base", "drp", "champion"]
    candidate = entry_of(run, names[1]).checkpoint_id
    own = make_checkpoint(2, student=run.recipe.student, checkpoint_id=candidate)
    registry.register(own)
    registry.promote(own.checkpoint_id, "champion", "it is better")  # and then the run is killed
    assert prepare(run) == names


def test_a_run_without_a_champion_is_never_given_one(run, registry):
    names = prepare(run)
    later = make_checkpoint(1, student=run.recipe.student)
    registry.register(later)
    registry.promote(later.checkpoint_id, "champion", "of another date")
    assert prepare(run) == names


@pytest.mark.parametrize(
    ("changes", "says", "mend"),
    [
        ({}, "none of the student", "set student in the recipe"),
        ({"decomposition": "sentence"}, "none that were made with the teacher", "DRP_TEACHER"),
    ],
    ids=["another student", "another decomposition"],
)
def test_a_corpus_that_has_nothing_of_the_student_says_whose_it_is(
    lake, student, tmp_path, changes, says, mend
):
    run = open_training(write_recipe(tmp_path, student, **changes), DAY)
    name = next(name for name in prepare(run) if entry_of(run, name).arm == "drp")
    (source,) = candidate_sources(lake.published())
    with pytest.raises(BadInputError, match=f"of corpus version 1, {says}") as caught:
        train(run, name)
    assert f"{source['rollouts']} of {source['student']} by {source['teacher']}" in caught.value.problem
    assert mend in caught.value.next_command
    assert not run.run.is_done("train", name)
