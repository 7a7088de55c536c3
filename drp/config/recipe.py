"""What to do: a recipe is a commented YAML file, validated and hashed.

`load_recipe("drp")` reads drp/config/recipes/drp.yaml; a path reads that file. Unknown keys and impossible
values are refused, all of them at once.
"""

from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Self, TypeAlias

import yaml
from pydantic import AfterValidator, Field, ValidationError, model_validator

from drp.config.decomposition import DecompositionKind, PromptMode
from drp.config.evaluation import Evaluation, Promotion
from drp.config.gates import Gates
from drp.config.question_sets import QuestionSet
from drp.config.section import Section
from drp.config.student import EngineName, Parallel, Sampling, Server
from drp.config.student_name import parse_student_name
from drp.config.teacher_profiles import TeacherProfile, find_profile
from drp.config.training import Sft, Training
from drp.core import BadInputError, check_plugin_name, content_id

Arm: TypeAlias = Annotated[str, AfterValidator(lambda name: check_plugin_name("curations", name))]
"""Name of a curation that makes the examples of one trained checkpoint."""

RECIPES = Path(__file__).parent / "recipes"


class Recipe(Section):
    """One way to make a corpus, and a checkpoint of it."""

    name: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    questions: tuple[QuestionSet, ...]
    student: str
    """A model, or `<model>@champion`: the checkpoint of it that is in use."""
    engine: EngineName = "transformers"
    server: Server | None = None
    """Where the student runs, when the engine is `server`."""
    prompt_version: str
    """Version of the student's prompt."""
    sampling: Sampling
    parallel: Parallel = Parallel()
    sample_size: int = Field(ge=1)
    """At most so many questions a night are rolled out."""
    teacher: str
    """Name of a teacher (drp/config/teachers.yaml, DRP_TEACHERS_FILE)."""
    asking: PromptMode = "fused"
    """How an LLM teacher is asked: all in one request; or to decompose, then to revise."""
    decomposition: DecompositionKind
    gates: Gates
    arms: tuple[Arm, ...] = ("drp",)
    """What is trained: `drp`, and the controls that it is compared with."""
    training: Training = Sft()
    evaluation: Evaluation | None = None
    """None: nothing is trained."""
    promotion: Promotion | None = None
    """None: nothing is promoted by itself."""

    @model_validator(mode="after")
    def _engine_has_server(self) -> Self:
        if (self.engine == "server") != (self.server is not None):
            raise ValueError("engine: server needs a section server, and no other engine has one")
        return self

    @property
    def line(self) -> str:
        """The student whose checkpoints follow one another: `small` of `small@champion`."""
        return parse_student_name(self.student).line

    @cached_property
    def profile(self) -> TeacherProfile:
        """The teacher that `teacher` names."""
        return find_profile(self.teacher)

    @cached_property
    def training_hash(self) -> str:
        """Hash of what can change a checkpoint, its base, its examples and its arm aside."""
        return content_id("training", self.prompt_version, self.training.model_dump(mode="json"))

    @cached_property
    def evaluation_hash(self) -> str:
        """Hash of what can change a score, the checkpoint aside."""
        evaluation = self.evaluation.model_dump(mode="json") if self.evaluation else None
        engine = [self.engine] if self.engine == "vllm" else []  # the hashes of the others are older than it
        return content_id("evaluation", self.prompt_version, evaluation, *engine)

    @cached_property
    def rollout_hash(self) -> str:
        """Hash of what can change a rollout: the student, its prompt and its sampling."""
        return content_id("rollout", self.student, self.prompt_version, self.sampling.model_dump(mode="json"))


def available_recipes() -> list[str]:
    """Names of the recipes that ship with DRP."""
    return sorted(path.stem for path in RECIPES.glob("*.yaml"))


def load_recipe(name_or_path: str, *, teacher: str | None = None, student: str | None = None) -> Recipe:
    """Read a recipe by its name or from a file; `teacher` and `student` replace its own choices.

    Raises:
        BadInputError: no such recipe, not YAML, unknown keys or impossible values (all named at once).
    """
    path = Path(name_or_path)
    if path.suffix not in {".yaml", ".yml"}:
        path = RECIPES / f"{name_or_path}.yaml"
    if not path.is_file():
        raise BadInputError(
            f"there is no recipe {name_or_path!r} (there are: {', '.join(available_recipes())})",
            state="Nothing was read or written",
            next_command="drp nightly --recipe drp",
        )
    try:
        document: Any = yaml.safe_load(path.read_text(encoding="utf-8"))
        chosen = {"teacher": teacher, "student": student}
        if isinstance(document, dict):
            document |= {key: value for key, value in chosen.items() if value is not None}
        recipe = Recipe.model_validate(document)
        find_profile(recipe.teacher)
        return recipe
    except ValidationError as error:
        faults = "; ".join(f"{'.'.join(map(str, e['loc'])) or 'recipe'}: {e['msg']}" for e in error.errors())
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        faults = f"not YAML: {error}"
    raise BadInputError(
        f"recipe {path.name}: {faults}",
        state="Nothing was read or written",
        next_command=f"mend {path.name}, then drp nightly --recipe {name_or_path}",
    )
