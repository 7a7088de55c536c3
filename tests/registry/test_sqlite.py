"""The registry on SQLite."""

from pathlib import Path

import pytest

from tests.registry.contract import AliasContract, CheckpointContract, MigrationContract


@pytest.fixture
def url(tmp_path: Path) -> str:
    """URL of a database that does not exist yet."""
    return f"sqlite:///{tmp_path}/a folder/drp.db"


class TestSqlite(CheckpointContract, AliasContract, MigrationContract):
    """The contracts on SQLite."""
