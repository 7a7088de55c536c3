"""Who a recipe's student is, which engine runs it, and in which environment."""

from pathlib import Path

from drp.config.recipe import Recipe
from drp.config.settings import ROOT, settings
from drp.config.student_name import reference
from drp.core.errors import BadInputError
from drp.jobs.runner import Environment
from drp.student import small
from drp.student.protocol import RolloutEngine, Student


def student_of(recipe: Recipe) -> Student:
    """The student that `recipe` samples, and how."""
    folder = model_folder(recipe.student)
    return Student(
        recipe.student,
        str(folder or ""),
        recipe.engine,
        recipe.server,
        recipe.prompt_version,
        recipe.sampling,
        recipe.parallel.tensor,
    )


def environment(student: Student) -> Environment:
    """Where its engine runs.

    Raises:
        BadInputError: no engine can run it.
    """
    if student.engine == "server":
        return "orchestrator"
    if student.model:
        return "inference" if student.engine == "vllm" else "training"
    raise BadInputError(
        f"no rollout engine can run the student {student.name!r} (there are: {small.NAME}, the folder of any"
        " model, and what a server runs)",
        state="Nothing was rolled out",
        next_command="drp nightly --traces FILE, to replay what it wrote elsewhere",
    )


def make_engine(student: Student) -> RolloutEngine:
    """The engine that runs it, in its `environment`."""
    if student.engine == "server":
        from drp.student.engines.server_engine import ServedEngine

        return ServedEngine(student)
    if student.engine == "vllm":
        from drp.student.engines.vllm_engine import VllmEngine

        return VllmEngine(student)
    from drp.student.engines.transformers_engine import TransformersEngine

    return TransformersEngine(student)


def model_folder(student: str) -> Path | None:
    """The folder of a student that is a model; None if it is none. Relative paths count from the root."""
    if reference(student).checkpoint:
        folder = checkpoint_folder(student)
    else:
        folder = small.WEIGHTS if student == small.NAME else ROOT / student
    return folder if (folder / "config.json").is_file() else None


def checkpoint_folder(student: str) -> Path:
    """Where the model of a checkpoint, `<line>@<id>`, lies on this machine, once it was brought there."""
    return settings().scratch_root / "models" / str(reference(student).checkpoint)
