"""Files of checkpoints: downloads equal uploads byte for byte, or fail."""

import hashlib
import subprocess
import tracemalloc
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO

import pytest

from drp.core.errors import BadInputError
from drp.registry.checkpoint_files import fetch, folder_key, store_folder, verify
from drp.registry.errors import ChangedCheckpointError
from drp.registry.records import Checkpoint, CheckpointFile
from drp.storage.factory import open_store
from drp.storage.folder import FolderStore
from drp.storage.store import ObjectStore
from tests.helpers.checkpoints import make_checkpoint

MB = 2**20
MODEL = {
    "config.json": b"{}",
    "model-00001-of-00002.safetensors": bytes(range(256)) * 5000,
    "model-00002-of-00002.safetensors": b"\0" * 1000,
    "original/tokenizer model.bin": "möglich\r\n".encode(),
    "special_tokens_map.json": b"",
}


@pytest.fixture(params=["folder", "s3"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> ObjectStore:
    """An empty store of each kind."""
    if request.param == "s3":
        return open_store(request.getfixturevalue("s3_address"))
    return FolderStore(tmp_path / "a lake")


only_folder = pytest.mark.parametrize("store", ["folder"], indirect=True)


@pytest.fixture
def merged(tmp_path: Path) -> Path:
    """A merged model in a local folder."""
    folder = tmp_path / "out" / "merged"
    for name, data in MODEL.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)
    return folder


@pytest.fixture
def target(tmp_path: Path) -> Path:
    """Path for a copy, in an otherwise empty folder."""
    return tmp_path / "models" / "champion"


def stored(store: ObjectStore, merged: Path) -> Checkpoint:
    """Store the merged model and return a checkpoint that has only this part."""
    made = make_checkpoint(1)
    key = folder_key(made.checkpoint_id, "merged")
    return replace(made, files=store_folder(store, merged, key), adapter_key=None, merged_key=key)


def contents(folder: Path) -> dict[str, bytes]:
    """Read all files below a folder, including hidden ones."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()
    }


def recorded_writes(monkeypatch: pytest.MonkeyPatch, store: ObjectStore, fail_at: int = 0) -> list[str]:
    """Record the keys written from now on; the write number `fail_at` is interrupted halfway."""
    sent: list[str] = []
    real = type(store).writing

    @contextmanager
    def writing(self: ObjectStore, key: str) -> Iterator[BinaryIO]:
        sent.append(key)
        with real(self, key) as stream:
            if len(sent) == fail_at:
                stream.write(b"half")
                raise KeyboardInterrupt
            yield stream

    monkeypatch.setattr(type(store), "writing", writing)
    return sent


def test_a_model_is_fetched_unchanged(store: ObjectStore, merged: Path, target: Path) -> None:
    checkpoint = stored(store, merged)
    assert [(file.path, file.bytes, file.sha256) for file in checkpoint.files] == [
        (f"merged/{name}", len(data), hashlib.sha256(data).hexdigest()) for name, data in MODEL.items()
    ]
    fetch(store, checkpoint, "merged", target)
    assert contents(target) == MODEL
    assert [path.name for path in target.parent.iterdir()] == ["champion"]
    assert verify(store, checkpoint) == len(MODEL)


def test_adapter_and_merged_model_do_not_mix(store: ObjectStore, merged: Path, tmp_path: Path) -> None:
    (tmp_path / "lora").mkdir()
    (tmp_path / "lora/config.json").write_bytes(b"of the adapter")
    key = folder_key("x", "adapter")
    both = stored(store, merged)
    both = replace(both, files=(*both.files, *store_folder(store, tmp_path / "lora", key)), adapter_key=key)
    for which, expected in (("adapter", {"config.json": b"of the adapter"}), ("merged", MODEL)):
        fetch(store, both, which, tmp_path / which)  # type: ignore[arg-type]
        assert contents(tmp_path / which) == expected
    assert verify(store, both) == len(MODEL) + 1


def test_the_digest_is_that_of_sha256sum(store: ObjectStore, merged: Path) -> None:
    command = (
        'find merged -type f -print0 | LC_ALL=C sort -z | xargs -0 sha256sum | sha256sum | cut -d" " -f1'
    )
    printed = subprocess.run(
        ["sh", "-c", command], cwd=merged.parent, capture_output=True, text=True, check=True
    )
    checkpoint = stored(store, merged)
    assert checkpoint.sha256 == printed.stdout.strip()
    assert replace(checkpoint, files=checkpoint.files[::-1]).sha256 == checkpoint.sha256


def test_hidden_files_are_not_uploaded(store: ObjectStore, merged: Path) -> None:
    (merged / ".cache/huggingface").mkdir(parents=True)
    (merged / ".cache/huggingface/x.lock").write_text("")
    (merged / ".gitattributes").write_text("")
    assert len(stored(store, merged).files) == len(MODEL)


def test_a_folder_without_a_file_is_refused(store: ObjectStore, tmp_path: Path) -> None:
    for folder in (tmp_path / "nowhere", tmp_path):
        with pytest.raises(BadInputError, match="no checkpoint files in"):
            store_folder(store, folder, "_checkpoints/x/merged")


def test_an_interrupted_upload_continues(
    store: ObjectStore, merged: Path, target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        first = recorded_writes(patch, store, fail_at=3)
        stored(store, merged)
    assert len(first) == 3
    again = recorded_writes(monkeypatch, store)
    checkpoint = stored(store, merged)
    key = checkpoint.merged_key
    assert again == [f"{key}/{name}" for name in list(MODEL)[2:]]
    again.clear()
    assert stored(store, merged) == checkpoint
    assert again == []
    fetch(store, checkpoint, "merged", target)
    assert contents(target) == MODEL


def test_a_modified_file_is_uploaded_again(
    store: ObjectStore, merged: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = stored(store, merged)
    (merged / "config.json").write_bytes(b"[]")
    sent = recorded_writes(monkeypatch, store)
    after = stored(store, merged)
    assert sent == [f"{after.merged_key}/config.json"]
    assert after.sha256 != before.sha256
    assert verify(store, after) == len(MODEL)


@pytest.mark.parametrize("damage", ["a bit", "one byte more", "missing"])
@pytest.mark.parametrize(
    "name", ["config.json", "model-00001-of-00002.safetensors", "special_tokens_map.json"]
)
def test_a_changed_file_is_refused_and_nothing_is_left(
    store: ObjectStore, merged: Path, target: Path, name: str, damage: str
) -> None:
    checkpoint = stored(store, merged)
    key, data = f"{checkpoint.merged_key}/{name}", MODEL[name] or b"0"
    if damage == "missing":
        store.delete(key)
    else:
        store.put(key, data + b"0" if damage == "one byte more" else data[:-1] + bytes([data[-1] ^ 1]))
    fault = f"merged/{name} {'is missing' if damage == 'missing' else 'has changed'}"
    with pytest.raises(
        ChangedCheckpointError, match=f"{fault}.*drp registry verify {checkpoint.checkpoint_id}"
    ):
        fetch(store, checkpoint, "merged", target)
    assert list(target.parent.iterdir()) == []
    with pytest.raises(ChangedCheckpointError, match=fault):
        verify(store, checkpoint)


def test_verify_names_all_changed_files(store: ObjectStore, merged: Path) -> None:
    checkpoint = stored(store, merged)
    for name in list(MODEL)[:4]:
        store.put(f"{checkpoint.merged_key}/{name}", b"something else")
    with pytest.raises(ChangedCheckpointError, match=r"merged/config\.json has changed, .* and 1 more"):
        verify(store, checkpoint)


@only_folder
def test_an_existing_copy_is_left_alone(store: ObjectStore, merged: Path, target: Path) -> None:
    checkpoint = stored(store, merged)
    target.mkdir(parents=True)
    fetch(store, checkpoint, "merged", target)  # an empty folder may be used
    stamp = (target / "config.json").stat()
    fetch(store, checkpoint, "merged", target)
    assert (target / "config.json").stat() == stamp


@only_folder
@pytest.mark.parametrize("other", ["changed", "more", "fewer", "a file"])
def test_other_contents_are_not_overwritten(
    store: ObjectStore, merged: Path, target: Path, tmp_path: Path, other: str
) -> None:
    checkpoint = stored(store, merged)
    fetch(store, checkpoint, "merged", target)
    if other == "changed":
        (target / "config.json").write_bytes(b"[]")
    elif other == "more":
        (target / "mine.txt").write_bytes(b"mine")
    elif other == "fewer":
        (target / "config.json").unlink()
    else:
        target.rename(tmp_path / "away")
        target.write_bytes(b"a file")
    before = contents(target.parent)
    with pytest.raises(BadInputError, match="exists, but does not hold the files of checkpoint"):
        fetch(store, checkpoint, "merged", target)
    assert contents(target.parent) == before


@only_folder
def test_an_unwritable_target_is_a_clear_error(store: ObjectStore, merged: Path, tmp_path: Path) -> None:
    checkpoint = stored(store, merged)
    (tmp_path / "file").write_text("")
    with pytest.raises(BadInputError, match=r"cannot be copied to .*file/models"):
        fetch(store, checkpoint, "merged", tmp_path / "file" / "models")


@only_folder
def test_a_part_that_the_checkpoint_lacks_is_refused(store: ObjectStore, merged: Path, target: Path) -> None:
    with pytest.raises(BadInputError, match=r"has no folder 'adapter'.*--which merged"):
        fetch(store, stored(store, merged), "adapter", target)
    assert not target.parent.exists()


@only_folder
def test_the_copy_has_the_permissions_of_the_umask(store: ObjectStore, merged: Path, target: Path) -> None:
    fetch(store, stored(store, merged), "merged", target)
    plain = target.parent / "plain"
    plain.mkdir()
    assert target.stat().st_mode == plain.stat().st_mode


@only_folder
def test_a_large_file_is_streamed(store: ObjectStore, merged: Path, target: Path) -> None:
    with (merged / "config.json").open("wb") as stream:
        stream.truncate(32 * MB)
    tracemalloc.start()
    try:
        checkpoint = stored(store, merged)
        stored(store, merged)
        fetch(store, checkpoint, "merged", target)
        verify(store, checkpoint)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 8 * MB


@pytest.mark.parametrize("path", ["/etc/passwd", "merged/../../x", "..", "config.json", ""])
def test_a_path_out_of_the_checkpoint_is_refused(path: str) -> None:
    with pytest.raises(ValueError, match="is not a path within"):
        CheckpointFile(path, 0, "")


def test_files_and_folders_belong_together() -> None:
    made = make_checkpoint(1)
    for changes in ({"adapter_key": None}, {"files": made.files[:1]}, {"files": ()}):
        with pytest.raises(ValueError, match="do not match its folders"):
            replace(made, **changes)  # type: ignore[arg-type]
