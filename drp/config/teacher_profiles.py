"""Teacher profiles by name: address, prices and limits of each teacher.

`teachers.yaml` in this folder holds the built-in profiles. The file in DRP_TEACHERS_FILE, in the same format,
adds profiles or replaces some of them.
"""

import logging
from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any, Literal, TypeAlias

import yaml
from pydantic import Field, HttpUrl, JsonValue, TypeAdapter, ValidationError, model_validator

from drp.config.section_base import Section
from drp.config.settings import settings
from drp.core import BadInputError, plugin_names

_log = logging.getLogger(__name__)

BUILT_IN = Path(__file__).parent / "teachers.yaml"

REMOTE = ("online", "batch")
"""Backends that send requests to a provider, one by one or in batches. Others are local teachers."""
_OWN_FIELDS = frozenset(
    {"model", "messages", "response_format", "max_tokens", "max_completion_tokens", "stream", "n"}
)
"""Fields of a request that a profile cannot set with `extra_body`."""
Support: TypeAlias = Literal["json_schema", "batch", "seed"]
Price: TypeAlias = Decimal
ReleasePolicy: TypeAlias = Literal["cancel_unstarted", "keep", "cancel"]


class Prices(Section):
    """USD per million tokens."""

    input: Price = Field(ge=0)
    cached_input: Price | None = Field(default=None, ge=0)
    """Price of prompt tokens that the provider had cached; the full price when None."""
    output: Price = Field(ge=0)
    batch_discount: Price = Field(default=Decimal(0), ge=0, le=1)
    """Share of the price that is saved in a batch."""
    read_on: date


class Limits(Section):
    """Limits of the provider; None if it states none."""

    requests_per_minute: int | None = Field(default=None, ge=1)
    tokens_per_minute: int | None = Field(default=None, ge=1)
    enqueued_tokens: int | None = Field(default=None, ge=1)
    """Tokens of all batches that have not ended. This limit is usually reached first."""
    in_flight: int = Field(default=256, ge=1)
    """The maximum number of concurrent requests; fewer are sent if the provider cannot keep up."""
    context: int | None = Field(default=None, ge=1)
    """Tokens of prompt and reply together that the model can take. Longer traces go in windows."""
    output_tokens: int = Field(default=16_384, ge=1)
    """Tokens of the longest reply that the model can give."""
    timeout_s: float = Field(default=600, gt=0)
    """Seconds that one reply may take."""
    patience_s: float = Field(default=1800, gt=0)
    """Seconds without any reply after which the stage fails. Run again, it continues where it stopped."""


class BatchPace(Section):
    """How to wait for batches; times in seconds."""

    poll_first_s: float = Field(default=5, gt=0)
    """The first interval between two polls of a batch."""
    poll_most_s: float = Field(default=60, gt=0)
    """The longest interval, for a batch that makes no progress."""
    settle_s: float = Field(default=20, ge=0)
    """Time after which a new batch appears in the provider's list."""
    backoff_s: float = Field(default=0.5, gt=0)
    """Wait after the first failed call; doubled after each further failure, up to a minute."""
    no_room_s: float = Field(default=60, gt=0)
    """Wait after the provider had no room for a batch; doubled each time, up to ten times this value."""
    carry_after_s: float = Field(default=26 * 3600, gt=0)
    """A batch that has not ended this long after its submission is left to a later night."""
    given_up: ReleasePolicy = "cancel_unstarted"
    """What to do with the outstanding batches when a person clears or fails the task that waits for them. The
    default cancels the batches of which nothing is done yet. The others go on, and the next night collects
    their results."""


class TeacherSampling(Section):
    """How the teacher is sampled. The provider chooses the values that are not set."""

    temperature: float | None = Field(default=None, ge=0)
    top_p: float | None = Field(default=None, gt=0, le=1)
    seed: int | None = None
    reasoning_effort: str | None = None


