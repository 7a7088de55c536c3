"""The three promises of an object store: complete objects only, create never overwrites, swap compares."""

import errno
import os
import threading
from pathlib import Path

import pytest

from drp.objects.folder import FolderStore
from drp.objects.store import LakeUnwritableError


@pytest.fixture
def store(tmp_path: Path) -> FolderStore:
    return FolderStore(tmp_path / "lake")


def test_an_error_while_writing_leaves_no_object_and_no_leftover(store, tmp_path):
    with pytest.raises(RuntimeError, match="half-way"), store.writing("a/b.parquet") as stream:
        stream.write(b"half")
        raise RuntimeError("half-way")
    assert store.get("a/b.parquet") is None
    assert [p for p in tmp_path.rglob("*") if p.is_file()] == []


def test_an_object_is_not_listed_before_it_is_complete(store):
    with store.writing("a/b") as stream:
        stream.write(b"some")
        stream.flush()
        assert list(store.listed("a")) == []
    assert [stored.key for stored in store.listed("a")] == ["a/b"]


def test_create_does_not_overwrite(store):
    assert store.create("x", b"first")
    assert not store.create("x", b"second")
    assert store.get("x") == b"first"


def test_swap_replaces_only_what_was_expected(store):
    assert store.swap("p", b"1", None)
    assert not store.swap("p", b"2", None)
    assert not store.swap("p", b"2", b"0")
    assert store.swap("p", b"2", b"1")
    assert store.get("p") == b"2"


def test_of_many_swaps_at_once_each_counts(store):
    def count() -> None:
        for _ in range(25):
            while True:
                seen = store.get("n")
                if store.swap("n", str(int(seen or b"0") + 1).encode(), seen):
                    break

    threads = [threading.Thread(target=count) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert store.get("n") == b"100"


def test_a_root_that_cannot_be_made_is_a_clear_error(tmp_path):
    (tmp_path / "file").write_text("not a folder")
    store = FolderStore(tmp_path / "file" / "lake")
    with pytest.raises(LakeUnwritableError, match="DRP_LAKE"):
        store.put("x", b"1")


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EROFS])
def test_a_full_or_read_only_disk_is_a_clear_error(store, number):
    with pytest.raises(LakeUnwritableError, match="nothing is half-published"), store.writing("x"):
        raise OSError(number, os.strerror(number))
    assert store.get("x") is None


def test_an_error_of_somebody_else_passes_through(store):
    with pytest.raises(FileNotFoundError), store.writing("x"):
        raise FileNotFoundError(errno.ENOENT, "no such trace file")
