"""Verdicts are stored at once, never lost and never changed, in a folder and on S3."""

import json
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import timedelta

import pytest

from drp.core.errors import BadInputError
from drp.core.lake_schemas import REVIEWS
from drp.lake.lake import Lake, open_lake
from drp.lake.sweep import unneeded
from drp.lake.versions import DamagedLakeError, Versions
from drp.query.session import open_session
from drp.reviews import verdicts
from drp.reviews.sample import find_revision
from drp.reviews.verdicts import FOLDER, Review, publish, read_by, record
from drp.reviews.vocabulary import judge
from drp.storage import writer_lease as writers
from drp.storage.writer_lease import SecondWriterError
from tests.helpers.lake_runs import write
from tests.helpers.reviewed_nights import NIGHT, published_night, quarantined_night
from tests.helpers.row_factories import make_question
from tests.helpers.servers import CONDITIONS

SOUND, SEVERE = judge("sound"), judge("severe", "missing_link", "135 comes from nowhere")


def give(lake: Lake, revision_id: str = "v0", judgement=SOUND, reviewer: str = "anna") -> Review:
    return record(lake, find_revision(lake, revision_id), reviewer, judgement)


def rows(lake: Lake, query: str = "FROM reviews ORDER BY reviewer, revision_id, number", version=None):
    with closing(open_session(lake.published(version))) as con:
        return con.execute(query).to_arrow_table().to_pylist()


def stored(lake: Lake) -> list[str]:
    return [found.key for found in lake.store.listed(FOLDER)]


def test_a_verdict_is_stored_at_once_and_in_sql_when_published(lake):
    night = published_night(lake)
    review = give(lake, judgement=SEVERE)
    assert len(stored(lake)) == 1
    assert rows(lake) == []
    assert publish(lake) == 1
    (row,) = rows(lake)
    assert row["run_date"] == night.run_date
    assert {name: row[name] for name in REVIEWS.names} == {
        "review_id": review.review_id,
        "revision_id": "v0",
        "run_id": NIGHT,
        "recipe": "drp",
        "recipe_hash": "h1",
        "status": "accepted",
        "reviewer": "anna",
        "number": 1,
        "verdict": "severe",
        "fault": "missing_link",
        "note": "135 comes from nowhere",
        "reviewed_at": review.reviewed_at,
    }
    assert publish(lake) == 0


def test_a_later_verdict_supersedes_and_the_history_stays(lake):
    published_night(lake)
    give(lake, judgement=SEVERE)
    give(lake)
    give(lake, judgement=SEVERE)
    assert give(lake, judgement=SEVERE).number == 3, "the same verdict again is not stored again"
    give(lake, reviewer="bo")
    publish(lake)
    assert [(r["reviewer"], r["number"], r["verdict"]) for r in rows(lake)] == [
        ("anna", 1, "severe"),
        ("anna", 2, "sound"),
        ("anna", 3, "severe"),
        ("bo", 1, "sound"),
    ]
    (trend,) = rows(lake, "FROM review_trend WHERE fault = 'any'")
    assert (trend["judged"], trend["severe"]) == (1, 1)


def test_a_reviewer_knows_what_was_read(lake):
    night = published_night(lake, 3)
    give(lake, "v0")
    give(lake, "v2", reviewer="bo")
    assert read_by(lake, night, "anna") == {"v0"}
    assert read_by(lake, night, "bo") == {"v2"}
    assert read_by(lake, night, "ann") == set()


def test_verdicts_survive_nights_rollbacks_and_sweeps(lake):
    published_night(lake)
    give(lake, judgement=SEVERE)
    publish(lake)
    published_night(lake, 1, "2026-11-21-drp", prefix="next")
    give(lake, "vnext0")
    publish(lake)
    lake.corpus.rollback(1)
    give(lake, "v0", reviewer="bo")
    publish(lake)
    lake.corpus.rollback(0)
    for thing in list(unneeded(lake, timedelta(seconds=-5))):
        thing.delete()
    assert [(r["revision_id"], r["reviewer"]) for r in rows(lake)] == [
        ("v0", "anna"),
        ("vnext0", "anna"),
        ("v0", "bo"),
    ]
    assert rows(lake, version=2) == rows(lake)
    assert lake.verify(p.part for p in lake.results.current().parts) == 2
    assert lake.corpus.numbers() == [1, 2], "a verdict makes no version of the corpus"


def test_a_night_has_one_part_however_many_verdicts_it_has(lake):
    published_night(lake, 4)
    for number in range(4):
        give(lake, f"v{number}")
        publish(lake)
    parts = [p.part for p in lake.results.current().parts if p.part.table == "reviews"]
    assert [part.rows for part in parts] == [4]


