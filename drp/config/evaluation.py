"""How students are measured, and when a checkpoint is promoted."""

from pydantic import Field, field_validator

from drp.config.question_sets import QuestionSet
from drp.config.section import Section, Share
from drp.config.student import Sampling


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
