"""The rollout engine that a recipe's student needs."""

import importlib.util
from pathlib import Path

from drp.errors import BadInputError
from drp.recipe import Recipe
from drp.settings import ROOT
from drp.student.protocol import RolloutEngine
from drp.student.scripted import ScriptedStudent


def make_engine(recipe: Recipe) -> RolloutEngine:
    """The engine for `recipe.student`: `scripted`, or the folder of a model.

    Raises:
        BadInputError: no engine can run this student, or not in this environment.
    """
    if recipe.student == ScriptedStudent.name:
        return ScriptedStudent(recipe)
    folder = model_folder(recipe.student)
    if folder is None:
        raise BadInputError(
            f"no rollout engine can run the student {recipe.student!r} (there are: {ScriptedStudent.name},"
            " and the folder of any model)",
            state="Nothing was rolled out",
            next_command="drp nightly --traces FILE, to replay what it wrote elsewhere",
        )
    if not importlib.util.find_spec("torch"):
        raise BadInputError(
            f"the student {recipe.student!r} needs torch, which this environment does not have",
            state="Nothing was rolled out",
            next_command="make build/training/ready, then run it with build/training/bin/python",
        )
    from drp.student.transformers_engine import TransformersEngine

    return TransformersEngine(recipe, folder)


def model_folder(student: str) -> Path | None:
    """The folder of a student that is a model; None if it is none. Relative paths count from the root."""
    folder = ROOT / student
    return folder if (folder / "config.json").is_file() else None
