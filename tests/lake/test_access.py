"""Commands on an S3 lake with read-only keys, a failing server, or a wrong address."""

import json

import pytest
from typer.testing import CliRunner

from drp.cli.main import app
from drp.lake.lake import open_lake
from drp.storage import s3
from drp.storage.store import LakeRefusedError, LakeUnavailableError, LakeUnwritableError
from tests.helpers.lake_runs import publish, write
from tests.helpers.row_factories import make_question
from tests.helpers.servers import READ_ONLY, Fault, forget

pytestmark = pytest.mark.services


COUNT = ["sql", "SELECT count(*) AS n FROM questions", "--format", "json"]
IDS = {"questions": [make_question(question_id="q2")]}


@pytest.fixture
def lake(proxy):
    """A lake on S3 with one published version, opened afresh."""
    publish(open_lake(), "2026-11-20-drp", {"questions": [make_question()]})
    forget()
    return open_lake()


def drp(*words: str):
    """Run a command."""
    return CliRunner().invoke(app, list(words))


def test_read_only_keys_are_enough_for_queries_and_listings(lake, proxy):
    proxy.faults.append(READ_ONLY)
    assert json.loads(drp(*COUNT).output) == [{"n": 1}]
    for words in (["list"], ["show"], ["diff"], ["verify"], ["sweep"]):
        done = drp("corpus", *words)
        assert done.exit_code == 0, done.exception
    assert "all 1 parts are what was written" in drp("corpus", "verify").output


def test_read_only_keys_cannot_change_anything(lake, proxy, tmp_path):
    before = [(stored.key, lake.store.get(stored.key)) for stored in lake.store.listed("")]
    proxy.faults.append(READ_ONLY)
    file = tmp_path / "questions.jsonl"
    file.write_text('{"question": "What is 2 + 3?", "answer": "5"}\n')
    for words in (["corpus", "rollback", "0"], ["import", "questions", str(file)]):
        refused = drp(*words).exception
        assert isinstance(refused, LakeUnwritableError)
        assert "may only read" in str(refused)
    proxy.faults.clear()
    assert [(stored.key, lake.store.get(stored.key)) for stored in lake.store.listed("")] == before


def test_a_lost_response_publishes_nothing_twice(lake, proxy):
    run = write(lake, "2026-11-21-drp", IDS)
    lost = [Fault(0, methods="PUT", key=key, times=1) for key in ("_manifests/corpus", "_pointers/corpus")]
    proxy.faults.extend(lost)
    version, _ = lake.publish(run, run.shard_files())
    assert [fault.times for fault in lost] == [0, 0]
    assert (version.number, version.rows()) == (2, {"questions": 2})
    assert lake.corpus.numbers() == lake.corpus.written() == [1, 2]


@pytest.mark.parametrize("key", ["_manifests/corpus", "_pointers/corpus"])
def test_a_publisher_without_a_response_fails_and_the_next_attempt_succeeds(lake, proxy, monkeypatch, key):
    monkeypatch.setattr(s3, "_ATTEMPTS", 2)
    run = write(lake, "2026-11-21-drp", IDS)
    forget()
    impatient = open_lake()
    assert impatient.store.is_conditional
    proxy.faults.append(Fault(0, methods="PUT HEAD", key=key))
    with pytest.raises(LakeUnavailableError, match="run the same command again"):
        impatient.publish(run, run.shard_files())
    proxy.faults.clear()
    version, _ = impatient.publish(run, run.shard_files())
    assert version.rows() == {"questions": 2}
    assert impatient.corpus.current() == version
    assert len(impatient.corpus.numbers()) == 2


def test_a_failing_server_and_a_wrong_bucket_are_different_errors(lake, proxy, monkeypatch):
    monkeypatch.setattr(s3, "_ATTEMPTS", 1)
    forget()
    proxy.faults.append(Fault(503, "SlowDown"))
    assert isinstance(drp(*COUNT).exception, LakeUnavailableError)
    proxy.faults.clear()
    monkeypatch.setenv("DRP_LAKE", "s3://no-such-bucket/lake")
    forget()
    assert isinstance(drp(*COUNT).exception, LakeRefusedError)
