"""The sweep lists before it deletes, and deletes only objects that cannot be needed any more."""

import os
import signal
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner

from drp.cli.main import app
from drp.lake.parquet_parts import PartsWriter
from drp.lake.sweep import unneeded
from drp.lake.versions import DamagedLakeError
from drp.query.session import select
from drp.registry.checkpoint_files import folder_key, store_folder
from tests.helpers.lake_runs import publish, write
from tests.helpers.row_factories import make_question, make_teacher_call

ALL = timedelta(seconds=-5)
"""Every object is older than this, even one that S3 has stamped with the current, rounded second."""
DAY_S = 86_400


def questions(*ids: str) -> dict[str, list[dict[str, object]]]:
    return {"questions": [make_question(question_id=i) for i in ids]}


def names(lake, age: timedelta = ALL) -> list[str]:
    return [thing.name for thing in unneeded(lake, age)]


def delete_all(lake) -> None:
    for thing in list(unneeded(lake, ALL)):
        thing.delete()


def keys(lake, table: str = "questions") -> list[str]:
    return [stored.key for stored in lake.store.listed(table)]


def unnamed_part(lake) -> str:
    """Write a part of a shard that died before it wrote its shard file."""
    with PartsWriter(lake.store, lake.run("2026-11-20-drp").run_date).writing() as writer:
        writer.add("questions", make_question())
    return writer.parts[0].key


def test_staged_drafts_stay_with_their_run_and_go_without_it(lake):
    draft = {"rollout_id": "r1", "thinking": "1 + 2 = 3", "response": "3", "decisions": []}
    write(lake, "2026-11-20-drp", {"drafts": [draft]})
    assert names(lake) == []
    with PartsWriter(lake.store, lake.run("2026-11-21-drp").run_date).writing() as writer:
        writer.add("drafts", draft)
    assert names(lake) == [writer.parts[0].key]


def test_a_lake_in_use_has_nothing_to_sweep(lake):
    publish(lake, "2026-11-20-drp", questions("q1") | {"teacher_calls": [make_teacher_call()]})
    write(lake, "2026-11-21-drp", questions("q2"))
    assert names(lake) == []


def test_an_unreferenced_part_is_listed_and_then_deleted(lake):
    publish(lake, "2026-11-20-drp", questions("q1"))
    named = keys(lake)
    key = unnamed_part(lake)
    (thing,) = unneeded(lake, ALL)
    assert (thing.name, thing.why) == (key, "no run and no version refers to it")
    assert thing.bytes == len(lake.store.get(key))
    assert key in keys(lake), "listing deletes nothing"
    thing.delete()
    assert keys(lake) == named
    assert names(lake) == []


def test_young_objects_stay(lake):
    unnamed_part(lake)
    assert names(lake, timedelta(days=1)) == []
    assert names(lake, timedelta(seconds=30)) == []


def test_rows_of_open_and_quarantined_runs_stay(lake):
    write(lake, "2026-11-20-drp", questions("q1"))
    write(lake, "2026-11-21-drp", questions("q2")).finish("quarantined", "why")
    publish(lake, "2026-11-22-drp", questions("q3"))
    delete_all(lake)
    for run_id in ("2026-11-20-drp", "2026-11-21-drp"):
        assert lake.verify(part for done in lake.run(run_id).shard_files() for part in done.parts) == 1
    lake.verify(p.part for p in lake.corpus.current().parts)


def test_old_versions_and_rolled_back_ones_stay_readable(lake):
    run = "2026-11-20-drp"
    for shard in ("s1", "s2", "s3"):
        publish(lake, run, questions(shard), shard=shard)
        lake.store.delete(f"_runs/{run}/prune/{shard}.json")  # so that the versions alone name the parts
    lake.corpus.rollback(2)
    delete_all(lake)
    for number, shard in enumerate(("s1", "s2", "s3"), start=1):
        assert list(select(lake.published(number), "SELECT question_id AS q FROM questions")) == [
            {"q": shard}
        ]


