"""The shard files of a run record its progress. They are written last and once, and stay readable."""

import pytest

from drp.lake.runs import RunState, UnknownRunError
from drp.runtime.shard_plans import ShardPlan
from tests.helpers.row_factories import make_question


def test_a_finished_shard_names_its_parts_and_counts(lake):
    run = lake.run("2026-11-20-drp")
    with run.shard("ingest", "s1", "f") as out:
        out.add("questions", make_question())
        out.counts["rows"] += 1
    (done,) = lake.open_run("2026-11-20-drp").shard_files()
    assert (done.stage, done.shard, done.counts, done.recipe) == ("ingest", "s1", {"rows": 1}, "drp")
    assert [part.table for part in done.parts] == ["questions"]
    assert run.is_done("ingest", "s1")


def test_a_shard_that_failed_is_not_done(lake):
    run = lake.run("2026-11-20-drp")
    with pytest.raises(RuntimeError), run.shard("ingest", "s1", "f") as out:
        out.add("questions", make_question())
        raise RuntimeError
    assert not run.is_done("ingest", "s1")
    assert list(run.shard_files()) == []


def test_the_first_shard_file_of_a_shard_is_kept(lake):
    run = lake.run("2026-11-20-drp")
    with run.shard("ingest", "s1", "f") as first:
        with run.shard("ingest", "s1", "f") as second:
            second.counts["rows"] = 2
        first.counts["rows"] = 1
    assert [done.counts for done in run.shard_files()] == [{"rows": 2}]


def test_shards_can_be_filtered_by_fingerprint(lake):
    run = lake.run("2026-11-20-drp")
    for shard, fingerprint in [("s1", "old"), ("s2", "new")]:
        with run.shard("prune", shard, fingerprint):
            pass
    assert [done.shard for done in run.shard_files({"new"})] == ["s2"]


def test_plans_are_kept_and_are_not_shard_files(lake):
    run = lake.run("2026-11-20-drp")
    plan = ShardPlan(fingerprint="f", questions=("q1",))
    run.write_plan("s1", plan)
    run.write_plan("s1", ShardPlan(fingerprint="f", questions=("q2",)))
    assert run.plans(ShardPlan) == {"s1": plan}
    assert list(run.shard_files()) == []


def test_quarantined_runs_wait_with_their_reason(lake):
    run = lake.run("2026-11-20-drp")
    run.finish("quarantined", "why", fingerprints={"f"})
    assert [r.run_id for r in lake.quarantined()] == ["2026-11-20-drp"]
    assert run.state() == RunState("quarantined", "why", ["f"])


def test_an_unknown_run_is_refused(lake):
    with pytest.raises(UnknownRunError, match="drp corpus list"):
        lake.open_run("2026-01-01-drp")
