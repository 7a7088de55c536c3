"""The fixture `lake`: a lake in a folder and one on S3, which must behave alike."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from drp.lake.lake import Lake, open_lake
from tests.helpers.servers import forget


@pytest.fixture(params=["folder", "s3"])
def lake(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Lake]:
    """An empty lake at DRP_LAKE."""
    if request.param == "s3":
        request.getfixturevalue("s3_address")
    else:
        monkeypatch.setenv("DRP_LAKE", str(tmp_path / "a lake"))
        forget()
    yield open_lake()
    forget()