def test_the_manifest_of_a_killed_publisher_is_deleted_and_its_rows_stay(lake, monkeypatch):
    publish(lake, "2026-11-20-drp", questions("q1"))
    run = write(lake, "2026-11-21-drp", questions("q2"))
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(type(lake.store), "swap", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        lake.publish(run, run.shard_files())
    assert names(lake) == [lake.corpus.key(2)]
    delete_all(lake)
    assert lake.corpus.written() == [1]
    version, _ = lake.publish(run, run.shard_files())
    assert (version.number, version.rows()) == (2, {"questions": 2})
    assert names(lake) == []


def test_leftovers_of_a_killed_writer_are_deleted(lake):
    program = """
import time
from drp.lake.lake import open_lake
with open_lake().store.writing("questions/run_date=2026-11-20/x.parquet") as stream:
    stream.write(b"x" * 20 * 2**20)
    stream.flush()
    print("written", flush=True)
    time.sleep(600)
"""
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE) as writer:
        assert writer.stdout.readline() == b"written\n"
        writer.send_signal(signal.SIGKILL)
    (thing,) = unneeded(lake, ALL)
    assert thing.why == "its writer did not finish"
    thing.delete()
    assert list(lake.store.unfinished()) == []
    assert keys(lake) == []


def test_checkpoints_stay_whatever_their_age(lake, tmp_path):
    (tmp_path / "model.safetensors").write_bytes(b"weights")
    key = folder_key("3f9c2a", "merged")
    store_folder(lake.store, tmp_path, key)
    publish(lake, "2026-11-20-drp", questions("q1"))
    unneeded_part = unnamed_part(lake)
    assert names(lake) == [unneeded_part]
    delete_all(lake)
    assert lake.store.get(f"{key}/model.safetensors") == b"weights"


def test_a_lake_with_a_damaged_version_is_not_swept(lake):
    publish(lake, "2026-11-20-drp", questions("q1"))
    key = unnamed_part(lake)
    lake.store.put(lake.corpus.key(1), b"{")
    with pytest.raises(DamagedLakeError):
        names(lake)
    assert key in keys(lake)


@pytest.mark.parametrize("lake", ["folder"], indirect=True)  # moto says that all uploads began in 2010
def test_a_write_in_progress_stays(lake):
    with lake.store.writing("questions/run_date=2026-11-20/x.parquet") as stream:
        stream.write(b"x")
        for thing in list(unneeded(lake)):
            thing.delete()
    assert len(keys(lake)) == 1


@pytest.mark.parametrize("lake", ["folder"], indirect=True)
@pytest.mark.parametrize("shift_s", [-400 * DAY_S, 400 * DAY_S], ids=["past", "future"])
def test_a_clock_jump_deletes_nothing_that_is_referenced(lake, shift_s):
    """This holds for any time stamps, and for runs that started long ago and are still open."""
    publish(lake, "2026-11-20-drp", questions("q1"))
    write(lake, "2026-11-21-drp", questions("q2"))
    unnamed = unnamed_part(lake)
    for path in Path(lake.store.root).rglob("*"):
        stamp = path.stat().st_mtime + shift_s
        os.utime(path, (stamp, stamp))
    assert names(lake, timedelta(days=1)) == ([unnamed] if shift_s < 0 else [])
    fresh = unnamed_part(lake)
    for thing in list(unneeded(lake)):
        thing.delete()
    assert fresh in keys(lake)
    lake.verify(p.part for p in lake.corpus.current().parts)
    lake.verify(part for done in lake.run("2026-11-21-drp").shard_files() for part in done.parts)


@pytest.mark.parametrize("lake", ["folder"], indirect=True)
def test_the_command_deletes_only_with_the_option(lake):
    publish(lake, "2026-11-20-drp", questions("q1"))
    key = unnamed_part(lake)

    def sweep(*options: str) -> str:
        done = CliRunner().invoke(app, ["corpus", "sweep", *options], catch_exceptions=False)
        assert done.exit_code == 0
        return done.output

    assert "nothing to do" in sweep()
    os.utime(lake.store.uri(key), (0, 0))
    assert "1 would be deleted: drp corpus sweep --delete" in sweep()
    assert key in keys(lake)
    assert "1 deleted" in sweep("--delete")
    assert key not in keys(lake)
    assert "0 deleted" in sweep("--delete", "--hours", "1")
