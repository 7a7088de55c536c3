"""A store that the code of 2026-11-30 has written: a lake, and the ledger and registry of its nights.

The commands of that code made `store_2026_11_30.tar.xz`; `expected.json` is its content as that code reported
it (store_content.py). Neither file is ever made again: a store of a later date becomes another file.
"""

import json
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from drp.config.settings import settings
from drp.lake.lake import Lake, open_lake
from tests.compatibility import store_content

HERE = Path(__file__).parent
STORE = HERE / "store_2026_11_30.tar.xz"
EXPECTED: dict[str, Any] = json.loads((HERE / "expected.json").read_text())
COLUMNS, VIEW_COLUMNS = EXPECTED["columns"], EXPECTED["view_columns"]
VERSIONS = EXPECTED["corpus"]["numbers"]
LAST, QUARANTINED, KILLED = VERSIONS[-1], "2026-11-25-drp", "2026-11-26-drp"
TINY = "models/tiny"


def unpack(folder: Path) -> Path:
    with tarfile.open(STORE) as tar:
        tar.extractall(folder)  # noqa: S202 - our own file; `filter` needs Python 3.11.4
    return folder


@contextmanager
def using(folder: Path) -> Iterator[Lake]:
    with pytest.MonkeyPatch.context() as patch:
        store_content.use(patch, folder)
        yield open_lake()
    settings.cache_clear()


def assert_same(found: Any, expected: Any) -> None:
    assert store_content.differences(found, expected) == []
