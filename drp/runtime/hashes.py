"""The hash of what in a recipe can change a revision. It reads the prompts, so it is not in `drp.config`."""

from drp.config import Recipe
from drp.core import content_id
from drp.teacher.llm import prompt_version


def revision_hash(recipe: Recipe) -> str:
    """Hash of the teacher, its prompts, the kind of decomposition and the limits of the row gates."""
    profile, rows = recipe.profile, recipe.gates.rows.model_dump(mode="json")
    prompts = prompt_version(recipe.asking) if profile.is_remote else recipe.teacher
    return content_id("recipe", profile.identity, prompts, recipe.decomposition, rows)
