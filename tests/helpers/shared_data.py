"""Public data that lies beside the repository, never in it; tests that need it skip where it is absent."""

from pathlib import Path

import pytest

SHARED = Path(__file__).resolve().parents[3] / "shared" / "data"


def shared_file(name: str) -> Path:
    """Path of a shared data file, or skip the test."""
    path = SHARED / name
    if not path.is_file():
        pytest.skip(f"needs {name} in ../shared/data")
    return path
