"""How students are evaluated, and when a checkpoint is promoted."""

from pydantic import Field, field_validator

from drp.config.question_sets import QuestionSet
from drp.config.section_base import Section, Share
from drp.config.student import Sampling


class Benchmark(Section):
    """Questions that students are evaluated on. They are never used for training."""

    name: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    """Its name in tables and reports: lower-case letters, digits and underscores."""
    questions: QuestionSet


class Evaluation(Section):
    """How students are evaluated."""

    benchmarks: tuple[Benchmark, ...] = Field(min_length=1)
    """What students are evaluated on. These questions are never trained on."""
    sampling: Sampling = Sampling(samples=5)
    """Each question is sampled `samples` times: 5 times in the paper."""
    cutoff: int | None = Field(default=12_000, ge=1)
    """Token cut-off. Scores are reported without any cut-off and, if a sample can be longer, with it (paper,
    section 5)."""

    @field_validator("benchmarks")
    @classmethod
    def _names_differ(cls, benchmarks: tuple[Benchmark, ...]) -> tuple[Benchmark, ...]:
        if len({benchmark.name for benchmark in benchmarks}) < len(benchmarks):
            raise ValueError("two benchmarks have the same name")
        return benchmarks


class Promotion(Section):
    """When a checkpoint becomes the champion."""

    benchmark: str
    """Name of the benchmark that decides."""
    margin: Share = 0.01
    """The drop in accuracy, from the champion and from the original base, must be smaller than this, with
    95 % confidence."""
    saving: Share = 0.0
    """The share of tokens saved must be larger than this, with 95 % confidence."""