def test_verdicts_on_a_quarantined_night_are_seen_with_its_rows(lake):
    run = quarantined_night(lake, 2)
    give(lake, "v1", SEVERE)
    publish(lake)
    parts = lake.locate(part for done in run.shard_files() for part in done.parts)
    with closing(open_session(parts, earlier=lake.published())) as con:
        assert con.execute("SELECT revision_id, verdict FROM reviews").fetchall() == [("v1", "severe")]
    other = write(lake, "2026-11-21-drp", {"questions": [make_question()]})
    parts = lake.locate(part for done in other.shard_files() for part in done.parts)
    with closing(open_session(parts, earlier=lake.published())) as con:
        assert con.execute("FROM reviews").fetchall() == []


def test_what_a_killed_session_has_stored_is_published_by_the_next(lake, monkeypatch):
    published_night(lake, 2)
    give(lake, "v0")
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(Versions, "publish", lambda *_, **__: (_ for _ in ()).throw(KeyboardInterrupt))
        publish(lake)
    assert rows(lake) == []
    give(lake, "v1", reviewer="bo")
    publish(lake)
    assert len(rows(lake)) == 2


def test_a_publication_that_others_overtake_loses_no_verdict(lake, monkeypatch):
    """Another reviewer stores and publishes after we have read the verdicts and before we publish them."""
    published_night(lake, 2)
    give(lake, "v0")
    write_part, others = verdicts._write_part, [True]

    def overtaken(*arguments):
        part = write_part(*arguments)
        if others:
            others.clear()
            give(lake, "v1", SEVERE, "bo")
            publish(lake)
        return part

    monkeypatch.setattr(verdicts, "_write_part", overtaken)
    publish(lake)
    assert [row["reviewer"] for row in rows(lake)] == ["anna", "bo"]


def test_two_verdicts_at_the_same_time_are_both_stored(lake, monkeypatch):
    published_night(lake)
    create, others = type(lake.store).create, [SEVERE]

    def overtaken(store, key, data):
        if others and key.startswith(FOLDER):
            give(lake, judgement=others.pop())
        return create(store, key, data)

    monkeypatch.setattr(type(lake.store), "create", overtaken)
    assert give(lake).number == 2
    publish(lake)
    assert [(r["number"], r["verdict"]) for r in rows(lake)] == [(1, "severe"), (2, "sound")]


def test_many_reviewers_at_once(lake):
    published_night(lake, 5)

    def one(reviewer: str) -> None:
        for number in range(5):
            give(lake, f"v{number}", SEVERE, reviewer)
            publish(lake)

    with ThreadPoolExecutor(3) as pool:
        list(pool.map(one, ["anna", "bo", "carl"]))
    assert len(rows(lake)) == 15
    assert publish(lake) == 0


@pytest.mark.parametrize("name", ["", "  ", "a\x1b[31m", "a\nb", "a\u202eb", "x" * 101, "a\udcff"])
def test_a_name_that_cannot_be_shown_is_refused(lake, name):
    published_night(lake)
    with pytest.raises(BadInputError, match="--reviewer NAME"):
        give(lake, reviewer=name)
    assert stored(lake) == []


@pytest.mark.parametrize("name", ["../../etc", "Anna Müller <anna@example.org>", "o'clock", "安娜"])
def test_any_name_that_can_be_shown_is_kept(lake, name):
    published_night(lake)
    give(lake, reviewer=name)
    publish(lake)
    assert [row["reviewer"] for row in rows(lake)] == [name]
    assert all(".." not in key for key in stored(lake))


@pytest.mark.parametrize("damage", [b"", b"{", b"[]", b'{"verdict": "bad"}'])
def test_a_damaged_verdict_is_named_and_nothing_is_published(lake, damage):
    published_night(lake)
    give(lake)
    lake.store.put(stored(lake)[0], damage)
    with pytest.raises(DamagedLakeError, match=r"_reviews.*is damaged"):
        publish(lake)
    assert rows(lake) == []


def test_a_stored_verdict_is_json_that_people_can_read(lake):
    published_night(lake)
    give(lake, judgement=judge("minor", "other", "a\x1b[31mred \u202e"))
    document = lake.store.get(stored(lake)[0])
    assert document.isascii()
    assert b"\x1b" not in document
    assert json.loads(document)["note"] == "a\x1b[31mred \u202e"


@pytest.fixture
def unconditional(proxy, monkeypatch) -> Lake:
    """A lake on a server that ignores conditional writes."""
    monkeypatch.setattr(writers, "_SETTLE", 0.05)
    proxy.drops = CONDITIONS
    return open_lake()


def test_with_one_writer_at_a_time_a_verdict_waits_for_the_night_and_the_night_for_no_verdict(unconditional):
    published_night(unconditional)
    give(unconditional)
    publish(unconditional)
    assert [row["reviewer"] for row in rows(unconditional)] == ["anna"]
    run = write(unconditional, "2026-11-21-drp", {"questions": [make_question(question_id="q2")]})
    with pytest.raises(SecondWriterError, match="2026-11-21-drp has not ended"):
        give(unconditional, reviewer="bo")
    run.finish("nothing new", "")
    give(unconditional, reviewer="bo")
