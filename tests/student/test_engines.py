"""Which engine runs which student, and what is said where none can."""

import pytest

from drp.errors import BadInputError
from drp.recipe import load_recipe
from drp.student import engines
from drp.student.engines import make_engine, model_folder
from drp.student.scripted import ScriptedStudent


def test_scripted_is_the_script():
    assert isinstance(make_engine(load_recipe("drp", student="scripted")), ScriptedStudent)


def test_folders_of_models_are_students(tmp_path):
    assert model_folder(str(tmp_path)) is None
    (tmp_path / "config.json").write_text("{}")
    assert model_folder(str(tmp_path)) == tmp_path


def test_a_student_that_nothing_can_run_is_refused_with_what_there_is():
    with pytest.raises(BadInputError, match=r"'gpt-99'.*scripted, and the folder"):
        make_engine(load_recipe("drp", student="gpt-99"))


def test_without_torch_a_model_is_refused_and_the_training_environment_named(tmp_path, monkeypatch):
    (tmp_path / "config.json").write_text("{}")
    monkeypatch.setattr(engines.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(BadInputError, match=r"needs torch.*make build/training/ready"):
        make_engine(load_recipe("drp", student=str(tmp_path)))
