"""The folder store keeps the guarantees of an object store, also on a full or read-only disk."""

import errno
import os
import resource
import subprocess
import sys
from pathlib import Path

import pytest

from drp.storage.folder import FolderStore
from drp.storage.store import LakeUnwritableError
from tests.storage.contract import ConditionalContract


@pytest.fixture
def store(tmp_path: Path) -> FolderStore:
    return FolderStore(tmp_path / "a lake")


class TestFolder(ConditionalContract):
    """The contract on a folder."""


def test_an_error_while_writing_leaves_no_file_of_any_name(store, tmp_path):
    with pytest.raises(RuntimeError), store.writing("a/b.parquet") as stream:
        stream.write(b"half")
        raise RuntimeError
    assert [p for p in tmp_path.rglob("*") if p.is_file()] == []


def test_a_root_that_cannot_be_made_is_a_clear_error(tmp_path):
    (tmp_path / "file").write_text("not a folder")
    store = FolderStore(tmp_path / "file" / "lake")
    for write in (store.put, store.create, lambda key, data: store.swap(key, data, None)):
        with pytest.raises(LakeUnwritableError, match="DRP_LAKE"):
            write("x", b"1")


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EROFS])
def test_a_full_or_read_only_disk_is_a_clear_error(store, number):
    with pytest.raises(LakeUnwritableError, match="nothing is half-published"), store.writing("x"):
        raise OSError(number, os.strerror(number))
    assert store.get("x") is None


def test_a_file_that_the_system_cuts_is_a_clear_error_and_no_object(tmp_path):
    """The kernel enforces this limit in the same way as a full disk."""
    program = (
        "import sys; from pathlib import Path\n"
        "from drp.storage.folder import FolderStore\n"
        "with FolderStore(Path(sys.argv[1])).writing('x') as stream:\n"
        "    for _ in range(100): stream.write(b'x' * 2**20)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path)],
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (2**20, 2**20)),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "LakeUnwritableError: cannot write to the lake" in done.stderr
    assert "File too large" in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_an_unrelated_error_passes_through(store):
    with pytest.raises(FileNotFoundError), store.writing("x"):
        raise FileNotFoundError(errno.ENOENT, "no such trace file")


def test_a_file_that_vanishes_is_not_listed(store, tmp_path):
    store.put("a/1", b"")
    (tmp_path / "a lake/a/2").symlink_to(tmp_path / "gone")
    (tmp_path / "a lake/a/.partial-3").symlink_to(tmp_path / "gone")
    assert [stored.key for stored in store.listed("a")] == ["a/1"]
    assert list(store.unfinished()) == []


def test_a_leftover_can_be_discarded_even_if_its_writer_ends_meanwhile(store):
    with store.writing("a/b") as stream:
        stream.write(b"1")
        (left,) = store.unfinished()
    left.discard()
    assert store.get("a/b") == b"1"
