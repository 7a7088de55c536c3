"""Python environments for the tests of jobs."""

from pathlib import Path

import pytest

from drp.config.settings import settings


def use_as_training_environment(monkeypatch: pytest.MonkeyPatch, python: Path) -> None:
    """Use `python` as the interpreter of the training environment."""
    monkeypatch.setenv("DRP_TRAINING_PYTHON", str(python))
    settings.cache_clear()
