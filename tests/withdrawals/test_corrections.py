"""A corrected file replaces the wrong gold answers of its questions when its night is published."""

import importlib
from collections import Counter
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from drp.core.ids import question_id
from drp.core.lake_schemas import CORPUS_TABLES, id_column
from drp.gates.great_expectations.validate import NightQuarantinedError
from drp.lake.lake import Lake
from drp.pipeline.nightly import nightly
from drp.query.session import open_session, select
from drp.runtime.context import open_night
from drp.stages.ingest import import_file, ingest
from drp.stages.publish import release
from drp.withdrawals import UnknownSourceError, remove_source, withdrawals
from tests.helpers.nights import DAY, lake_at, rows_of

N, WRONG = 40, 15
module = importlib.import_module("drp.stages.ingest")
"""The module, and not the function that has its name."""


@pytest.fixture
def lake(tmp_path):
    with lake_at(tmp_path / "lake") as lake:
        yield lake


def spoiled(path: str, number: int = WRONG) -> str:
    """Write the file again with wrong gold answers in its first `number` rows; return its path."""
    table = pq.read_table(path)
    golds = [str(10_000 + i) if i < number else gold for i, gold in enumerate(table["answer"].to_pylist())]
    position = table.column_names.index("answer")
    pq.write_table(table.set_column(position, "answer", pa.array(golds)), path)
    return path


@pytest.fixture
def write_file(traces_file, tmp_path):
    """A function that writes `N` traces as `name`, with or without wrong gold answers."""

    def write(name: str = "traces.parquet", *, wrong: bool = False) -> str:
        path = traces_file(name, slice(0, N))
        return spoiled(path) if wrong else path

    return write


def content(lake: Lake) -> dict[str, list[tuple]]:
    """All rows of the corpus, without dates, and the counts of each table."""
    rows = {}
    with closing(open_session(lake.published())) as con:
        for table in CORPUS_TABLES:
            columns = ", ".join(CORPUS_TABLES[table].names)
            rows[table] = con.execute(f"SELECT {columns} FROM {table} ORDER BY {id_column(table)}").fetchall()
    return rows


@pytest.fixture
def right(tmp_path, recipe_file, write_file):
    """The corpus of a night that had the right file from the beginning."""
    with lake_at(tmp_path / "right") as other:
        nightly(open_night(recipe_file(), DAY), write_file())
        return content(other)


def gates(low: float) -> dict:
    shares = {"right_share": [low, 1], "accepted_share": [0, 1], "median_saving": [0, 1]}
    return {"rows": {"min_characters": 0, "min_share": 0.0}, "night": {"min_rollouts": 10} | shares}


def test_the_runbooks_way_mend_the_file_and_run_the_date_again(lake, recipe_file, write_file, tmp_path):
    recipe = recipe_file(gates=gates(0.6))
    with pytest.raises(NightQuarantinedError):
        nightly(open_night(recipe, DAY), write_file(wrong=True))
    nightly(open_night(recipe, DAY), write_file())
    found = content(lake)
    with lake_at(tmp_path / "right") as other:
        nightly(open_night(recipe_file(gates=gates(0.6)), DAY), write_file())
        assert found == content(other)
    assert [row["adds_up"] for row in rows_of(lake, "accounting")] == [True]


@pytest.mark.parametrize("name", ["traces.parquet", "mended.parquet"])
def test_a_published_night_that_is_run_again_with_a_mended_file(lake, recipe_file, write_file, right, name):
    nightly(open_night(recipe_file(), DAY), write_file(wrong=True))
    verdicts = Counter(row["verdict"] for row in rows_of(lake, "rollouts", "verdict"))
    assert verdicts["different"] >= WRONG
    nightly(open_night(recipe_file(), DAY), write_file(name))
    found = content(lake)
    assert {table: len(rows) for table, rows in found.items()} == {t: len(rows) for t, rows in right.items()}
    found.pop("questions"), right.pop("questions")  # their source is the file's name
    assert found == right


def test_the_next_nights_file_of_the_same_name_corrects_the_last_ones(lake, recipe_file, write_file, right):
    nightly(open_night(recipe_file(), DAY), write_file(wrong=True))
    nightly(open_night(recipe_file(), "2026-11-21"), write_file())
    assert content(lake) == right
    assert lake.corpus.numbers() == [1, 2]
    (record,) = withdrawals(lake.store)
    assert (record.kind, record.version) == ("correct", 2)
    assert record.rows["questions"] == record.rows["rollouts"] == WRONG
    nightly(open_night(recipe_file(), "2026-11-22"), write_file("again.parquet"))
    assert content(lake) == right


def test_a_correction_can_be_taken_back(lake, recipe_file, write_file, right):
    nightly(open_night(recipe_file(), DAY), write_file())
    nightly(open_night(recipe_file(), DAY), write_file(wrong=True))
    assert content(lake) != right
    nightly(open_night(recipe_file(), DAY), write_file())
    assert content(lake) == right


def test_nothing_leaves_before_the_gate_has_passed_the_correction(lake, recipe_file, write_file):
    nightly(open_night(recipe_file(gates=gates(0.6)), DAY), write_file())
    before = content(lake)
    with pytest.raises(NightQuarantinedError):
        nightly(open_night(recipe_file(gates=gates(0.6)), "2026-11-21"), spoiled(write_file(), N))
    assert content(lake) == before


