"""A student that is a checkpoint: which one is settled once a run, and it is what was registered."""

import hashlib
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from drp.config.recipe import RECIPES
from drp.config.settings import settings
from drp.core.errors import BadInputError
from drp.lake.lake import Lake
from drp.registry.checkpoint_files import folder_key, store_folder
from drp.registry.errors import ChangedCheckpointError, UnknownCheckpointError
from drp.registry.records import Checkpoint
from drp.registry.registry import Registry, open_registry
from drp.runtime.context import open_night, open_training
from drp.runtime.shard_plans import ShardPlan
from drp.stages.rollout import rollout, sampling_task
from drp.student import small
from drp.student.engines.select import student_of
from tests.helpers.checkpoints import checkpoint_id, make_checkpoint
from tests.helpers.nights import DAY

pytestmark = pytest.mark.skipif(
    not (small.WEIGHTS / "config.json").is_file(), reason="the small student has no weights"
)


@pytest.fixture
def registry(lake: Lake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Registry]:
    monkeypatch.setenv("DRP_DATABASE_URL", f"sqlite:///{tmp_path}/drp.db")
    monkeypatch.setenv("DRP_SCRATCH", str(tmp_path / "scratch"))
    settings.cache_clear()
    with open_registry(settings().resolved_database_url) as registry:
        yield registry


@pytest.fixture
def recipe(tmp_path: Path) -> Callable[[str], str]:
    """The recipe that ships with another student."""

    def write(student: str) -> str:
        document = yaml.safe_load((RECIPES / "drp.yaml").read_text()) | {"student": student}
        (tmp_path / "drp.yaml").write_text(yaml.safe_dump(document))
        return str(tmp_path / "drp.yaml")

    return write


@pytest.fixture
def add(lake: Lake, registry: Registry, tmp_path: Path) -> Callable[..., Checkpoint]:
    """Registers the small student's own weights as its `number`-th checkpoint."""

    def register(number: int, **changes: Any) -> Checkpoint:
        key = folder_key(checkpoint_id(number), "merged")
        shutil.copytree(small.WEIGHTS, tmp_path / "made", dirs_exist_ok=True)
        files = store_folder(lake.store, tmp_path / "made", key)
        made = make_checkpoint(number, files=files, adapter_key=None, **changes)
        registry.register(made)
        return made

    return register


def test_before_the_first_promotion_it_is_the_model_itself(registry, add, recipe):
    add(1)
    assert open_night(recipe("small@champion"), DAY).recipe.student == "small"


def test_a_night_goes_on_with_the_champion_that_it_began_with(registry, add, recipe):
    first, second = add(1), add(2)
    registry.promote(first.checkpoint_id, "champion", "a test")
    name = f"small@{first.checkpoint_id[:12]}"
    night = open_night(recipe("small@champion"), DAY)
    registry.promote(second.checkpoint_id, "champion", "in its midst")
    again = open_night(recipe("small@champion"), DAY)
    assert night.recipe.student == again.recipe.student == name
    assert night.recipe.rollout_hash == again.recipe.rollout_hash
    tomorrow = open_night(recipe("small@champion"), "2026-11-21")
    assert tomorrow.recipe.student == f"small@{second.checkpoint_id[:12]}"
    assert tomorrow.recipe.rollout_hash != night.recipe.rollout_hash


def test_its_model_is_brought_to_any_machine_of_the_run(registry, add, recipe, tmp_path):
    made = add(1)
    night = open_night(recipe(f"small@{made.checkpoint_id[:6]}"), DAY)
    folder = Path(student_of(night.recipe).model)
    weights = (folder / "model.safetensors").read_bytes()
    assert hashlib.sha256(weights).hexdigest() == _file(made, "merged/model.safetensors")
    shutil.rmtree(tmp_path / "scratch")  # another machine
    open_training(recipe(f"small@{made.checkpoint_id[:6]}"), DAY)
    assert (folder / "model.safetensors").read_bytes() == weights


def _file(made: Checkpoint, path: str) -> str:
    return next(file.sha256 for file in made.files if file.path == path)


def test_a_copy_that_was_changed_does_not_roll_out(registry, add, recipe):
    made = add(1)
    night = open_night(recipe(f"small@{made.checkpoint_id}"), DAY)
    (Path(student_of(night.recipe).model) / "model.safetensors").write_bytes(b"Weights")
    night.run.write_plan("a", ShardPlan(fingerprint="f"))
    with pytest.raises(BadInputError, match=r"does not hold the files of checkpoint"):
        rollout(night, "a")
    assert not night.run.is_done("rollout", "a")


def test_a_checkpoint_that_was_changed_is_no_student(lake, registry, add, recipe):
    made = add(1)
    lake.store.put(f"{made.merged_key}/model.safetensors", b"Weights")
    with pytest.raises(ChangedCheckpointError):
        open_night(recipe(f"small@{made.checkpoint_id}"), DAY)


def test_a_checkpoint_of_another_student_is_named_as_what_it_is(registry, add, recipe):
    made = add(1, student="large")
    with pytest.raises(BadInputError, match="is a checkpoint of large, not of small") as caught:
        open_night(recipe(f"small@{made.checkpoint_id[:12]}"), DAY)
    assert f"large@{made.checkpoint_id[:12]}" in caught.value.next_command
    with pytest.raises(UnknownCheckpointError):
        open_night(recipe("small@abcdef"), DAY)


def test_its_rollouts_bear_its_name(registry, add, recipe):
    made = add(1)
    night = open_night(recipe(f"small@{made.checkpoint_id}"), DAY)
    night.run.write_plan("a", ShardPlan(fingerprint="f"))
    assert sampling_task(night, "a").student.name == f"small@{made.checkpoint_id[:12]}"
