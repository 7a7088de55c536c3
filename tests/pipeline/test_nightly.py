"""Whole nights on a real lake: what goes in comes out accounted for, and running again changes nothing."""

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from drp.core.lake_schemas import CORPUS_TABLES, id_column
from drp.gates.great_expectations.validate import NightQuarantinedError
from drp.pipeline import nightly as nightly_module
from drp.pipeline.nightly import nightly
from drp.query.session import select
from drp.runtime.context import open_night
from drp.stages.decompose import decompose
from drp.stages.gate import UnbalancedRunError, check_counts, gate
from drp.stages.ingest import import_file, ingest
from drp.stages.plan import plan
from drp.stages.publish import NotGatedError, NotQuarantinedError, publish, release
from tests.helpers.nights import DAY, lake_at, rows_of


def do_shards(night):
    """What the night does before its gate."""
    for shard in plan(night):
        for stage in nightly_module.SHARD_STAGES:
            stage(night, shard)


def everything(lake):
    """Every published row of every corpus table, without the dates."""
    return {
        table: [{k: v for k, v in row.items() if k != "run_date"} for row in rows_of(lake, table)]
        for table in CORPUS_TABLES
    }


def test_a_night_ends_published_and_every_rollout_has_one_revision(published):
    (balance,) = rows_of(published.lake, "accounting")
    assert balance["rollouts"] == 60 == balance["accepted"] + balance["rejected"]
    assert balance["adds_up"]
    assert published.run.state().state == "published"
    assert len(rows_of(published.lake, "examples")) == balance["accepted"] > 30


def test_no_accepted_revision_differs_from_gold_and_every_rejection_has_a_reason(published):
    for row in rows_of(published.lake, "revisions", "status, verdict, reject_reasons"):
        if row["status"] == "accepted":
            assert (row["verdict"], row["reject_reasons"]) == ("equal", [])
        else:
            assert row["reject_reasons"]


def test_examples_are_chat_messages_in_the_r1_form(published):
    query = """
        SELECT messages, question, thinking, response
        FROM examples JOIN questions USING (question_id) JOIN revisions USING (revision_id)
    """
    for row in select(published.lake.published(), query):
        user, assistant = row["messages"]
        assert user == {"role": "user", "content": row["question"]}
        assert assistant["content"] == f"<think>\n{row['thinking']}\n</think>\n\n{row['response']}"


def test_no_id_occurs_twice(published):
    for table in CORPUS_TABLES:
        ids = [row[id_column(table)] for row in rows_of(published.lake, table, id_column(table))]
        assert len(ids) == len(set(ids)), table


def test_the_report_and_the_data_docs_lie_side_by_side(published):
    assert 'href="data-docs/index.html"' in Path(published.report_address).read_text()
    assert (Path(published.report_address).parent / "data-docs/index.html").is_file()


def test_running_again_adds_no_row_and_keeps_both_versions_also_the_next_day(night, recipe_file):
    nightly(night)
    before, results = everything(night.lake), night.lake.results.current()
    nightly(night)
    tomorrow = open_night(recipe_file(), "2026-11-21")
    nightly(tomorrow)
    assert everything(night.lake) == before
    assert (night.lake.corpus.numbers(), night.lake.results.current()) == ([1], results)
    assert not any(tomorrow.own_parts().values())


def test_ten_new_traces_are_ten_new_revisions(lake, recipe_file, traces_file):
    night = open_night(recipe_file(), DAY)
    nightly(night, traces_file("some.parquet", slice(0, 60)))
    before = {row["revision_id"] for row in rows_of(lake, "revisions", "revision_id")}
    nightly(night, traces_file("more.parquet", slice(0, 70)))
    after = {row["revision_id"] for row in rows_of(lake, "revisions", "revision_id")}
    assert len(before) == 60
    assert before < after
    assert len(after) == 70
    pruned = [done.counts for done in night.shard_files("decompose")]
    assert sorted(counts["rollouts"] for counts in pruned) == [10, 60]


