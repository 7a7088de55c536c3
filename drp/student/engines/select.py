"""Who a recipe's student is, which engine runs it, and in which environment."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from drp.config import Recipe, parse_student_name, settings
from drp.core import BadInputError, load_plugin
from drp.jobs import Environment
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


@dataclass(frozen=True)
class EnginePlugin:
    """A rollout engine and where it runs; the value of an entry point of the group `drp.engines`."""

    environment: Environment
    """The environment that has its packages. Engines outside the orchestrator read a model's folder."""
    make: Callable[[Student], RolloutEngine]
    """Makes the engine, in its environment."""


def environment_of(student: Student) -> Environment:
    """The environment that the student's engine runs in.

    Raises:
        BadInputError: the engine needs a model's folder, and the student is not one.
    """
    environment: Environment = load_plugin("engines", student.engine).environment
    if environment == "orchestrator" or student.model:
        return environment
    raise BadInputError(
        f"no rollout engine can run the student {student.name!r} (there are: {small.NAME}, the folder of any"
        " model, and what a server runs)",
        state="Nothing was rolled out",
        next_command="drp nightly --traces FILE, to replay what it wrote elsewhere",
    )


def make_engine(student: Student) -> RolloutEngine:
    """The engine that runs the student; call it in its environment."""
    engine: RolloutEngine = load_plugin("engines", student.engine).make(student)
    return engine


def _make_transformers(student: Student) -> RolloutEngine:
    from drp.student.engines.transformers_engine import TransformersEngine

    return TransformersEngine(student)


def _make_vllm(student: Student) -> RolloutEngine:
    from drp.student.engines.vllm_engine import VllmEngine

    return VllmEngine(student)


def _make_server(student: Student) -> RolloutEngine:
    from drp.student.engines.server_engine import ServedEngine

    return ServedEngine(student)


TRANSFORMERS = EnginePlugin("training", _make_transformers)
VLLM = EnginePlugin("inference", _make_vllm)
SERVER = EnginePlugin("orchestrator", _make_server)


def model_folder(student: str) -> Path | None:
    """The folder of a student that is a model; None if it is none. Relative paths count from the root."""
    if parse_student_name(student).checkpoint:
        folder = checkpoint_folder(student)
    else:
        folder = small.WEIGHTS if student == small.NAME else settings().home / student
    return folder if (folder / "config.json").is_file() else None


def checkpoint_folder(student: str) -> Path:
    """Where the model of a checkpoint, `<line>@<id>`, lies on this machine, once it was brought there."""
    return settings().scratch_root / "models" / str(parse_student_name(student).checkpoint)
