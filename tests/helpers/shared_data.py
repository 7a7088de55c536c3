"""Public data next to the repository, never in it. Tests that need it are skipped if it is missing."""

from pathlib import Path

import pytest

SHARED = Path(__file__).resolve().parents[3] / "shared" / "data"


def shared_file(name: str) -> Path:
    """Return the path of a shared data file, or skip the test."""
    path = SHARED / name
    if not path.is_file():
        pytest.skip(f"needs {name} in ../shared/data")
    return path
