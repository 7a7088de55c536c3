"""Publishing is one step that nobody sees half of, loses nothing under competition, and can be taken back."""

import json
import threading
from pathlib import Path

import pytest

from drp.lake.lake import PER_RECIPE_TABLES
from drp.lake.parts import Part
from drp.objects.folder import FolderStore
from drp.lake.versions import NewerLakeError, PublishedPart, UnknownVersionError, Versions
from drp.schemas import SCHEMA_VERSION


@pytest.fixture
def versions(tmp_path: Path) -> Versions:
    return Versions(FolderStore(tmp_path), "corpus")


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


def test_a_lake_of_a_newer_schema_is_refused(versions, tmp_path):
    versions.publish("night-1", [part("a")])
    manifest = next(tmp_path.glob("_manifests/corpus/*.json"))
    document = json.loads(manifest.read_text())
    manifest.write_text(json.dumps(document | {"schema_version": SCHEMA_VERSION + 1}))
    with pytest.raises(NewerLakeError, match="update DRP"):
        versions.current()


def test_of_publishers_at_once_none_is_lost(versions):
    def publish(who: int) -> None:
        for k in range(5):
            run = f"run-{who}-{k}"
            versions.publish(run, [part(run, run)])

    threads = [threading.Thread(target=publish, args=(who,)) for who in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(versions.current().parts) == 20
    lineage, version = [], versions.current()
    while version.number:
        lineage.append(version)
        version = versions.read(version.parent)
    assert [len(v.parts) for v in lineage] == list(range(20, 0, -1))
