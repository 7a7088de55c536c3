"""Where things are: environment variables `DRP_*`, each with a default that works on a laptop."""

import os
from functools import cache
from pathlib import Path

from pydantic import Field, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from drp.errors import BadInputError

ROOT = Path(__file__).resolve().parent.parent
"""The repository's root: relative paths in settings count from here."""


class Settings(BaseSettings):
    """Resolved settings of this process."""

    model_config = SettingsConfigDict(env_prefix="DRP_", frozen=True)

    lake: str = "./warehouse"
    """Root of the object store: a folder, or `s3://bucket/prefix`."""
    teacher: str | None = None
    """Name of one of the recipe's teachers; the recipe's own choice when unset."""
    student: str | None = None
    """The student that rolls out; the recipe's own choice when unset."""
    workers: int = Field(default_factory=lambda: len(os.sched_getaffinity(0)), ge=1)
    """Processes that a stage may use."""

    @property
    def lake_root(self) -> str:
        """The lake's address; of a folder the absolute path."""
        return self.lake if "://" in self.lake else str((ROOT / self.lake).resolve())


@cache
def settings() -> Settings:
    """The settings, read once per process (`settings.cache_clear()` reads them again)."""
    try:
        return Settings()
    except ValidationError as error:
        fields = "; ".join(f"DRP_{'.'.join(map(str, e['loc'])).upper()}: {e['msg']}" for e in error.errors())
        raise BadInputError(
            f"bad setting: {fields}",
            state="Nothing was read or written",
            next_command="unset it and run again",
        ) from error
