"""Who may prune: teachers by name, with where they are, what they cost and how much they take.

`teachers.yaml` beside this file has those that ship; a file of the same form named by DRP_TEACHERS_FILE adds
more, or replaces some.
"""

import logging
from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any, Literal, TypeAlias

import yaml
from pydantic import Field, HttpUrl, TypeAdapter, ValidationError, model_validator

from drp.config.section import Section
from drp.config.settings import settings
from drp.core import BadInputError, check_plugin_name, plugin_names

_log = logging.getLogger(__name__)

BUILT_IN = Path(__file__).parent / "teachers.yaml"

REMOTE = ("online", "batch")
"""Backends that ask a provider, request by request or in batches. All others are teachers in this process."""
Support: TypeAlias = Literal["json_schema", "batch", "seed"]
Price: TypeAlias = Decimal
ReleasePolicy: TypeAlias = Literal["cancel_unstarted", "keep", "cancel"]


class Prices(Section):
    """USD per million tokens."""

    input: Price = Field(ge=0)
    cached_input: Price | None = Field(default=None, ge=0)
    """Of prompt tokens that the provider had cached; the full price when None."""
    output: Price = Field(ge=0)
    batch_discount: Price = Field(default=Decimal(0), ge=0, le=1)
    """Share of the price that a batch saves."""
    read_on: date


class Limits(Section):
    """What the provider lets through; None: it does not say."""

    requests_per_minute: int | None = Field(default=None, ge=1)
    tokens_per_minute: int | None = Field(default=None, ge=1)
    enqueued_tokens: int | None = Field(default=None, ge=1)
    """Tokens of all batches that have not ended: the limit that binds first."""
    in_flight: int = Field(default=256, ge=1)
    """Requests under way at once, at most; fewer where the provider cannot."""
    output_tokens: int = Field(default=16_384, ge=1)
    """The longest reply that the model can give."""
    timeout_s: float = Field(default=600, gt=0)
    """Seconds that one answer may take."""
    patience_s: float = Field(default=1800, gt=0)
    """Seconds without any answer after which the stage fails; it goes on where it stopped when run again."""


class BatchPace(Section):
    """How batches are waited for; times in seconds."""

    poll_first_s: float = Field(default=5, gt=0)
    """Between the first looks at a batch."""
    poll_most_s: float = Field(default=60, gt=0)
    """Between two looks at one in which nothing moves."""
    settle_s: float = Field(default=20, ge=0)
    """After it a batch that was created shows in the provider's list."""
    backoff_s: float = Field(default=0.5, gt=0)
    """After the first call that failed; doubled each time, up to a minute."""
    no_room_s: float = Field(default=60, gt=0)
    """After a batch for which the provider had no room; doubled each time, up to ten times of it."""
    carry_after_s: float = Field(default=26 * 3600, gt=0)
    """What is not back so long after its submission is left to another night."""
    given_up: ReleasePolicy = "cancel_unstarted"
    """What becomes of the batches that are out when a person clears or fails the task that waits for them: by
    default those of which nothing is done are cancelled. The others go on, and land with the next night."""


class TeacherSampling(Section):
    """How the teacher is sampled; what is not set is left to the provider."""

    temperature: float | None = Field(default=None, ge=0)
    top_p: float | None = Field(default=None, gt=0, le=1)
    seed: int | None = None
    reasoning_effort: str | None = None


class TeacherProfile(Section):
    """One teacher."""

    backend: str
    """`online` or `batch`: an LLM at a provider. Else the name of a teacher plugin, such as `heuristic`."""
    base_url: str = ""
    model: str = ""
    api_key_env: str = ""
    """The variable that holds the key; none is sent when empty."""
    prices: Prices | None = None
    limits: Limits = Limits()
    pace: BatchPace = BatchPace()
    supports: frozenset[Support] = frozenset()
    sampling: TeacherSampling = TeacherSampling()
    limit_field: Literal["max_completion_tokens", "max_tokens"] = "max_completion_tokens"
    """What the provider calls the limit on a reply's tokens."""

    @property
    def is_remote(self) -> bool:
        """Whether a provider is asked, which costs money."""
        return self.backend in REMOTE

    @model_validator(mode="after")
    def _remote_is_whole(self) -> "TeacherProfile":
        if not self.is_remote:
            check_plugin_name("teachers", self.backend)
            return self
        if not self.model:
            raise ValueError("a remote teacher needs a model")
        TypeAdapter(HttpUrl).validate_python(self.base_url)
        if self.prices is None:
            raise ValueError("a remote teacher without prices is refused: what it would cost is unknown")
        if self.backend == "batch" and "batch" not in self.supports:
            raise ValueError("its backend is batch, and `supports` has no batch")
        if self.sampling.seed is not None and "seed" not in self.supports:
            raise ValueError("its sampling has a seed, and `supports` has none")
        return self

    @property
    def identity(self) -> dict[str, Any]:
        """What of it can change an answer: not how it is asked, nor what it costs."""
        if not self.is_remote:
            return {"backend": self.backend}
        structured = "json_schema" in self.supports
        sampling = self.sampling.model_dump(exclude_none=True)
        return {
            "base_url": self.base_url,
            "model": self.model,
            "sampling": sampling,
            "structured": structured,
        }


def find_profile(name: str) -> TeacherProfile:
    """The teacher of this name, with DRP_TEACHER_BASE_URL and DRP_TEACHER_MODEL in their place.

    Raises:
        BadInputError: there is none, or its file cannot be used.
    """
    here = settings()
    profiles = _profiles(here.teachers_file)
    if name not in profiles and name in plugin_names("teachers"):
        return TeacherProfile(backend=name)
    if name not in profiles:
        raise BadInputError(
            f"there is no teacher {name!r} (there are: {', '.join(sorted(profiles))})",
            state="Nothing was read or written",
            next_command="drp nightly with DRP_TEACHER set to one of them, or add it to DRP_TEACHERS_FILE",
        )
    profile = profiles[name]
    changed = {
        "base_url": (here.teacher_base_url or profile.base_url).rstrip("/"),
        "model": here.teacher_model or profile.model,
    }
    if not profile.is_remote:
        return profile
    if here.teacher_model and here.teacher_model != profile.model:
        _log.warning("%s is counted at the prices of %s", here.teacher_model, profile.model)
    return profile.model_copy(update=changed)


@cache
def _profiles(more: Path | None) -> Mapping[str, TeacherProfile]:
    profiles = _read(BUILT_IN)
    return profiles | _read(settings().home / more) if more else profiles


class _TeachersFile(Section):
    teachers: dict[str, TeacherProfile]


def _read(path: Path) -> dict[str, TeacherProfile]:
    try:
        return _TeachersFile.model_validate(yaml.safe_load(path.read_text(encoding="utf-8"))).teachers
    except ValidationError as error:
        faults = "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors())
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        faults = str(error)
    raise BadInputError(
        f"teachers in {path.name}: {faults}",
        state="Nothing was read or written",
        next_command=f"mend {path} (docs/teachers.md has the form), then the same command again",
    )
