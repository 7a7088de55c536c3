"""Where things are: environment variables `DRP_*`, each with a default that works on a laptop."""

import os
from decimal import Decimal
from functools import cache
from pathlib import Path

from pydantic import Field, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from drp.core import BadInputError


class Settings(BaseSettings):
    """Resolved settings of this process."""

    model_config = SettingsConfigDict(env_prefix="DRP_", frozen=True)

    home: Path = Field(default_factory=Path.cwd)
    """Folder that relative paths count from; the current folder when unset."""
    lake: str = "./warehouse"
    """Root of the object store: a folder, or `s3://bucket/prefix`."""
    database_url: str = "sqlite:///warehouse/drp.db"
    """Database of the ledger and the registry: SQLite, or `postgresql+psycopg://user:password@host/database`."""
    teacher: str | None = None
    """Name of a teacher (drp/config/teachers.yaml, `teachers_file`); the recipe's choice when unset."""
    teacher_base_url: str | None = None
    """Where that teacher is; the profile's own address when unset."""
    teacher_model: str | None = None
    """The provider's name of its model; the profile's own when unset."""
    teachers_file: Path | None = None
    """More teachers, in the form of drp/config/teachers.yaml."""
    budget_usd: Decimal = Field(default=Decimal(0), ge=0)
    """What a night may spend on its teacher, in USD."""
    student: str | None = None
    """The student that rolls out; the recipe's own choice when unset."""
    scratch: Path = Path(".scratch")
    """Folder for what can be made again: training in progress, checkpoints that were fetched."""
    training_python: Path | None = None
    """Python of the training environment; `.venv-training/bin/python` when unset."""
    inference_python: Path | None = None
    """Python of the inference environment; `.venv-inference/bin/python` when unset."""
    workers: int = Field(default_factory=lambda: len(os.sched_getaffinity(0)), ge=1)
    """Processes that a stage may use."""

    @property
    def resolved_database_url(self) -> str:
        """The database's address; of a file the absolute path."""
        folder, path = "sqlite:///", self.database_url.removeprefix("sqlite:///")
        return folder + str(self.home / path) if self.database_url.startswith(folder) else self.database_url

    @property
    def scratch_root(self) -> Path:
        """The scratch folder's absolute path."""
        return self.home / self.scratch

    @property
    def lake_root(self) -> str:
        """The lake's address; of a folder the absolute path."""
        return self.lake if "://" in self.lake else str((self.home / self.lake).resolve())


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
