"""The `drp` command as people type it: exit status, and one line that names the next command."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from drp.config.settings import settings
from drp.core.lake_schemas import SCHEMA_VERSION, TABLES


@pytest.fixture(autouse=True)
def lake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("DRP_LAKE", str(tmp_path / "lake"))
    monkeypatch.setenv("DRP_WORKERS", "1")
    settings.cache_clear()
    yield tmp_path / "lake"
    settings.cache_clear()


@pytest.fixture
def traces(tmp_path: Path) -> str:
    row = {
        "question": "What is 2 + 2?",
        "answer": "4",
        "thinking": "Two and two. 2 + 2 = 4. Wait, let me check: 2 + 2 = 4. Yes.",
        "response": "The answer is \\boxed{4}.",
        "model": "student-1",
    }
    path = tmp_path / "traces.parquet"
    pq.write_table(pa.Table.from_pylist([row, row | {"question": "What is 2 + 2, please?"}]), path)
    return str(path)


def assert_refused(done: tuple[int, str, str], *said: str) -> None:
    status, _, error = done
    assert status == 1
    assert error.startswith("drp: ")
    assert error.count("\n") == 1
    assert "Next: " in error
    for words in said:
        assert words in error


@pytest.mark.parametrize(
    "words",
    [
        ["nothing"],
        ["import"],
        ["import", "traces"],
        ["corpus", "rollback", "first"],
        ["sql", "SELECT 1", "--format", "xml"],
        ["sql", "SELECT 1", "--version", "1", "--run", "x"],
        ["nightly", "--sample-size", "0"],
    ],
)
def test_wrong_use_is_status_2(drp, words):
    assert drp(*words)[0] == 2


@pytest.mark.parametrize("kind", ["traces", "questions"])
def test_a_missing_file_is_refused_and_nothing_is_made(drp, lake, kind):
    assert_refused(drp("import", kind, "nowhere.parquet"), "nowhere.parquet")
    assert not lake.exists()


def test_imported_traces_can_be_asked_for(drp, traces):
    assert drp("import", "traces", traces)[0] == 0
    status, out, _ = drp(
        "sql", "SELECT question, verdict, engine FROM rollouts JOIN questions USING (question_id)"
    )
    assert status == 0
    assert "What is 2 + 2?" in out
    status, out, _ = drp(
        "sql", "--format", "json", "--version", "1", stdin="SELECT count(*) AS n FROM rollouts"
    )
    assert json.loads(out) == [{"n": 2}]


def test_importing_twice_adds_nothing(drp, traces):
    drp("import", "traces", traces)
    copy = Path(traces).with_name("copy.parquet")
    copy.write_bytes(Path(traces).read_bytes())
    pq.write_table(pq.read_table(traces).take([1, 0]), copy)
    assert drp("import", "traces", str(copy))[0] == 0
    status, printed, _ = drp("import", "traces", traces)
    assert status == 0
    assert "rollouts" not in printed, "it repeats no count of the first time"
    assert json.loads(drp("sql", "SELECT count(*) AS n FROM rollouts", "--format", "json")[1]) == [{"n": 2}]
    assert "version 1" in drp("corpus", "show")[1]


def test_an_empty_lake_has_every_table(drp):
    status, out, _ = drp("sql", "SHOW TABLES", "--format", "csv")
    assert status == 0
    assert set(TABLES) <= set(out.split())


@pytest.mark.parametrize(
    "query", ["DROP VIEW rollouts", "COPY rollouts TO 'x.csv'", "SELECT * FROM '/etc/passwd'", "SELEC"]
)
def test_sql_that_is_wrong_or_does_more_than_read_is_refused(drp, query):
    assert_refused(drp("sql", query))


def test_an_unknown_run_version_or_recipe_is_refused(drp):
    assert_refused(drp("sql", "--run", "2026-01-01-drp", "SELECT 1"), "2026-01-01-drp", "drp corpus list")
    assert_refused(drp("corpus", "rollback", "7"), "version 7")
    assert_refused(drp("corpus", "release", "2026-01-01-drp"), "2026-01-01-drp")
    assert_refused(drp("report"), "drp nightly")
    assert_refused(drp("nightly", "--recipe", "nothing"), "nothing")
    assert_refused(drp("nightly", "--run-date", "tomorrow"), "tomorrow")


def test_versions_are_listed_shown_and_rolled_back(drp, traces):
    drp("import", "traces", traces)
    assert "current" in drp("corpus", "list")[1]
    assert drp("corpus", "rollback", "0")[0] == 0
    assert json.loads(drp("sql", "SELECT count(*) AS n FROM rollouts", "--format", "json")[1]) == [{"n": 0}]
    assert drp("corpus", "rollback", "1")[0] == 0


def test_a_lake_that_cannot_be_written_is_refused(drp, lake, traces):
    lake.write_text("a file, not a folder")
    assert_refused(drp("import", "traces", traces), "DRP_LAKE", "nothing is half-published")


def test_a_lake_of_a_newer_schema_is_refused(drp, lake, traces):
    drp("import", "traces", traces)
    manifest = next(lake.glob("_manifests/corpus/*.json"))
    manifest.write_text(json.dumps(json.loads(manifest.read_text()) | {"schema_version": SCHEMA_VERSION + 1}))
    assert_refused(drp("sql", "SELECT 1"), "update DRP")


def test_a_bad_setting_is_named(drp, monkeypatch):
    monkeypatch.setenv("DRP_WORKERS", "none")
    settings.cache_clear()
    assert_refused(drp("sql", "SELECT 1"), "DRP_WORKERS")


def test_grade_gives_verdicts_in_input_order(drp, tmp_path):
    file = tmp_path / "pairs.jsonl"
    pairs = [("4", "4.0"), ("4", "5"), ("\\frac{1}{2}", "the answer is \\boxed{0.5}")]
    file.write_text("\n".join(json.dumps({"gold": gold, "prediction": p}) for gold, p in pairs))
    status, out, _ = drp("grade", str(file), "--format", "json")
    assert status == 0
    assert [row["verdict"] for row in json.loads(out)] == ["equal", "different", "equal"]


def test_relative_paths_count_from_where_one_stands(drp, traces, monkeypatch):
    monkeypatch.chdir(Path(traces).parent)
    assert drp("import", "traces", os.path.basename(traces))[0] == 0  # noqa: PTH119


def test_the_next_command_can_be_typed_where_drp_is_not_on_the_path():
    program = Path(sys.executable).with_name("drp")
    ended = subprocess.run(
        [program, "nightly", "--recipe", "nothing"],
        cwd=program.parents[2],
        env={"PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert f"{program.relative_to(program.parents[2])} recipe list shows" in ended.stderr
