"""The lake's address is not data: folders `key=value` above it change no row, no number and no example."""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from drp.core.lake_schemas import CORPUS_TABLES
from drp.curation import read_candidates
from drp.lake.lake import Lake, open_lake
from drp.pipeline.nightly import nightly
from drp.query.session import VIEWS, open_session
from drp.runtime.context import open_night, open_training
from drp.stages.prepare import prepare
from drp.stages.report import summarise
from drp.student.small import WEIGHTS
from drp.traces import TokenCounter
from tests.helpers.lake_runs import publish
from tests.helpers.nights import DAY, lake_at, rows_of, write_recipe
from tests.helpers.row_factories import make_step
from tests.helpers.servers import forget

ABOVE = "dataset=math/split=dev/run_date=2020-01-01/source=x"
"""Folders that name columns of our tables, the lake's own partition and the split of a benchmark."""
MEASURED = {"seconds"}


def content(lake: Lake, recipe: str) -> dict[str, object]:
    """Everything that a reader, a report and a training see, by table or view."""
    night = open_night(recipe, DAY)
    views = [path.stem for path in VIEWS.glob("*.sql")]
    seen: dict[str, object] = {name: rows_of(lake, name) for name in [*CORPUS_TABLES, *views]}
    seen["events"] = [
        {name: value for name, value in row.items() if name not in MEASURED}
        for row in rows_of(lake, "events")
    ]
    candidates = read_candidates(
        lake.published(1), night.revision_hash, night.recipe.student, TokenCounter(WEIGHTS)
    )
    seen["candidates"] = [replace(each, count=len) for each in candidates]
    columns = summarise(night).columns
    seen["summary"] = [[str(cell) for cell in column.cells] for column in columns]
    seen["rows"] = lake.corpus.current().rows()
    return seen


@pytest.fixture(scope="module")
def recipe(tmp_path_factory: pytest.TempPathFactory) -> str:
    return write_recipe(tmp_path_factory.mktemp("recipe"))


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory, recipe: str) -> dict[str, object]:
    """What a night leaves in a lake whose path says nothing."""
    with lake_at(tmp_path_factory.mktemp("plain") / "lake") as lake:
        nightly(open_night(recipe, DAY))
        return content(lake, recipe)


@pytest.fixture(params=["folder", "s3"])
def nested(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Lake]:
    """An empty lake at DRP_LAKE, below the folders ABOVE."""
    if request.param == "folder":
        with lake_at(tmp_path / ABOVE / "lake") as lake:
            yield lake
    else:
        address = request.getfixturevalue("s3_address")
        request.getfixturevalue("monkeypatch").setenv("DRP_LAKE", f"{address}/{ABOVE}/lake")
        forget()
        yield open_lake()
        forget()


def test_a_night_below_folders_with_values_has_the_rows_of_any_other_night(nested, recipe, plain):
    nightly(open_night(recipe, DAY))
    assert ABOVE in nested.store.root
    found = content(nested, recipe)
    for name in plain:
        assert found[name] == plain[name], name
    assert {row["split"] for row in rows_of(nested, "questions")} == {"train"}
    training = open_training("drp", DAY)  # the recipe that ships: its student can be trained
    assert len(prepare(training)) == 1 + len(training.recipe.arms)


@pytest.mark.parametrize(("day", "steps"), [("2026-11-20", 1), ("2026-11-21", 2), ("2020-01-01", 0)])
def test_a_filter_on_run_date_opens_only_the_parts_of_that_date(nested, day, steps):
    first, second = "2026-11-20", "2026-11-21"
    publish(nested, f"{first}-drp", {"steps": [make_step()]})
    publish(
        nested, f"{second}-drp", {"steps": [make_step(step_id="s2"), make_step(step_id="s3")]}, shard="s2"
    )
    query = f"SELECT list(step_id) FROM steps WHERE run_date = DATE '{day}'"
    with closing(open_session(nested.published())) as con:
        (found,) = con.execute(query).fetchone()
        assert len(found or ()) == steps
        ((_, plan),) = con.execute(f"EXPLAIN ANALYZE {query}").fetchall()
    assert f"Scanning Files: {int(steps > 0)}/2" in plan
