"""What to do: a recipe is a commented YAML file, validated and hashed.

`load_recipe("drp")` reads drp/config/recipes/drp.yaml; a path reads that file. Unknown keys and impossible
values are refused, all of them at once.
"""

from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Literal, Self, TypeAlias

import yaml
from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    field_validator,
    model_validator,
)

from drp.config.student_name import reference
from drp.config.teacher_profiles import TeacherProfile, find_profile
from drp.config.training import Sft
from drp.core.errors import BadInputError
from drp.core.ids import content_id
from drp.core.records import Asking, DecompositionKind
from drp.curation.curations import Arm
from drp.questions.generators.generate import SPLITS, Level, Split, dataset
from drp.teacher.llm.prompts import prompt_version

RECIPES = Path(__file__).parent / "recipes"


def _ordered(band: tuple[float, float]) -> tuple[float, float]:
    if band[0] > band[1]:
        raise ValueError("a band is [lowest, highest]")
    return band


Engine: TypeAlias = Literal["transformers", "vllm", "server"]
"""What runs the student: transformers or vLLM, each in an environment of this project; or a server."""
Share: TypeAlias = Annotated[float, Field(ge=0, le=1)]
Band: TypeAlias = Annotated[tuple[Share, Share], AfterValidator(_ordered)]


class Section(BaseModel):
    """A part of a recipe: immutable, no unknown keys."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class SyntheticSet(Section):
    """Generated word problems with exact answers; every seed gives other problems."""

    source: Literal["synthetic"]
    size: int = Field(ge=1)
    seed: int = Field(default=0, ge=0)
    level: Level = "standard"
    """How hard: `small` is for the student that ships with DRP, `small-longer` beyond what it was taught."""
    split: Split = "train"

    @model_validator(mode="after")
    def _level_has_split(self) -> Self:
        if self.split not in SPLITS[self.level]:
            raise ValueError(f"level {self.level} has the splits {', '.join(SPLITS[self.level])}")
        return self

    @property
    def where(self) -> tuple[str, str]:
        """Dataset and split of its questions in the lake."""
        return dataset(self.level), self.split


class ImportedSet(Section):
    """Questions that `drp import questions` brought into the lake."""

    source: Literal["imported"]
    dataset: str
    split: str

    @property
    def where(self) -> tuple[str, str]:
        """Dataset and split of its questions in the lake."""
        return self.dataset, self.split


QuestionSet: TypeAlias = Annotated[SyntheticSet | ImportedSet, Field(discriminator="source")]


LONGEST = 131_072
"""Tokens of the paper's longest responses (section 4); a server is not told a limit that is not lower."""


class Server(Section):
    """An OpenAI-compatible server that runs the student, such as `vllm serve`."""

    base_url: str = Field(pattern=r"^https?://")
    model: str
    """What the server calls it."""
    api_key_env: str | None = None
    """The variable that holds its key, if it wants one."""
    in_flight: int = Field(default=64, ge=1)
    """Requests under way."""


class Sampling(Section):
    """How the student is sampled."""

    samples: int = Field(default=1, ge=1)
    """Samples a question (K)."""
    temperature: float = Field(default=0.6, ge=0)
    top_p: float = Field(default=0.95, gt=0, le=1)
    max_tokens: int = Field(default=LONGEST, ge=1)
    seed: int = Field(default=0, ge=0)

    @property
    def identity(self) -> dict[str, float]:
        """What can change a sample: not how many others there are, so that raising K keeps the first ones."""
        return self.model_dump(mode="json", exclude={"samples"})


class Parallel(Section):
    """How a student is spread over a machine."""

    data: int = Field(default=1, ge=1)
    """Engines that share the samples, each a process with the whole student."""
    tensor: int = Field(default=1, ge=1)
    """GPUs that one engine spreads the student over, if it is vLLM."""


class RowGates(Section):
    """Limits of the row gates."""

    min_characters: int = Field(ge=0)
    """`hollow`: a pruned trace shorter than this has too little left to follow."""
    min_share: Share
    """`hollow`: likewise, as a share of the trace it came from."""


class NightBands(Section):
    """Table thresholds: a night outside one of them is quarantined."""

    min_rollouts: int = Field(ge=1)
    """Smaller nights are not judged by their shares: chance alone would stop them."""
    right_share: Band
    """Share of rollouts that may be sent to the teacher (finished, right, no leak, no duplicate)."""
    accepted_share: Band
    """Share of those that end accepted."""
    median_saving: Band
    """Median over accepted revisions of 1 - tokens after / tokens before."""


class Gates(Section):
    """What a revision, and a night, must pass."""

    rows: RowGates
    night: NightBands


class Benchmark(Section):
    """Questions that students are measured on, and never trained on."""

    name: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    questions: QuestionSet


class Evaluation(Section):
    """How students are measured."""

    benchmarks: tuple[Benchmark, ...] = Field(min_length=1)
    sampling: Sampling = Sampling(samples=5)
    """`samples` runs of each question: 5 in the paper."""
    cutoff: int | None = Field(default=12_000, ge=1)
    """Tokens of the cut-off that is reported beside none (paper, section 5)."""

    @field_validator("benchmarks")
    @classmethod
    def _names_differ(cls, benchmarks: tuple[Benchmark, ...]) -> tuple[Benchmark, ...]:
        if len({benchmark.name for benchmark in benchmarks}) < len(benchmarks):
            raise ValueError("two benchmarks have the same name")
        return benchmarks


class Promotion(Section):
    """When a checkpoint becomes the champion."""

    benchmark: str
    """The one that decides."""
    margin: Share = 0.01
    """Accuracy may not be lower by as much, with 95 % confidence."""
    saving: Share = 0.0
    """Tokens must be lower by more than this share, with 95 % confidence."""


class Recipe(Section):
    """One way to make a corpus, and a checkpoint of it."""

    name: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    questions: tuple[QuestionSet, ...]
    student: str
    """A model, or `<model>@champion`: the checkpoint of it that is in use."""
    engine: Engine = "transformers"
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
    asking: Asking = "fused"
    """How an LLM teacher is asked: all in one request; or to decompose, then to revise."""
    decomposition: DecompositionKind
    gates: Gates
    arms: tuple[Arm, ...] = ("drp",)
    """What is trained: `drp`, and the controls that it is compared with."""
    training: Sft = Sft()
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
        return reference(self.student).line

    @cached_property
    def profile(self) -> TeacherProfile:
        """The teacher that `teacher` names."""
        return find_profile(self.teacher)

    @cached_property
    def revision_hash(self) -> str:
        """Hash of what can change a revision: the teacher, its prompts, the cutting and the row gates."""
        rows = self.gates.rows.model_dump(mode="json")
        if self.profile.backend == "heuristic":
            return content_id("recipe", self.profile.identity, self.teacher, self.decomposition, rows)
        prompts = prompt_version(self.asking)
        return content_id("recipe", self.profile.identity, prompts, self.decomposition, rows)

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
