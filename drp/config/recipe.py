"""A recipe says what a night and a training run do. It is a YAML file that is validated and hashed.

`load_recipe("drp")` reads drp/config/recipes/drp.yaml; a path ending in .yaml or .yml reads that file.
Unknown keys and invalid values are refused, and the error lists all of them.
"""

from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Self, TypeAlias

import yaml
from pydantic import AfterValidator, Field, JsonValue, ValidationError, model_validator
from pydantic_core import ErrorDetails

from drp.config.decomposition import DecompositionKind, PromptMode
from drp.config.evaluation import Evaluation, Promotion
from drp.config.gates import Gates
from drp.config.overrides import apply_overrides
from drp.config.question_sets import QuestionSet
from drp.config.recipe_keys import RECORDED, near_keys, recipe_keys
from drp.config.section_base import Section
from drp.config.settings import settings
from drp.config.student import (
    THINK,
    EngineName,
    Marks,
    Parallel,
    Sampling,
    Server,
    StudentPrompt,
    marks_suffix,
    read_prompt_file,
)
from drp.config.student_name import parse_student_name
from drp.config.teacher_profiles import TeacherProfile, find_profile
from drp.config.training import Sft, Training
from drp.core import BadInputError, check_plugin_name, content_id

Arm: TypeAlias = Annotated[str, AfterValidator(lambda name: check_plugin_name("curations", name))]
"""Name of a curation, which selects the training examples of one checkpoint."""

RECIPES = Path(__file__).parent / "recipes"


class Recipe(Section):
    """How to make a corpus, and how to train a checkpoint on it."""

    name: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    """Lower-case letters, digits and underscores; part of the names of runs."""
    questions: tuple[QuestionSet, ...]
    """The questions that the student answers in a night."""
    student: str
    """A model, or `<model>@champion` for the checkpoint of it that is in use."""
    model: str | None = None
    """The folder or hub id of the model, if `student` is only its name."""
    engine: EngineName = "transformers"
    """What runs the student: `transformers`, `vllm`, `server`, or an engine of another package."""
    server: Server | None = None
    """The server that runs the student, if the engine is `server`."""
    vllm: dict[str, JsonValue] = Field(default_factory=dict)
    """Options of vLLM's engine, such as `gpu_memory_utilization: 0.8`."""
    prompt_version: str
    """Version of the student's prompt, or a YAML file with a prompt."""
    prompt: StudentPrompt | None = None
    """The prompt in that file; None: one that ships with DRP."""
    thinking: Marks = THINK
    """The marks around the student's thinking: `think`, `channels`, or `opening` and `closing`."""
    sampling: Sampling
    parallel: Parallel = Parallel()
    sample_size: int = Field(ge=1)
    """The maximum number of questions that one night rolls out."""
    teacher: str
    """Name of a teacher (drp/config/teachers.yaml, DRP_TEACHERS_FILE)."""
    asking: PromptMode = "fused"
    """How an LLM teacher is prompted: with one request for everything, or to decompose and then to revise."""
    decomposition: DecompositionKind
    """What a step is: one atomic skill, a reasoning step, a sentence, or the whole trace."""
    gates: Gates
    arms: tuple[Arm, ...] = ("drp",)
    """The arms that are trained: `drp`, and the controls to compare it with."""
    training: Training = Sft()
    """How the student is fine-tuned. Another objective may have further keys."""
    evaluation: Evaluation | None = None
    """None: nothing is trained."""
    promotion: Promotion | None = None
    """None: nothing is promoted automatically."""
    overrides: tuple[str, ...] = ()
    """What was set with `--set` on the command line. It is recorded here; a file cannot have this key."""

    @model_validator(mode="before")
    @classmethod
    def _version_names_file_and_marks(cls, document: Any) -> Any:
        """Read a prompt file. The version of a prompt identifies samples, so it names other marks as well."""
        if not isinstance(document, dict) or not isinstance(document.get("prompt_version"), str):
            return document
        version = document["prompt_version"]
        if version.endswith((".yaml", ".yml")):
            version, prompt = read_prompt_file(settings().home / version)
            document = {**document, "prompt": prompt}
        if "+" not in version:
            version += marks_suffix(document.get("thinking"))
        return {**document, "prompt_version": version}

    @model_validator(mode="after")
    def _engine_has_its_sections(self) -> Self:
        if (self.engine == "server") != (self.server is not None):
            raise ValueError("engine: server needs a section server, and no other engine may have one")
        if self.vllm and self.engine not in {"vllm", "server"}:
            raise ValueError("the section vllm needs engine: vllm, or engine: server for its checkpoints")
        return self

    @property
    def label(self) -> str:
        """The name, with what was changed on the command line."""
        return f"{self.name} with {', '.join(self.overrides)}" if self.overrides else self.name

    @property
    def line(self) -> str:
        """The student line, whose checkpoints succeed one another: `small` in `small@champion`."""
        return parse_student_name(self.student).line

    @property
    def source(self) -> str:
        """The folder or hub id of the model that the line begins with."""
        return self.model or self.line

    @property
    def _options(self) -> list[Any]:
        """For the hashes, which were made without options when there were none."""
        return [self.vllm] if self.vllm else []

    @cached_property
    def profile(self) -> TeacherProfile:
        """The profile of the teacher."""
        return find_profile(self.teacher)

    @cached_property
    def training_hash(self) -> str:
        """Hash of the settings that can change a checkpoint, apart from its base, examples and arm."""
        return content_id("training", self.prompt_version, self.training.model_dump(mode="json"))

    @cached_property
    def evaluation_hash(self) -> str:
        """Hash of the settings that can change a score, apart from the checkpoint."""
        evaluation = self.evaluation.model_dump(mode="json") if self.evaluation else None
        # The hash did not name the engine when there was only this one, and it must not change for it.
        engine = [] if self.engine == "transformers" else [self.engine]
        return content_id("evaluation", self.prompt_version, evaluation, *engine, *self._options)

    @property
    def engine_text(self) -> str:
        """The engine of scores: with other options of vLLM they are not alike."""
        return f"{self.engine}+{content_id('vllm', self.vllm)[:6]}" if self.vllm else self.engine

    @cached_property
    def rollout_hash(self) -> str:
        """Hash of the settings that can change a rollout: the student, its prompt and its sampling."""
        sampling = self.sampling.model_dump(mode="json")
        asked = self.student, self.prompt_version, sampling, *self._options
        return content_id("rollout", *asked)


