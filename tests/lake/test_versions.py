"""Publishing is atomic, loses nothing when several publish at once, and can be rolled back."""

import json
from datetime import datetime

import pytest

from drp.core.lake_schemas import SCHEMA_VERSION
from drp.lake.lake import PER_RECIPE_TABLES, Lake
from drp.lake.parquet_parts import Part
from drp.lake.versions import NewerLakeError, PublishedPart, UnknownVersionError, Versions


@pytest.fixture
def versions(lake: Lake) -> Versions:
    return lake.corpus


def part(key: str, run: str = "night-1", table: str = "questions", fingerprint: str = "f") -> PublishedPart:
    return PublishedPart(Part(table, key, 1, 10, "0" * 64), run, "drp", fingerprint)


def keys(version) -> list[str]:
    return [p.part.key for p in version.parts]


def test_before_the_first_version_the_corpus_is_empty(versions):
    assert (versions.current().number, versions.current().parts) == (0, ())


def test_nights_add_up_and_old_versions_stay_readable(versions):
    versions.publish("night-1", [part("a")])
    versions.publish("night-2", [part("b", "night-2")])
    assert keys(versions.current()) == ["a", "b"]
    assert keys(versions.read(1)) == ["a"]
    assert versions.current().parent == 1


def test_publishing_a_run_again_replaces_what_it_published(versions):
    versions.publish("night-1", [part("a"), part("b")])
    assert keys(versions.publish("night-1", [part("b"), part("c")])) == ["b", "c"]


def test_publishing_the_same_parts_keeps_the_version(versions):
    first = versions.publish("night-1", [part("a")])
    assert versions.publish("night-1", [part("a")]) == first
    assert versions.numbers() == [1]


def test_a_changed_recipe_supersedes_its_own_rows_and_no_others(versions):
    old = [
        part("q"),
        part("v", table="revisions"),
        PublishedPart(part("w", table="revisions").part, "night-1", "other", "f"),
    ]
    versions.publish("night-1", old)
    new = [part("x", "night-2", table="revisions", fingerprint="g")]
    assert keys(versions.publish("night-2", new, replaces=PER_RECIPE_TABLES)) == ["q", "w", "x"]


def test_rollback_moves_back_and_the_next_version_builds_on_it(versions):
    versions.publish("night-1", [part("a")])
    versions.publish("night-2", [part("b", "night-2")])
    versions.rollback(1)
    assert keys(versions.current()) == ["a"]
    third = versions.publish("night-3", [part("c", "night-3")])
    assert (third.number, keys(third)) == (3, ["a", "c"])


def test_unknown_versions_are_refused_and_name_the_next_command(versions):
    with pytest.raises(UnknownVersionError, match="drp corpus list"):
        versions.rollback(7)


def test_a_lake_of_a_newer_schema_is_refused(versions, lake):
    versions.publish("night-1", [part("a")])
    document = json.loads(lake.store.get(versions.key(1)))
    newer = document | {"schema_version": SCHEMA_VERSION + 1}
    lake.store.put(versions.key(1), json.dumps(newer).encode())
    with pytest.raises(NewerLakeError, match="update DRP"):
        versions.current()


def test_a_publisher_that_comes_late_merges_and_leaves_no_manifest_behind(versions, lake, monkeypatch):
    versions.publish("night-1", [part("a")])
    while_publishing(lake, monkeypatch, lambda: versions.publish("night-2", [part("b", "night-2")]))
    late = versions.publish("night-3", [part("c", "night-3")])
    assert keys(late) == ["a", "b", "c"]
    assert (late.parent, versions.current()) == (versions.numbers()[-2], late)
    assert versions.written() == versions.numbers()


def test_one_run_published_by_two_processes_at_once_stays_whole(versions, lake, monkeypatch):
    versions.publish("night-1", [part("a")])
    monkeypatch.setattr("drp.lake.versions.datetime", clock("2026-11-20T00:00:00+00:00"))  # the same second
    again = [part("b", "night-2")]
    while_publishing(lake, monkeypatch, lambda: versions.publish("night-2", again))
    assert keys(versions.publish("night-2", again)) == ["a", "b"]
    assert [keys(versions.read(number)) for number in versions.numbers()] == [["a"], ["a", "b"]]


def test_a_version_whose_publisher_got_no_response_stays_when_others_build_on_it(versions, lake, monkeypatch):
    swap = type(lake.store).swap
    lost = [True]

    def unanswered(store, key, data, expected):
        won = swap(store, key, data, expected)
        if lost:
            lost.pop()
            versions.publish("night-2", [part("b", "night-2")])
            return False
        return won

    monkeypatch.setattr(type(lake.store), "swap", unanswered)
    assert keys(versions.publish("night-1", [part("a")])) == ["a", "b"]
    assert [keys(versions.read(number)) for number in versions.numbers()] == [["a"], ["a", "b"]]


def test_a_rollback_while_somebody_publishes_is_not_lost(versions, lake, monkeypatch):
    versions.publish("night-1", [part("a")])
    versions.publish("night-2", [part("b", "night-2")])
    while_publishing(lake, monkeypatch, lambda: versions.rollback(1))
    assert keys(versions.publish("night-3", [part("c", "night-3")])) == ["a", "c"]


def test_versions_are_in_order_whatever_the_clock_says(versions, monkeypatch):
    stamps = ["2026-11-20T00:00:00+00:00", "1970-01-01T00:00:00+00:00", "2099-01-01T00:00:00+00:00"]
    for night, stamp in enumerate(stamps, start=1):
        monkeypatch.setattr("drp.lake.versions.datetime", clock(stamp))
        versions.publish(f"night-{night}", [part(str(night), f"night-{night}")])
    assert versions.numbers() == [1, 2, 3]
    assert [versions.read(number).parent for number in versions.numbers()] == [0, 1, 2]
    assert [versions.read(number).published_at for number in versions.numbers()] == stamps
    assert keys(versions.current()) == ["1", "2", "3"]


def while_publishing(lake, monkeypatch, somebody) -> None:
    """Call `somebody` after the next publisher has written its manifest, before it moves the pointer."""
    swap = type(lake.store).swap
    waiting = [somebody]

    def late(store, key, data, expected):
        if waiting:
            waiting.pop()()
        return swap(store, key, data, expected)

    monkeypatch.setattr(type(lake.store), "swap", late)


def clock(stamp: str):
    """Return a `datetime` class whose clock stands still at `stamp`."""

    class Standing(datetime):
        @classmethod
        def now(cls, tz=None):
            return datetime.fromisoformat(stamp)

    return Standing
