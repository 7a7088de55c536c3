"""The store of 2026-11-30, unpacked."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from drp.lake.lake import Lake
from tests.compatibility.store import unpack, using


@pytest.fixture(scope="module")
def unpacked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The store, for tests that only read it."""
    return unpack(tmp_path_factory.mktemp("store"))


@pytest.fixture
def store(unpacked: Path) -> Iterator[Lake]:
    with using(unpacked) as lake:
        yield lake


@pytest.fixture
def own(tmp_path: Path) -> Iterator[Lake]:
    """A copy for a test that changes it."""
    with using(unpack(tmp_path)) as lake:
        yield lake
