"""Lakes in temporary folders, and nights that run in seconds."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml

from drp.config.recipe import RECIPES
from drp.config.settings import settings
from drp.lake.lake import Lake, open_lake
from drp.pipeline.nightly import nightly
from drp.query.session import select
from drp.questions.generators.generate import generate, problem_from_source
from drp.runtime.context import RunContext, open_night
from tests.scripted_student.server import scripted
from tests.scripted_student.student import respond

DAY = "2026-11-20"


@contextmanager
def lake_at(folder: Path, *, workers: int = 1) -> Iterator[Lake]:
    """Set DRP_LAKE to `folder` for the block."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DRP_LAKE", str(folder))
        patch.setenv("DRP_WORKERS", str(workers))
        settings.cache_clear()
        yield open_lake()
    settings.cache_clear()


@pytest.fixture
def lake(tmp_path: Path) -> Iterator[Lake]:
    """An empty lake at DRP_LAKE."""
    with lake_at(tmp_path / "lake") as lake:
        yield lake


def write_recipe(folder: Path, **changes: Any) -> str:
    """Write a recipe like drp.yaml with 60 questions and the given keys replaced, and return its path."""
    document = yaml.safe_load((RECIPES / "drp.yaml").read_text())
    document |= scripted(60, 3) | changes
    path = folder / "drp.yaml"
    path.write_text(yaml.safe_dump(document))
    return str(path)


@pytest.fixture
def recipe_file(tmp_path: Path) -> Callable[..., str]:
    """A function that writes a recipe; see `write_recipe`."""
    return lambda **changes: write_recipe(tmp_path, **changes)


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunContext]:
    """A published night, for tests that only read it."""
    folder = tmp_path_factory.mktemp("published")
    with lake_at(folder / "lake"):
        night = open_night(write_recipe(folder), DAY)
        nightly(night)
        yield night


@pytest.fixture
def night(lake: Lake, recipe_file: Callable[..., str]) -> RunContext:
    """A night with 60 generated questions."""
    return open_night(recipe_file(), DAY)


@pytest.fixture
def traces_file(tmp_path: Path) -> Callable[..., str]:
    """A function that writes traces of the scripted student to Parquet and returns the path."""
    rows = [
        {
            "question": question.question,
            "answer": question.gold_answer,
            "thinking": response.thinking,
            "response": response.response,
            "finish_reason": "stop" if response.is_finished else "length",
            "model": "recorded-student",
            "dataset": "recorded",
            "split": "train",
        }
        for question in generate(200, 5)
        if (problem := problem_from_source(question.source))
        for response in [respond(problem, 0)]
    ]

    def write(name: str, chosen: slice, *, backwards: bool = False) -> str:
        selected = rows[chosen][::-1] if backwards else rows[chosen]
        path = tmp_path / name
        pq.write_table(pa.Table.from_pylist(selected), path)
        return str(path)

    return write


def rows_of(lake: Lake, table: str, columns: str = "*") -> list[dict[str, Any]]:
    """Return all published rows of a table, in id order."""
    return list(select(lake.published(), f"SELECT {columns} FROM {table} ORDER BY ALL"))