def available_recipes() -> list[str]:
    """Return the names of the recipes that ship with DRP."""
    return sorted(path.stem for path in RECIPES.glob("*.yaml"))


def load_recipe(
    name_or_path: str,
    *,
    teacher: str | None = None,
    student: str | None = None,
    overrides: Sequence[str] = (),
) -> Recipe:
    """Read a recipe by its name or from a file.

    Args:
        name_or_path: name of a recipe that ships with DRP, or path of a YAML file.
        teacher: the recipe's teacher; None keeps that of the file.
        student: likewise, the student.
        overrides: `key=value` for keys that are changed; they win over everything else.

    Raises:
        BadInputError: there is no such recipe, it is not YAML, or it has unknown keys or invalid values (the
            message lists all of them, and for an unknown key those that may be meant).
    """
    path = Path(name_or_path)
    if path.suffix not in {".yaml", ".yml"}:
        path = RECIPES / f"{name_or_path}.yaml"
    if not path.is_file():
        raise BadInputError(
            f"there is no file {name_or_path}"
            if path == Path(name_or_path)
            else f"there is no recipe {name_or_path!r} (available: {', '.join(available_recipes())})",
            state="Nothing was read or written",
            next_command="correct --recipe and run the same command again; drp recipe list shows the recipes",
        )
    faults: list[str] = []
    try:
        document: Any = yaml.safe_load(path.read_text(encoding="utf-8"))
        if isinstance(document, dict):
            own_line = _line_of(document)
            given = {"teacher": teacher, "student": student}
            document |= {key: value for key, value in given.items() if value is not None}
            if _line_of(apply_overrides(document, overrides)) != own_line:
                document["model"] = None  # it is that of the recipe's own student; --set model=... wins
            document = apply_overrides(document, overrides)
            faults += [f"{key}: {why}" for key, why in RECORDED.items() if key in document]
            document["overrides"] = [*overrides]
        recipe = Recipe.model_validate(document)
        find_profile(recipe.teacher)
        if not faults:
            return recipe
    except ValidationError as error:
        faults += map(_fault, error.errors())
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        faults.append(f"it is not YAML: {error}")
    what = f"--set, or {path.name}" if overrides else path.name
    raise BadInputError(
        f"recipe {path.name}: {'; '.join(faults)}",
        state="Nothing was read or written",
        next_command=f"correct {what}, then run the same command again",
    )


def _line_of(document: Mapping[str, Any]) -> str:
    """Return the student line of a recipe's document."""
    return parse_student_name(str(document.get("student"))).line


def _fault(error: ErrorDetails) -> str:
    """Return one fault in words; for an unknown key, with those that may be meant."""
    where = [str(part) for part in error["loc"]]
    words = f"{'.'.join(where) or 'recipe'}: {error['msg']}"
    if error["type"] != "extra_forbidden":
        return words
    keys = recipe_keys(Recipe)
    names = {name for key in keys for name in key.path.replace("[]", "").split(".")}
    sections = [
        part for part in where[:-1] if part in names
    ]  # without numbers of items and kinds of sections
    near = near_keys(".".join([*sections, where[-1]]), keys)
    return f"{words}: there is no such key. Near keys: {', '.join(near)}"