def test_neither_order_nor_processes_change_a_row(lake, recipe_file, traces_file, tmp_path):
    night = open_night(recipe_file(), DAY)
    nightly(night, traces_file("some.parquet", slice(0, 80)))
    before = everything(lake)
    shuffled = traces_file("shuffled.parquet", slice(0, 80), backwards=True)
    nightly(night, shuffled)
    assert everything(lake) == before
    assert lake.corpus.numbers() == [1]
    with lake_at(tmp_path / "other", workers=2) as other:
        nightly(open_night(recipe_file(), DAY), shuffled)
        assert everything(other) == before | {"questions": everything(other)["questions"]}


@pytest.mark.parametrize("dies_in", ["rollout", "decompose", "prune"])
def test_a_night_that_died_goes_on_where_it_was(night, recipe_file, monkeypatch, dies_in):
    monkeypatch.setattr("drp.stages.plan.ROWS_PER_SHARD", 20)
    done = []

    def dying(stage):
        def work(night, shard):
            if stage.__name__ == dies_in and len(done) == 1:
                raise KeyboardInterrupt
            stage(night, shard)
            done.append(shard) if stage.__name__ == dies_in else None

        work.__name__ = stage.__name__
        return work

    ingest(night, None)
    with monkeypatch.context() as patch:
        patch.setattr(nightly_module, "SHARD_STAGES", tuple(map(dying, nightly_module.SHARD_STAGES)))
        with pytest.raises(KeyboardInterrupt):
            do_shards(night)
    finished = {(f.stage, f.shard): [p.key for p in f.parts] for f in night.shard_files()}
    do_shards(night)
    now = {(f.stage, f.shard): [p.key for p in f.parts] for f in night.shard_files()}
    assert finished.items() <= now.items()
    check_counts(night)
    assert next(select(night.own_parts(), "SELECT count(*) AS n FROM revisions"))["n"] == 60


def test_a_changed_recipe_replaces_its_revisions(night, recipe_file):
    nightly(night)
    changed = open_night(recipe_file(decomposition="sentence"), "2026-11-21")
    nightly(changed)
    assert {row["recipe_hash"] for row in rows_of(night.lake, "revisions")} == {changed.revision_hash}
    assert len(rows_of(night.lake, "revisions")) == 60
    assert len(rows_of(night.lake, "rollouts")) == 60


def test_two_recipes_stand_side_by_side(night, recipe_file):
    nightly(night)
    nightly(open_night(recipe_file(name="drp_steps", decomposition="step"), DAY))
    assert len(rows_of(night.lake, "revisions")) == 120
    assert all(row["adds_up"] for row in rows_of(night.lake, "accounting"))


class TestQuarantine:
    @pytest.fixture
    def gates(self):
        """Gates with a band that no good night can meet."""
        shares = {"right_share": [0, 1], "accepted_share": [0, 0.01], "median_saving": [0, 1]}
        return {"rows": {"min_characters": 0, "min_share": 0.0}, "night": {"min_rollouts": 10} | shares}

    def test_a_night_outside_its_band_is_kept_and_not_published(self, night, recipe_file, gates):
        nightly(night)
        second = open_night(recipe_file(name="strict", decomposition="step", gates=gates), DAY)
        with pytest.raises(NightQuarantinedError) as error:
            nightly(second)
        message = str(error.value)
        assert "Nothing was published and the old corpus stays current" in message
        assert f"drp corpus release {second.run_id}" in message
        docs = Path(second.report_address).parent / "data-docs/index.html"
        assert str(docs) in message
        assert docs.is_file()
        assert Path(second.report_address).is_file()
        assert night.lake.corpus.numbers() == [1]
        kept = select(second.own_parts(), "SELECT count(*) AS n FROM revisions")
        assert next(kept)["n"] == 60

    def test_a_person_may_release_it(self, lake, recipe_file, gates):
        strict = open_night(recipe_file(gates=gates), DAY)
        with pytest.raises(NightQuarantinedError):
            nightly(strict)
        assert release(lake, strict.run_id) == {"corpus_version": 1, "moved": True}
        assert len(rows_of(lake, "revisions")) == 60
        assert lake.quarantined() == []

    def test_what_waits_is_not_done_again_by_the_next_night_and_passes_with_its_band_mended(
        self, lake, recipe_file, gates
    ):
        strict = open_night(recipe_file(gates=gates), DAY)
        with pytest.raises(NightQuarantinedError):
            nightly(strict)
        tomorrow = open_night(recipe_file(gates=gates), "2026-11-21")
        nightly(tomorrow)
        assert not any(tomorrow.own_parts().values())
        before = strict.own_parts("prune")
        mended = open_night(recipe_file(), DAY)
        nightly(mended)
        assert mended.own_parts("prune") == before
        assert lake.corpus.numbers() == [1]

    def test_a_row_that_slipped_past_the_row_gates_stops_the_night(self, night):
        ingest(night, None)
        do_shards(night)
        (path,) = night.own_parts("prune")["revisions"]
        table = pq.ParquetFile(path).read()
        rows = table.to_pylist()
        slipped = next(row for row in rows if row["status"] == "accepted")
        slipped["response"] = "So the answer is \\boxed{-17}."  # its verdict still says equal
        pq.write_table(pa.Table.from_pylist(rows, schema=table.schema), path)
        with pytest.raises(NightQuarantinedError) as error:
            gate(night)
        assert "ends in the gold answer" in str(error.value)
        assert slipped["revision_id"] in str(error.value)
        assert night.lake.corpus.numbers() == []

    def test_a_published_night_cannot_be_released(self, published):
        with pytest.raises(NotQuarantinedError, match="published"):
            release(published.lake, published.run_id)


