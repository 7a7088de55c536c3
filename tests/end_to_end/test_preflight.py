"""A night whose student cannot be trained is refused before it samples; the training environment judges."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from drp.config.recipe import RECIPES
from drp.config.settings import settings
from drp.pipeline.nightly import nightly
from drp.runtime.context import RunContext, open_night
from drp.runtime.preflight import PreflightFailedError, preflight
from drp.stages.ingest import ingest
from drp.stages.plan import plan
from drp.student.small import WEIGHTS
from tests.helpers.nights import DAY, lake_at
from tests.helpers.repository import ROOT

pytestmark = [
    pytest.mark.training,
    pytest.mark.skipif(
        not (ROOT / ".venv-training/bin/python").is_file(), reason="needs the training environment"
    ),
]


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setenv("DRP_SCRATCH", str(tmp_path / "scratch"))
    monkeypatch.setenv("DRP_DATABASE_URL", f"sqlite:///{tmp_path}/drp.db")
    with lake_at(tmp_path / "lake"):
        yield tmp_path
    settings.cache_clear()


def _night(place: Path, **changes: Any) -> RunContext:
    """Open a night of the recipe that ships, which trains, with changes."""
    path = place / "drp.yaml"
    path.write_text(yaml.safe_dump(yaml.safe_load((RECIPES / "drp.yaml").read_text()) | changes))
    return open_night(str(path), DAY)


def test_a_student_without_marks_is_refused_before_it_is_sampled(place):
    student = place / "student"
    shutil.copytree(WEIGHTS, student)
    for file in student.glob("token*.json"):
        file.write_text(file.read_text().replace("think>", "thought>"))
    night = _night(place, student=str(student))
    with pytest.raises(PreflightFailedError, match=r"tokenizer: .*neither in its vocabulary"):
        nightly(night, sample_size=4)
    assert not any(night.own_parts("rollout").values())


def test_a_student_that_can_be_trained_passes(place, caplog):
    caplog.set_level("INFO")
    night = _night(place)
    ingest(night, None)
    plan(night, sample_size=4)
    preflight(night.run_id, night.recipe_option)
    for name in ("disk", "weights", "tokenizer", "architecture", "end mark"):
        assert f"{name}: ok" in caplog.text
    assert "lengths: not checked" in caplog.text
