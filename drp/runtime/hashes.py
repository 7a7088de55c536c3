"""The hash of what in a recipe can change a revision. It reads the prompts, so it is not in `drp.config`."""

from drp.config import Recipe
from drp.core import content_id, load_plugin
from drp.teacher.llm import prompt_version


def revision_hash(recipe: Recipe) -> str:
    """Hash of the teacher, its prompts, the kind of decomposition and the limits of the row gates."""
    rows = recipe.gates.rows.model_dump(mode="json")
    return content_id("recipe", recipe.profile.identity, _rules(recipe), recipe.decomposition, rows)


def _rules(recipe: Recipe) -> str:
    """Version of the teacher's prompts or rules."""
    profile = recipe.profile
    if profile.is_remote:
        return prompt_version(recipe.asking)
    if profile.backend == "heuristic":
        return recipe.teacher  # hashed so before other packages could add teachers
    version: str = load_plugin("teachers", profile.backend)().prompt_version
    return version
