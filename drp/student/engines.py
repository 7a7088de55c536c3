"""The rollout engine that a recipe's student needs."""

from drp.errors import BadInputError
from drp.recipe import Recipe
from drp.student.protocol import RolloutEngine
from drp.student.scripted import ScriptedStudent


def make_engine(recipe: Recipe) -> RolloutEngine:
    """The engine for `recipe.student`.

    Raises:
        BadInputError: no engine can run this student.
    """
    if recipe.student == ScriptedStudent.name:
        return ScriptedStudent(recipe)
    raise BadInputError(
        f"no rollout engine can run the student {recipe.student!r} (there is: {ScriptedStudent.name})",
        state="Nothing was rolled out",
        next_command="drp nightly --traces FILE, to replay what it wrote elsewhere",
    )