def test_publishing_without_the_gate_is_refused(night):
    ingest(night, None)
    with pytest.raises(NotGatedError):
        publish(night)
    assert night.lake.corpus.numbers() == []


def test_counts_that_do_not_add_up_stop_the_night(night, lake):
    ingest(night, None)
    do_shards(night)
    check_counts(night)
    key = next(stored.key for stored in lake.store.listed(f"_runs/{night.run_id}/prune"))
    document = json.loads(lake.store.get(key))
    document["counts"]["accepted"] -= 1
    lake.store.put(key, json.dumps(document).encode())
    with pytest.raises(UnbalancedRunError, match="stage prune"):
        gate(night)


def test_imported_traces_are_pruned_by_a_night_with_the_backlog(lake, recipe_file, traces_file, tmp_path):
    from pathlib import Path

    counts = import_file(
        lake, Path(traces_file("t.parquet", slice(0, 60))), kind="traces", pairs=(), student=None
    )
    assert counts["rollouts"] == 60
    assert len(rows_of(lake, "rollouts")) == 60
    night = open_night(recipe_file(sample_size=1), DAY)
    nightly(night)
    assert len(rows_of(lake, "revisions")) == 1, "another student's traces are left pending"
    nightly(night, backlog=True)
    assert len(rows_of(lake, "revisions")) == 61
    again = import_file(
        lake,
        Path(traces_file("t2.parquet", slice(0, 60), backwards=True)),
        kind="traces",
        pairs=(),
        student=None,
    )
    assert again["known"] == 60
    assert len(rows_of(lake, "rollouts")) == 61


@pytest.mark.parametrize(("split", "leaks"), [("main", 0), (" Test", 60)])
def test_only_an_evaluation_split_is_a_leak(lake, recipe_file, traces_file, tmp_path, split, leaks):
    table = pq.read_table(traces_file("t.parquet", slice(0, 60)))
    renamed = table.set_column(table.column_names.index("split"), "split", pa.array([split] * 60))
    pq.write_table(renamed, tmp_path / "renamed.parquet")
    night = open_night(recipe_file(), DAY)
    for shard in plan(night, given=ingest(night, str(tmp_path / "renamed.parquet"))):
        decompose(night, shard)
    counted = [done.counts.get("rejected: benchmark_leak", 0) for done in night.shard_files("decompose")]
    assert sum(counted) == leaks


@pytest.mark.parametrize("name", ["train", "import"])
def test_a_recipe_may_have_the_name_of_a_kind_of_run(lake, recipe_file, traces_file, drp, name):
    night = open_night(recipe_file(name=name), DAY)
    nightly(night, traces_file("few.parquet", slice(0, 20)))
    Path(recipe_file()).unlink()  # the run has kept its recipe
    for words in (["report"], ["report", f"{DAY}-{name}"]):
        status, printed, _ = drp(*words)
        assert (status, printed.strip()) == (0, night.report_address)
