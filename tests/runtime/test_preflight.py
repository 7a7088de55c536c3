"""Before a night spends anything, its student is checked, and only what would be in vain is refused."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from drp.config.recipe import RECIPES, load_recipe
from drp.config.settings import settings
from drp.config.teacher_profiles import _profiles
from drp.lake.lake import Lake
from drp.pipeline.nightly import nightly
from drp.runtime.context import RunContext, open_night
from drp.runtime.preflight import PreflightFailedError, check_disk, preflight
from drp.stages.ingest import ingest
from drp.stages.plan import plan
from drp.student.small import WEIGHTS
from drp.teacher.transport.errors import TeacherRefusedError
from tests.fake_provider import provider
from tests.fake_provider.teachers import as_teacher
from tests.helpers.environments import use_as_training_environment
from tests.helpers.nights import DAY


@pytest.fixture
def recipe(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, lake: Lake) -> Callable[..., str]:
    """Writes a recipe that trains, like the one that ships."""
    monkeypatch.setenv("DRP_SCRATCH", str(tmp_path / "scratch"))
    monkeypatch.setenv("DRP_DATABASE_URL", f"sqlite:///{tmp_path}/drp.db")
    settings.cache_clear()

    def write(**changes: Any) -> str:
        path = tmp_path / "drp.yaml"
        path.write_text(yaml.safe_dump(yaml.safe_load((RECIPES / "drp.yaml").read_text()) | changes))
        return str(path)

    return write


@pytest.fixture
def paid(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A stand-in of a provider, which is the teacher."""
    with provider() as server:
        for name, value in as_teacher(server, tmp_path, "online").items():
            monkeypatch.setenv(name, value)
        settings.cache_clear()
        _profiles.cache_clear()
        yield server
    _profiles.cache_clear()


def _plan(night: RunContext, traces: str) -> None:
    plan(night, given=ingest(night, traces))


@pytest.mark.services
def test_a_student_that_is_no_model_is_refused_before_anything_is_paid(recipe, paid, traces_file, lake):
    night = open_night(recipe(student="recorded-student"), DAY)
    with pytest.raises(PreflightFailedError) as error:
        nightly(night, traces_file("t.parquet", slice(0, 20)))
    assert "the model 'recorded-student' is not on this machine" in str(error.value)
    assert "Nothing was sampled and nothing was sent to the teacher" in str(error.value)
    assert paid.totals()["asked"] == 0


@pytest.mark.services
def test_recorded_traces_of_another_student_are_not_held_up(recipe, paid, traces_file, monkeypatch, caplog):
    caplog.set_level("INFO")
    use_as_training_environment(monkeypatch, Path("/no/such/python"))
    night = open_night(recipe(student="small"), DAY)
    _plan(night, traces_file("t.parquet", slice(0, 20)))
    preflight(night.run_id, night.recipe_option)
    assert "training: not checked" not in caplog.text


@pytest.mark.services
def test_a_machine_that_cannot_train_may_make_a_corpus_and_says_so(
    recipe, paid, traces_file, monkeypatch, caplog, tmp_path
):
    caplog.set_level("INFO")
    use_as_training_environment(monkeypatch, Path("/no/such/python"))
    student = tmp_path / "recorded-student"
    shutil.copytree(WEIGHTS, student)
    monkeypatch.setenv("DRP_HOME", str(tmp_path))
    settings.cache_clear()
    night = open_night(recipe(student="recorded-student"), DAY)
    _plan(night, traces_file("t.parquet", slice(0, 20)))
    preflight(night.run_id, night.recipe_option)
    assert "training: not checked: this step needs the training environment" in caplog.text


@pytest.mark.services
def test_a_key_that_is_not_set_is_noticed_before_the_student_is_sampled(recipe, paid, monkeypatch):
    profiles = Path(settings().teachers_file or "")
    document = yaml.safe_load(profiles.read_text())
    document["teachers"]["stand-in"]["base_url"] = "https://provider.invalid/v1"
    profiles.write_text(yaml.safe_dump(document))
    _profiles.cache_clear()
    monkeypatch.delenv("STAND_IN_KEY")
    night = open_night(recipe(), DAY)
    with pytest.raises(TeacherRefusedError, match="STAND_IN_KEY"):
        nightly(night, sample_size=2)
    assert not any(night.own_parts("rollout").values())


def test_a_free_night_of_recorded_traces_checks_nothing(recipe, traces_file, monkeypatch):
    use_as_training_environment(monkeypatch, Path("/no/such/python"))
    night = open_night(recipe(student="recorded-student"), DAY)
    _plan(night, traces_file("t.parquet", slice(0, 20)))
    preflight(night.run_id, night.recipe_option)


def test_a_full_disk_is_refused(recipe, monkeypatch):
    loaded = load_recipe(recipe())
    assert check_disk(loaded, WEIGHTS).outcome == "ok"
    usage = shutil.disk_usage(WEIGHTS)._replace(free=1000)
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: usage)
    check = check_disk(loaded, WEIGHTS)
    assert check.outcome == "failed"
    assert "DRP_SCRATCH" in check.mend
