"""Public data next to the repository, never in it. Tests that need it are skipped if it is missing."""

import json
from pathlib import Path

import pytest

SHARED = Path(__file__).resolve().parents[3] / "shared" / "data"
CASES = SHARED.parent / "cases"
"""Inputs that users bring, with the right outcome of each."""


def shared_file(name: str) -> Path:
    """Return the path of a shared data file, or skip the test."""
    path = SHARED / name
    if not path.is_file():
        pytest.skip(f"needs {name} in ../shared/data")
    return path


def shared_cases(name: str) -> list[dict[str, str]]:
    """Return the rows of a file of cases, or skip the test."""
    path = CASES / name
    if not path.is_file():
        pytest.skip(f"needs {name} in ../shared/cases")
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
