"""Where models are found: folders, the hub's cache, checkpoints; and the command for a missing one."""

from pathlib import Path

import pytest

from drp.config.recipe import load_recipe
from drp.config.settings import settings
from drp.core.errors import BadInputError
from drp.student.engines import environment_of, model_folder, student_of
from drp.student.engines.model_folder import fetch_command
from tests.helpers.nights import write_recipe

HUB = "some-lab/Some-Model-1.5B"


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("DRP_HOME", str(tmp_path))
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "hub"))
    settings.cache_clear()
    yield tmp_path / "hub/models--some-lab--Some-Model-1.5B"
    settings.cache_clear()


def download(cache: Path, commit: str) -> Path:
    """Leave what `hf download` leaves."""
    folder = cache / "snapshots" / commit
    folder.mkdir(parents=True)
    (folder / "config.json").write_text("{}")
    (cache / "refs").mkdir(exist_ok=True)
    (cache / "refs/main").write_text(commit)
    return folder


def test_a_hub_id_is_the_downloaded_model(cache: Path) -> None:
    assert model_folder(HUB) is None
    download(cache, "abc")
    newest = download(cache, "def")
    assert model_folder(HUB) == model_folder("any name", HUB) == newest


def test_a_folder_of_that_name_wins(cache: Path, tmp_path: Path) -> None:
    download(cache, "abc")
    (tmp_path / HUB).mkdir(parents=True)
    (tmp_path / HUB / "config.json").write_text("{}")
    assert model_folder(HUB) == tmp_path / HUB


def test_a_student_of_a_recipe_has_its_name_and_the_model_of_its_id(cache: Path, tmp_path: Path) -> None:
    folder = download(cache, "abc")
    file = write_recipe(tmp_path, engine="transformers", server=None, student="mine", model=HUB)
    student = student_of(load_recipe(file))
    assert (student.name, student.model) == ("mine", str(folder))


@pytest.mark.parametrize(
    ("source", "command"),
    [
        (HUB, f"hf download {HUB}"),
        ("models/r1", "hf download OWNER/MODEL --local-dir models/r1"),
        ("/data/r1", "hf download OWNER/MODEL --local-dir /data/r1"),
    ],
)
def test_a_missing_model_names_the_command_that_fetches_it(
    cache: Path, tmp_path: Path, source: str, command: str
) -> None:
    assert fetch_command(source).endswith(command)
    file = write_recipe(tmp_path, engine="transformers", server=None, student="mine", model=source)
    with pytest.raises(BadInputError, match=command):
        environment_of(student_of(load_recipe(file)))
