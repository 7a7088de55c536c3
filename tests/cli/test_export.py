"""`drp export dataset` as people type it: layouts, files, cards and refusals."""

import json
from collections.abc import Iterator
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from drp.config.settings import settings
from drp.curation import columns_of, export_examples
from drp.lake.lake import open_lake
from tests.cli.test_main import assert_refused
from tests.helpers.row_factories import make_example, make_question, make_revision, make_rollout


@pytest.fixture(autouse=True)
def lake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A corpus with an example each of two recipes and students; the current folder is empty."""
    monkeypatch.setenv("DRP_LAKE", str(tmp_path / "lake"))
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    settings.cache_clear()
    opened = open_lake()
    night = opened.run("2026-11-20-drp")
    with night.shard("prune", "s1", "f1") as out:
        out.add("questions", make_question())
        for number, (student, recipe) in enumerate((("small", "drp"), ("large", "second"))):
            ids = {"rollout_id": f"r{number}"}
            out.add("rollouts", make_rollout(student=student, **ids))
            out.add("revisions", make_revision(revision_id=f"v{number}", recipe=recipe, **ids))
            out.add("examples", make_example(example_id=f"e{number}", revision_id=f"v{number}"))
    opened.publish(night, night.shard_files())
    yield tmp_path / "here"
    settings.cache_clear()


MESSAGES = make_example()["messages"]
LAYOUTS = {
    "messages": {"messages": MESSAGES},
    "trl": {"prompt": MESSAGES[:1], "completion": MESSAGES[1:]},
    "sharegpt": {
        "conversations": [
            {"from": "human", "value": MESSAGES[0]["content"]},
            {"from": "gpt", "value": MESSAGES[1]["content"]},
        ]
    },
}


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("kind", ["parquet", "jsonl"])
def test_every_layout_is_written_in_every_kind_of_file_with_a_card(drp, lake, layout, kind):
    status, out, error = drp("export", "dataset", "out", "--format", layout, "--as", kind)
    assert status == 0, error
    assert "2 examples of corpus version 1" in out
    file = lake / f"out/train.{kind}"
    if kind == "parquet":
        rows = pq.read_table(file).to_pylist()
    else:
        rows = [json.loads(line) for line in file.read_text(encoding="utf-8").split("\n")[:-1]]
    about = {"dataset": "sums", "source": "made", "teacher": "heuristic"}
    assert rows == [
        {**LAYOUTS[layout], "example_id": "e0", **about, "student": "small", "recipe": "drp"},
        {**LAYOUTS[layout], "example_id": "e1", **about, "student": "large", "recipe": "second"},
    ]
    assert tuple(rows[0]) == columns_of(layout)
    card = (lake / "out/README.md").read_text()
    assert f"path: train.{kind}" in card
    assert sorted(path.name for path in lake.iterdir()) == ["out"], "nothing partial is left"


def test_a_recipe_and_a_student_can_be_chosen(drp, lake):
    assert drp("export", "dataset", "a", "--recipe", "second", "--as", "jsonl")[0] == 0
    assert _ids("a/train.jsonl") == ["e1"]
    assert drp("export", "dataset", "b", "--student", "small", "--as", "jsonl")[0] == 0
    assert _ids("b/train.jsonl") == ["e0"]
    assert_refused(drp("export", "dataset", "c", "--recipe", "third"), "has no such examples")
    assert not Path("c").exists()


def _ids(path: str) -> list[str]:
    return [json.loads(line)["example_id"] for line in Path(path).read_text().splitlines()]


def test_wrong_use_is_refused(drp, lake):
    assert drp("export", "dataset", "out", "--format", "alpaca")[0] == 2
    assert_refused(drp("export", "dataset", "out", "--version", "7"), "there is no version 7")
    (lake / "out").mkdir()
    assert_refused(drp("export", "dataset", "out"), "out exists already")
    (lake / "file").touch()
    assert_refused(drp("export", "dataset", "file/out"), "cannot be written")


def test_a_text_with_any_character_is_one_line(tmp_path):
    opened = open_lake()
    night = opened.run("2026-11-21-drp")
    odd = [
        {"role": "user", "content": 'a\u2028b\n\t"c"'},
        {"role": "assistant", "content": "<think>\n∑</think>"},
    ]
    with night.shard("prune", "s2", "f2") as out:
        out.add("examples", make_example(example_id="odd", messages=odd))
    opened.publish(night, night.shard_files())
    export_examples(opened.published(), "messages", tmp_path / "x.jsonl")
    lines = (tmp_path / "x.jsonl").read_text(encoding="utf-8").split("\n")[:-1]
    assert json.loads(lines[-1])["messages"] == odd