class TeacherProfile(Section):
    """The profile of one teacher."""

    backend: str
    """`online` or `batch` for an LLM at a provider, else the name of a teacher plugin such as `heuristic`."""
    base_url: str = ""
    model: str = ""
    api_key_env: str = ""
    """Environment variable with the API key; no key is sent when empty."""
    prices: Prices | None = None
    limits: Limits = Limits()
    pace: BatchPace = BatchPace()
    supports: frozenset[Support] = frozenset()
    sampling: TeacherSampling = TeacherSampling()
    limit_field: Literal["max_completion_tokens", "max_tokens"] = "max_completion_tokens"
    """The provider's name of the limit on the tokens of a reply."""
    extra_body: dict[str, JsonValue] = Field(default_factory=dict)
    """More fields of each request, e.g. `chat_template_kwargs` of models that think."""

    @property
    def is_remote(self) -> bool:
        """Whether requests go to a provider, which costs money."""
        return self.backend in REMOTE

    @model_validator(mode="after")
    def _remote_is_complete(self) -> "TeacherProfile":
        if not self.is_remote:
            if self.backend not in (backends := [*REMOTE, *plugin_names("teachers")]):
                raise ValueError(f"backend must be one of {', '.join(backends)}")
            return self
        if not self.model:
            raise ValueError("a remote teacher needs a model")
        TypeAdapter(HttpUrl).validate_python(self.base_url)
        if self.prices is None:
            raise ValueError("a remote teacher without prices is refused, because its cost would be unknown")
        if self.backend == "batch" and "batch" not in self.supports:
            raise ValueError("the backend is batch, but `supports` has no batch")
        if self.sampling.seed is not None and "seed" not in self.supports:
            raise ValueError("sampling has a seed, but `supports` has no seed")
        if own := self.extra_body.keys() & (_OWN_FIELDS | TeacherSampling.model_fields.keys()):
            raise ValueError(f"extra_body has {', '.join(sorted(own))}, which DRP sets itself")
        return self

    @property
    def identity(self) -> dict[str, Any]:
        """The settings that can change a reply. Transport and prices do not count."""
        if not self.is_remote:
            return {"backend": self.backend}
        structured = "json_schema" in self.supports
        sampling = self.sampling.model_dump(exclude_none=True)
        identity = {
            "base_url": self.base_url,
            "model": self.model,
            "sampling": sampling,
            "structured": structured,
        }
        return identity | ({"extra_body": self.extra_body} if self.extra_body else {})


def find_profile(name: str) -> TeacherProfile:
    """Return the profile of this name. DRP_TEACHER_BASE_URL and DRP_TEACHER_MODEL override its values.

    Raises:
        BadInputError: there is no such teacher, or a file of teachers is invalid.
    """
    settings_ = settings()
    profiles = _profiles(settings_.teachers_file)
    plugins = plugin_names("teachers")
    if name not in profiles and name in plugins:
        return TeacherProfile(backend=name)
    if name not in profiles:
        raise BadInputError(
            f"there is no teacher {name!r} (available: {', '.join(sorted({*profiles, *plugins}))})",
            state="Nothing was read or written",
            next_command="set DRP_TEACHER to one of them, or DRP_TEACHERS_FILE to a file with it; then"
            " run the same command again",
        )
    profile = profiles[name]
    if isinstance(profile, BadInputError):
        raise profile
    if not profile.is_remote:
        return profile
    if settings_.teacher_model and settings_.teacher_model != profile.model:
        _log.warning("%s is counted at the prices of %s", settings_.teacher_model, profile.model)
    overrides = {
        "base_url": (settings_.teacher_base_url or profile.base_url).rstrip("/"),
        "model": settings_.teacher_model or profile.model,
    }
    return profile.model_copy(update=overrides)


@cache
def _profiles(teachers_file: Path | None) -> Mapping[str, TeacherProfile | BadInputError]:
    """Return the profiles by name, with an error instead of each invalid one."""
    profiles = _read(BUILT_IN)
    return profiles | _read(settings().home / teachers_file) if teachers_file else profiles


class _TeachersFile(Section):
    teachers: dict[str, Any]


def _read(path: Path) -> dict[str, TeacherProfile | BadInputError]:
    try:
        entries = _TeachersFile.model_validate(yaml.safe_load(path.read_text(encoding="utf-8"))).teachers
    except ValidationError as error:
        raise _invalid(path, _faults(error)) from None
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise _invalid(path, str(error)) from None
    profiles: dict[str, TeacherProfile | BadInputError] = {}
    for name, entry in entries.items():
        try:
            profiles[name] = TeacherProfile.model_validate(entry)
        except ValidationError as error:  # raised when this teacher is asked for: the others may be used
            profiles[name] = _invalid(path, _faults(error, f"teachers.{name}"))
            _log.warning("%s", profiles[name])
    return profiles


def _faults(error: ValidationError, *place: str) -> str:
    return "; ".join(f"{'.'.join(map(str, (*place, *e['loc'])))}: {e['msg']}" for e in error.errors())


def _invalid(path: Path, faults: str) -> BadInputError:
    return BadInputError(
        f"the file of teachers {path.name} is invalid: {faults}",
        state="Nothing was read or written",
        next_command=f"correct {path} (see docs/how-to/use-an-llm-as-teacher.md for the format), then run the"
        " same command again",
    )
