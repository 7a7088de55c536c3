"""`drp doctor`: what a recipe needs, without a secret and without a cost."""

import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from drp.config.recipe import RECIPES, load_recipe
from drp.config.settings import settings
from drp.config.teacher_profiles import _profiles
from drp.jobs import HealthCheck
from drp.runtime.doctor import doctor
from tests.fake_provider import provider
from tests.fake_provider.teachers import as_teacher
from tests.helpers.environments import use_as_training_environment
from tests.scripted_student.server import scripted


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A lake, a ledger and a home without environments."""
    for name, value in {
        "DRP_HOME": str(tmp_path),
        "DRP_LAKE": str(tmp_path / "lake"),
        "DRP_DATABASE_URL": f"sqlite:///{tmp_path}/drp.db",
    }.items():
        monkeypatch.setenv(name, value)
    settings.cache_clear()
    _profiles.cache_clear()
    yield tmp_path
    settings.cache_clear()
    _profiles.cache_clear()


def write_recipe(folder: Path, **changes: Any) -> str:
    path = folder / "drp.yaml"
    path.write_text(yaml.safe_dump(yaml.safe_load((RECIPES / "drp.yaml").read_text()) | changes))
    return str(path)


def checks(recipe: str = "drp") -> dict[str, HealthCheck]:
    here = settings()
    return {c.name: c for c in doctor(load_recipe(recipe, teacher=here.teacher, student=here.student))}


def test_a_missing_environment_that_the_recipe_needs_is_named_with_its_mend(drp, monkeypatch):
    use_as_training_environment(monkeypatch, Path("/no/such/python"))
    status, printed, error = drp("doctor")
    assert status == 1
    assert "make .venv-training/ready" in printed
    assert "failed, not needed" in printed  # the inference environment
    assert "1 of these checks failed, and recipe drp needs them" in error
    seen = checks()
    assert [check.name for check in seen.values() if check.is_fatal] == ["training environment"]
    assert seen["training"].outcome == "not checked"


def test_a_recipe_that_trains_nothing_needs_no_environment(drp, place):
    status, printed, _ = drp("doctor", "--recipe", write_recipe(place, **scripted(10, 3)))
    assert status == 0, printed
    seen = checks(str(place / "drp.yaml"))
    assert seen["lake"].outcome == seen["ledger"].outcome == seen["registry"].outcome == "ok"
    assert seen["student server"].outcome == "not checked"  # it lists no models
    assert not list((place / "lake").rglob("*probe*"))


def test_an_environment_without_the_packages_is_not_one(monkeypatch):
    use_as_training_environment(monkeypatch, Path(sys.executable))
    check = checks()["training environment"]
    assert (check.outcome, check.is_fatal) == ("failed", True)
    assert "lacks torch" in check.seen


def test_a_server_that_does_not_answer_is_named(place):
    server = {"base_url": "http://127.0.0.1:9/v1", "model": "m"}
    check = checks(write_recipe(place, **scripted(10, 3) | {"server": server}))["student server"]
    assert check.is_fatal
    assert "does not answer" in check.seen


def test_checkpoints_of_a_served_student_need_the_inference_environment(place):
    trained = {"evaluation": yaml.safe_load((RECIPES / "drp.yaml").read_text())["evaluation"]}
    assert checks(write_recipe(place, **scripted(10, 3) | trained))["inference environment"].is_fatal


def test_a_lake_that_cannot_be_written_is_named(place, monkeypatch):
    (place / "lake").write_text("a file")
    check = checks(write_recipe(place, **scripted(10, 3)))["lake"]
    assert check.is_fatal
    assert check.mend


@pytest.mark.services
class TestTeacher:
    @pytest.fixture
    def server(self, place: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
        with provider(models={"stand-in": {}}) as server:
            for name, value in as_teacher(server, place, "online").items():
                monkeypatch.setenv(name, value)
            settings.cache_clear()
            yield server

    def test_a_free_call_tries_the_key(self, server, place):
        seen = checks(write_recipe(place, **scripted(10, 3)))
        assert seen["teacher"].outcome == seen["budget"].outcome == "ok"
        assert server.totals()["asked"] == 0

    def test_a_wrong_key_fails_and_is_not_shown(self, server, place, monkeypatch, drp):
        monkeypatch.setenv("STAND_IN_KEY", "sk-wrong-0123456789")
        status, printed, error = drp("doctor", "--recipe", write_recipe(place, **scripted(10, 3)))
        assert status == 1
        assert "401" in printed
        assert "sk-wrong-0123456789" not in printed + error

    def test_an_unknown_model_is_pointed_out(self, server, place, monkeypatch):
        monkeypatch.setenv("DRP_TEACHER_MODEL", "other")
        settings.cache_clear()
        check = checks(write_recipe(place, **scripted(10, 3)))["teacher"]
        assert check.outcome == "not checked"
        assert "other is not among the 1 models" in check.seen

    def test_a_teacher_that_costs_nothing_needs_no_budget(self, server, place, monkeypatch):
        monkeypatch.delenv("DRP_BUDGET_USD")
        teachers = yaml.safe_load(Path(settings().teachers_file).read_text())
        (profile,) = teachers["teachers"].values()
        profile["prices"] |= {"input": 0, "cached_input": 0, "output": 0}
        Path(settings().teachers_file).write_text(yaml.safe_dump(teachers))
        settings.cache_clear()
        assert checks(write_recipe(place, **scripted(10, 3)))["budget"].seen.endswith("costs nothing")

    def test_without_a_budget_nothing_can_be_bought(self, server, place, monkeypatch):
        monkeypatch.delenv("DRP_BUDGET_USD")
        settings.cache_clear()
        assert checks(write_recipe(place, **scripted(10, 3)))["budget"].is_fatal
