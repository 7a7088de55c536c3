"""Settings of the process: environment variables `DRP_*`, each with a default that works on a laptop."""

import os
from decimal import Decimal
from functools import cache
from pathlib import Path

from pydantic import Field, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from drp.core import BadInputError


class Settings(BaseSettings):
    """The settings of this process."""

    model_config = SettingsConfigDict(env_prefix="DRP_", frozen=True)

    home: Path = Field(default_factory=Path.cwd)
    """Folder that relative paths start from; the current folder when unset."""
    lake: str = "./warehouse"
    """Root of the object store: a folder, or `s3://bucket/prefix`."""
    database_url: str = "sqlite:///warehouse/drp.db"
    """Database of the ledger and the registry: SQLite, or `postgresql+psycopg://user:password@host/database`."""
    teacher: str | None = None
    """Name of a teacher in drp/config/teachers.yaml or `teachers_file`; the recipe's teacher when unset."""
    teacher_base_url: str | None = None
    """Address of that teacher; the address in its profile when unset."""
    teacher_model: str | None = None
    """The provider's name of that teacher's model; the model in its profile when unset."""
    teachers_file: Path | None = None
    """A file with more teachers, in the format of drp/config/teachers.yaml."""
    budget_usd: Decimal = Field(default=Decimal(0), ge=0)
    """The amount that a night may spend on its teacher, in USD."""
    student: str | None = None
    """The student that is rolled out; the recipe's student when unset."""
    reviewer: str | None = None
    """The name under which `drp review` stores verdicts; the login name when unset."""
    scratch: Path = Path(".scratch")
    """Folder for files that can be recreated: training in progress, fetched checkpoints."""
    training_python: Path | None = None
    """Python of the training environment; `.venv-training/bin/python` when unset."""
    inference_python: Path | None = None
    """Python of the inference environment; `.venv-inference/bin/python` when unset."""
    workers: int = Field(default_factory=lambda: len(os.sched_getaffinity(0)), ge=1)
    """Processes that a stage may use."""

    @property
    def resolved_database_url(self) -> str:
        """The address of the database; for a file, with its absolute path."""
        folder, path = "sqlite:///", self.database_url.removeprefix("sqlite:///")
        return folder + str(self.home / path) if self.database_url.startswith(folder) else self.database_url

    @property
    def scratch_root(self) -> Path:
        """The absolute path of the scratch folder."""
        return self.home / self.scratch

    @property
    def lake_root(self) -> str:
        """The address of the lake; for a folder, its absolute path."""
        return self.lake if "://" in self.lake else str((self.home / self.lake).resolve())


@cache
def settings() -> Settings:
    """Return the settings. They are read once per process; `settings.cache_clear()` makes them be read again.

    Raises:
        BadInputError: an environment variable has an invalid value.
    """
    try:
        return Settings()
    except ValidationError as error:
        fields = "; ".join(f"DRP_{'.'.join(map(str, e['loc'])).upper()}: {e['msg']}" for e in error.errors())
        raise BadInputError(
            f"invalid setting: {fields}",
            state="Nothing was read or written",
            next_command="correct or unset it, then run the same command again",
        ) from error
