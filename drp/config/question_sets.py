"""The question sets of a recipe: generated word problems, or imported questions."""

from typing import Annotated, Literal, Self, TypeAlias

from pydantic import Field, model_validator

from drp.config.section_base import Section

Level: TypeAlias = Literal["standard", "small", "small-longer"]
Split: TypeAlias = Literal["train", "validation", "test"]

SPLITS: dict[Level, tuple[Split, ...]] = {
    "standard": ("train",),
    "small": ("train", "validation", "test"),
    "small-longer": ("test",),
}
"""The splits of each level of generated problems."""


def dataset_name(level: Level) -> str:
    """Return the name of the data set of generated problems of `level`."""
    return "synthetic" if level == "standard" else f"synthetic-{level}"


class SyntheticSet(Section):
    """Generated word problems with exact answers. Every seed gives different problems."""

    source: Literal["synthetic"]
    """Where the questions come from: `synthetic` are generated, `imported` are in the lake."""
    size: int = Field(ge=1)
    """The number of questions."""
    seed: int = Field(default=0, ge=0)
    """Every seed gives different problems."""
    level: Level = "standard"
    """Difficulty. `small` suits the student that ships with DRP; `small-longer` has one more computation."""
    split: Split = "train"
    """Only questions of `train` become training examples."""

    @model_validator(mode="after")
    def _level_has_split(self) -> Self:
        if self.split not in SPLITS[self.level]:
            raise ValueError(f"level {self.level} has only the splits {', '.join(SPLITS[self.level])}")
        return self

    @property
    def where(self) -> tuple[str, str]:
        """Data set and split of its questions in the lake."""
        return dataset_name(self.level), self.split


class ImportedSet(Section):
    """Questions that `drp import questions` has imported into the lake."""

    source: Literal["imported"]
    dataset: str
    """Name of the data set, as in the column `questions.dataset`."""
    split: str

    @property
    def where(self) -> tuple[str, str]:
        """Data set and split of its questions in the lake."""
        return self.dataset, self.split


QuestionSet: TypeAlias = Annotated[SyntheticSet | ImportedSet, Field(discriminator="source")]
