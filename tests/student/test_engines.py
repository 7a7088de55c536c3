"""The engine and environment of each student, and the error if no engine can run it."""

from pathlib import Path

import pytest

from drp.config.recipe import load_recipe
from drp.core.errors import BadInputError
from drp.student.engines.select import environment_of, make_engine, model_folder, student_of
from drp.student.engines.server_engine import ServedEngine
from tests.helpers.nights import write_recipe


def test_folders_of_models_are_students_of_the_training_environment(tmp_path: Path) -> None:
    assert model_folder(str(tmp_path)) is None
    (tmp_path / "config.json").write_text("{}")
    assert model_folder(str(tmp_path)) == tmp_path
    student = student_of(load_recipe("drp", student=str(tmp_path)))
    assert (student.name, student.model) == (str(tmp_path), str(tmp_path))
    assert environment_of(student) == "training"


def test_vllm_runs_in_the_inference_environment_with_its_tensor_parallelism(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{}")
    changes = {"engine": "vllm", "server": None, "student": str(tmp_path), "parallel": {"tensor": 2}}
    student = student_of(load_recipe(write_recipe(tmp_path, **changes)))
    assert environment_of(student) == "inference"
    assert student.tensor == 2


def test_vllm_needs_a_folder_too(tmp_path: Path) -> None:
    changes = {"engine": "vllm", "server": None}
    with pytest.raises(BadInputError, match="'scripted'"):
        environment_of(student_of(load_recipe(write_recipe(tmp_path, **changes))))


def test_the_error_for_an_unknown_student_names_the_possible_ones() -> None:
    with pytest.raises(
        BadInputError, match=r"'gpt-99'.*small, the folder or hub id of any model, and models behind a server"
    ):
        environment_of(student_of(load_recipe("drp", student="gpt-99")))


def test_the_server_engine_runs_in_the_orchestrator(tmp_path: Path) -> None:
    student = student_of(load_recipe(write_recipe(tmp_path)))
    assert environment_of(student) == "orchestrator"
    assert isinstance(make_engine(student), ServedEngine)


@pytest.mark.parametrize("changes", [{"server": None}, {"engine": "transformers"}])
def test_an_engine_and_its_server_belong_together(tmp_path: Path, changes: dict[str, object]) -> None:
    with pytest.raises(BadInputError, match="engine: server needs a section server"):
        load_recipe(write_recipe(tmp_path, **changes))
