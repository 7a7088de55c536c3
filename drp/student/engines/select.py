"""Select a recipe's student, the engine that runs it, and the environment of the engine."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from drp.config import Recipe
from drp.core import BadInputError, load_plugin
from drp.jobs import Environment
from drp.student import small
from drp.student.engines.model_folder import fetch_command, model_folder
from drp.student.protocol import RolloutEngine, Student


def student_of(recipe: Recipe) -> Student:
    """Return the student that `recipe` samples, with its sampling settings."""
    folder = model_folder(recipe.student, recipe.model)
    return Student(
        name=recipe.student,
        model=str(folder or ""),
        engine=recipe.engine,
        server=recipe.server,
        prompt_version=recipe.prompt_version,
        sampling=recipe.sampling,
        tensor=recipe.parallel.tensor,
        source=recipe.source,
        prompt_file=recipe.prompt,
        thinking=recipe.thinking,
        vllm=recipe.vllm,
    )


def mend_of_missing_model(recipe: Recipe) -> str:
    """Return what to do if the model of the recipe's student is not on this machine."""
    key = "model" if recipe.model else "student"
    return f"{fetch_command(recipe.source)}, or set {key} in the recipe to the folder of a model"


@dataclass(frozen=True)
class EnginePlugin:
    """A rollout engine and its environment; the value of an entry point of the group `drp.engines`."""

    environment: Environment
    """The environment with its packages. Engines outside the orchestrator need a model folder."""
    make: Callable[[Student], RolloutEngine]
    """Creates the engine; called in its environment."""


def environment_of(student: Student) -> Environment:
    """Return the environment in which the student's engine runs.

    Raises:
        BadInputError: the engine needs a model folder and the student does not have one.
    """
    environment: Environment = load_plugin("engines", student.engine).environment
    if environment == "orchestrator" or student.model:
        return environment
    raise BadInputError(
        f"no rollout engine can run the student {student.name!r} (possible students: {small.NAME}, the folder"
        " or hub id of any model, and models behind a server)",
        state="Nothing was sampled",
        next_command=f"{fetch_command(student.source)}; or drp nightly --traces FILE, to use recorded traces",
    )


def make_engine(student: Student) -> RolloutEngine:
    """Create the engine that runs the student; call this in the engine's environment."""
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


def longest_response(student: Student) -> int:
    """Return the most tokens that a response can have: the limit of the sampling or the model's context."""
    document = json.loads((Path(student.model) / "config.json").read_text())
    text = document.get("text_config", document)
    context = text.get("max_position_embeddings", text.get("n_positions"))
    limits = (student.sampling.max_tokens, context, student.vllm.get("max_model_len"))
    return min(int(limit) for limit in limits if limit)
