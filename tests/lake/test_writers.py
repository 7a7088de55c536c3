"""On a store that ignores conditional writes, one run writes at a time, and errors of the others name it."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from drp.core.errors import TerminalError
from drp.lake.lake import Lake, open_lake
from drp.runtime.shard_plans import ShardPlan
from drp.stages.ingest import import_file
from drp.storage import writer_lease as writers
from drp.storage.writer_lease import SecondWriterError, WriterLease
from tests.helpers.lake_runs import publish, write
from tests.helpers.row_factories import make_question
from tests.helpers.servers import CONDITIONS, forget

FIRST, SECOND = "2026-11-21-drp", "2026-11-22-drp"
ROWS = {"questions": [make_question()]}


@pytest.fixture
def lake(proxy, monkeypatch) -> Lake:
    """A lake on a server that ignores conditional writes."""
    monkeypatch.setattr(writers, "_SETTLE", 0.05)
    proxy.drops = CONDITIONS
    return open_lake()


def test_the_store_is_recognised_and_the_probe_leaves_nothing_behind(lake):
    assert not lake.store.is_conditional
    assert list(lake.store.listed("")) == []


def test_a_second_run_is_refused_with_the_name_of_the_writer(lake):
    run = write(lake, FIRST, ROWS)
    second = lake.run(SECOND)
    attempts = [
        lambda: write(lake, SECOND, ROWS),
        lambda: second.write_plan("s1", ShardPlan(fingerprint="f")),
        lambda: lake.publish(second, run.shard_files()),
        lambda: lake.corpus.rollback(0),
    ]
    for attempt in attempts:
        with pytest.raises(SecondWriterError, match=rf"{FIRST} has not ended.*finish {FIRST}") as error:
            attempt()
        assert isinstance(error.value, TerminalError)
    assert list(second.shard_files()) == []
    assert lake.corpus.numbers() == []


def test_a_second_run_may_write_when_the_first_has_ended(lake):
    publish(lake, FIRST, ROWS)
    publish(lake, SECOND, {"questions": [make_question(question_id="q2")]})
    assert lake.corpus.current().rows() == {"questions": 2}
    assert lake.corpus.rollback(1).number == 1
    publish(lake, FIRST, {"questions": [make_question(question_id="q3")]}, shard="s2")
    lake.run(SECOND).finish("quarantined", "as it was not the writer, nothing is released")


def test_a_quarantined_run_lets_others_write(lake):
    write(lake, FIRST, ROWS).finish("quarantined", "why")
    assert publish(lake, SECOND, ROWS).number == 1


def test_a_killed_run_goes_on_by_itself(lake):
    write(lake, FIRST, ROWS)
    forget()
    again = open_lake()
    run = write(again, FIRST, {"questions": [make_question(question_id="q2")]}, shard="s2")
    assert again.publish(run, run.shard_files())[0].rows() == {"questions": 2}


def test_an_import_is_refused_and_then_goes_through(lake, tmp_path):
    file = tmp_path / "questions.jsonl"
    file.write_text('{"question": "What is 2 + 2?", "answer": "4"}\n')
    run = write(lake, FIRST, ROWS)
    with pytest.raises(SecondWriterError, match=FIRST):
        import_file(lake, file, kind="questions")
    run.finish("published", "")
    assert import_file(lake, file, kind="questions")["questions"] == 1
    assert write(lake, SECOND, ROWS), "a finished import holds no lease"


def test_of_runs_that_begin_at_once_one_writes(lake, monkeypatch):
    monkeypatch.setattr(writers, "_SETTLE", 1.0)
    assert not lake.store.is_conditional

    def begin(number: int) -> bool:
        try:
            WriterLease(lake.store, f"run-{number}").acquire()
        except SecondWriterError:
            return False
        return True

    with ThreadPoolExecutor(6) as pool:
        assert list(pool.map(begin, range(6))).count(True) == 1


def test_a_store_with_conditional_writes_needs_no_lease(proxy, s3_address):
    lake = open_lake()
    write(lake, FIRST, ROWS)
    publish(lake, SECOND, ROWS)
    assert lake.store.get("_writer.json") is None