def test_a_quarantined_night_does_not_bring_back_what_was_corrected(lake, recipe_file, write_file, right):
    with pytest.raises(NightQuarantinedError):
        nightly(open_night(recipe_file(gates=gates(0.99)), DAY), write_file(wrong=True))
    nightly(open_night(recipe_file(), "2026-11-21"), write_file())
    release(lake, f"{DAY}-drp")
    golds = {row["gold_answer"] for row in rows_of(lake, "questions", "gold_answer")}
    assert not golds & {str(10_000 + i) for i in range(WRONG)}
    assert len(rows_of(lake, "questions")) == N


def test_files_of_different_names_may_differ_and_it_is_said(lake, recipe_file, write_file):
    import_file(lake, Path(write_file("a.parquet", wrong=True)), kind="traces")
    counts = import_file(lake, Path(write_file("b.parquet")), kind="traces")
    assert "corrected" not in counts
    assert len(rows_of(lake, "questions")) == N + WRONG
    runs = [lake.run(name) for name in {p.run_id for p in lake.corpus.current().parts}]
    warnings = [text for run in runs for done in run.shard_files() for text in done.warnings]
    assert warnings == [f"{WRONG} questions have another gold answer in a.parquet: both were kept"]


def test_the_rollouts_of_other_files_are_graded_anew(lake, write_file, traces_file):
    """Another student's traces of the same questions do not get lost with the wrong gold answers."""
    import_file(lake, Path(write_file(wrong=True)), kind="traces")
    path = Path(write_file("other.parquet", wrong=True))
    table = pq.read_table(path)
    position = table.column_names.index("model")
    pq.write_table(table.set_column(position, "model", pa.array(["another-student"] * N)), path)
    import_file(lake, path, kind="traces")
    before = Counter(row["student"] for row in rows_of(lake, "rollouts", "student"))
    counts = import_file(lake, Path(write_file()), kind="traces")
    after = Counter(row["student"] for row in rows_of(lake, "rollouts", "student"))
    assert counts["corrected"] == WRONG
    assert after == before
    query = "SELECT count(*) AS n FROM rollouts ANTI JOIN questions USING (question_id)"
    assert next(select(lake.published(), query))["n"] == 0


def test_sampled_rollouts_are_graded_anew_and_not_sampled_again(lake, recipe_file, monkeypatch):
    """The generator of before had wrong gold answers under the same source."""
    generate = module.generate

    def wrong(**wanted):
        for question in generate(**wanted):
            gold = f"{question.gold_answer}1"
            yield replace(
                question,
                question_id=question_id(question.split, question.question, gold),
                gold_answer=gold,
                source="questions.jsonl",
            )

    def mended(**wanted):
        return (replace(question, source="questions.jsonl") for question in generate(**wanted))

    monkeypatch.setattr(module, "generate", wrong)
    nightly(open_night(recipe_file(gates=gates(0)), DAY))
    before = {(row["thinking"], row["response"]) for row in rows_of(lake, "rollouts")}
    assert "equal" not in {row["verdict"] for row in rows_of(lake, "rollouts")}
    monkeypatch.setattr(module, "generate", mended)
    second = open_night(recipe_file(gates=gates(0)), "2026-11-21")
    nightly(second)
    assert {(row["thinking"], row["response"]) for row in rows_of(lake, "rollouts")} == before
    assert any(row["verdict"] == "equal" for row in rows_of(lake, "rollouts"))
    assert not any(second.own_parts("rollout").values()), "nothing was sampled"


class TestARemovedSource:
    def test_its_rows_are_dead_letters_without_their_text(self, lake, write_file, recipe_file):
        import_file(lake, Path(write_file("licensed.parquet")), kind="traces")
        texts = {row["question"] for row in rows_of(lake, "questions")}
        remove_source(lake, "licensed.parquet", "its licence")
        for name in ("licensed.parquet", "renamed.parquet"):
            night = open_night(recipe_file(), f"2026-11-2{len(name) % 3}")
            ingest(night, write_file(name))
            letters = list(select(night.own_parts(), "FROM dead_letters"))
            assert {row["error"] for row in letters} == {"source_removed"}
            assert len(letters) == N
            assert all("its licence" in row["detail"] for row in letters)
            assert not any(text[:40] in row["raw"] for row in letters for text in texts)
            assert not list(select(night.own_parts(), "FROM rollouts"))

    def test_later_nights_do_not_generate_it_again(self, lake, recipe_file):
        night = open_night(recipe_file(), DAY)
        nightly(night)
        remove_source(lake, "synthetic-1/3", "why")
        assert not rows_of(lake, "questions")
        nightly(open_night(recipe_file(), "2026-11-21"))
        assert not rows_of(lake, "questions")
        assert {row["error"] for row in rows_of(lake, "dead_letters")} == {"source_removed"}

    def test_a_similar_name_is_another_source(self, lake, write_file):
        import_file(lake, Path(write_file("licensed.parquet")), kind="traces")
        with pytest.raises(UnknownSourceError):
            remove_source(lake, "licensed", "why")

    def test_a_night_that_had_begun_before_the_removal_publishes_nothing_of_it(
        self, lake, write_file, recipe_file
    ):
        night = open_night(recipe_file(), DAY)
        ingest(night, write_file("licensed.parquet"))
        import_file(lake, Path(write_file("licensed.parquet")), kind="traces")
        remove_source(lake, "licensed.parquet", "why")
        nightly(open_night(recipe_file(), DAY), write_file("licensed.parquet"))
        assert not rows_of(lake, "questions")
        assert not rows_of(lake, "rollouts")
