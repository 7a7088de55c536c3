"""The lake on an S3 server that checks keys and outlives a restart, on a small disk, and on one of one's own.

DRP_TEST_S3=s3://bucket/prefix, with keys and endpoint the AWS way, names the last; its tests write below the
prefix, in a folder of their own, and remove it.
"""

import json
import os
import subprocess
import sys
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import duckdb
import pytest

from drp.core.lake_schemas import CORPUS_TABLES, id_column
from drp.lake.lake import open_lake
from drp.query.session import open_session, select
from drp.storage.factory import open_store
from drp.storage.folder import FolderStore
from drp.storage.s3 import S3Store
from drp.storage.store import LakeRefusedError, LakeUnwritableError, ObjectStore
from drp.storage.writer_lease import SecondWriterError
from tests.helpers import servers
from tests.helpers.lake_runs import publish, write
from tests.helpers.row_factories import make_question
from tests.helpers.servers import S3Server
from tests.helpers.shared_data import shared_file
from tests.storage.contract import ConditionalContract, StoreContract

pytestmark = pytest.mark.services


NIGHT_LIMIT_S = 900


@pytest.fixture(scope="module")
def rclone(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Server]:
    """A running rclone."""
    with servers.rclone(tmp_path_factory.mktemp("rclone")) as server:
        yield server


@pytest.fixture
def address(rclone: S3Server, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Address of an empty place in rclone that DRP_LAKE names."""
    bucket = f"b-{uuid.uuid4().hex}"
    rclone.make_bucket(bucket)
    servers.use(monkeypatch, rclone, f"s3://{bucket}/a lake")
    yield f"s3://{bucket}/a lake"
    servers.forget()


class TestRclone(StoreContract):
    """The promises to one writer, on rclone."""

    @pytest.fixture
    def store(self, address: str) -> ObjectStore:
        return open_store(address)


class TestOwnServer(ConditionalContract):
    """All promises, on the server that DRP_TEST_S3 names."""

    @pytest.fixture
    def store(self) -> Iterator[ObjectStore]:
        address = os.environ.get("DRP_TEST_S3")
        if not address:
            pytest.skip("DRP_TEST_S3 names no bucket to test on")
        store = S3Store(f"{address.rstrip('/')}/{uuid.uuid4().hex}")
        yield store
        for stored in list(store.listed("")):
            store.delete(stored.key)
        for left in list(store.unfinished()):
            left.discard()


@pytest.mark.parametrize("wrong", [{"AWS_ACCESS_KEY_ID": "nobody"}, {"AWS_SECRET_ACCESS_KEY": "a guess"}])
def test_wrong_keys_are_refused(address: str, monkeypatch: pytest.MonkeyPatch, wrong: dict[str, str]) -> None:
    for name, value in wrong.items():
        monkeypatch.setenv(name, value)
    store = S3Store(address)
    for ask in (lambda: store.get("x"), lambda: store.put("x", b"1"), lambda: list(store.listed(""))):
        with pytest.raises(LakeRefusedError, match=r"denies access.*Nothing was read or changed.*AWS_"):
            ask()


def test_a_second_run_is_refused_until_the_first_has_ended(address: str) -> None:
    lake = open_lake()
    assert not lake.store.is_conditional
    run = write(lake, "2026-11-20-drp", {"questions": [make_question()]})
    for second in (lambda: write(lake, "2026-11-21-drp", {}), lambda: lake.corpus.rollback(0)):
        with pytest.raises(SecondWriterError, match="2026-11-20-drp has not ended"):
            second()
    lake.publish(run, run.shard_files())
    run.finish("published", "")
    publish(lake, "2026-11-21-drp", {"questions": [make_question(question_id="q2")]})
    assert lake.corpus.rollback(1).rows() == {"questions": 1}


def test_a_lake_outlives_its_server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with servers.rclone(tmp_path) as server:
        server.make_bucket("bucket")
        servers.use(monkeypatch, server, "s3://bucket/lake")
        publish(open_lake(), "2026-11-20-drp", {"questions": [make_question()]})
    with servers.rclone(tmp_path) as again:
        servers.use(monkeypatch, again)
        rows = select(open_lake().published(), "SELECT question_id FROM questions")
        assert [row["question_id"] for row in rows] == ["q1"]
    servers.forget()


@contextmanager
def small_disk(folder: Path, size: str) -> Iterator[Path]:
    """A file system of this size."""
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)], check=True)
    try:
        yield folder
    finally:
        subprocess.run(["umount", str(folder)], check=True)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may mount a small disk")
def test_a_disk_that_is_full_while_one_publishes_harms_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with small_disk(tmp_path / "disk", "1m") as disk:
        monkeypatch.setenv("DRP_LAKE", str(disk / "lake"))
        servers.forget()
        lake = open_lake()
        publish(lake, "2026-11-20-drp", {"questions": [make_question()]})
        run = write(lake, "2026-11-21-drp", {"questions": [make_question(question_id="q2")]})
        filler = disk / "filler"
        with pytest.raises(OSError, match="No space left"), filler.open("wb", buffering=0) as stream:
            while True:
                stream.write(os.urandom(4096))
        attempts = [
            lambda: lake.publish(run, run.shard_files()),
            lambda: write(lake, "2026-11-22-drp", {"questions": [make_question()]}),
            lambda: lake.corpus.rollback(0),
        ]
        for attempt in attempts:
            with pytest.raises(LakeUnwritableError, match=r"No space left.*nothing is half-published"):
                attempt()
        assert lake.corpus.current().rows() == {"questions": 1}
        assert list(lake.store.unfinished()) == []
        filler.unlink()
        assert lake.publish(run, run.shard_files())[0].rows() == {"questions": 2}
    servers.forget()


def do_night(traces: Path, environment: dict[str, str]) -> None:
    """`drp nightly` on recorded traces, in a process of its own."""
    program = [str(Path(sys.executable).with_name("drp")), "nightly", "--traces", str(traces)]
    done = subprocess.run(
        [*program, "--run-date", "2026-11-20"],
        env=os.environ | environment,
        capture_output=True,
        text=True,
        timeout=NIGHT_LIMIT_S,
        check=False,
    )
    assert done.returncode == 0, done.stderr


@pytest.fixture(scope="module")
def corpus_in_a_folder(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[str]]:
    """The corpus of the recorded traces."""
    lake = tmp_path_factory.mktemp("folder") / "lake"
    do_night(shared_file("traces.parquet"), {"DRP_LAKE": str(lake)})
    store = FolderStore(lake)
    pointed = json.loads(store.get("_pointers/corpus.json") or b"")["version"]
    return parts_of(store, pointed)


def parts_of(store: ObjectStore, number: int) -> dict[str, list[str]]:
    """Addresses of the parts of a version, read without the lake's own code."""
    manifest = json.loads(store.get(f"_manifests/corpus/{number:08d}.json") or b"")
    parts: dict[str, list[str]] = {}
    for published in manifest["parts"]:
        parts.setdefault(published["part"]["table"], []).append(store.uri(published["part"]["key"]))
    return parts


@contextmanager
def server_of(kind: str, folder: Path) -> Iterator[S3Server]:
    """A server of this kind."""
    with servers.moto() if kind == "moto" else servers.rclone(folder) as server:
        yield server


@pytest.mark.parametrize("kind", ["moto", "rclone"])
def test_the_recorded_traces_make_the_same_corpus_as_in_a_folder(
    kind: str,
    corpus_in_a_folder: dict[str, list[str]],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with server_of(kind, tmp_path) as server:
        server.make_bucket("bucket")
        servers.use(monkeypatch, server, "s3://bucket/lake")
        do_night(shared_file("traces.parquet"), {})
        there = parts_of(open_store("s3://bucket/lake"), 1)
        assert set(there) == set(corpus_in_a_folder)
        for table in there:
            here_rows, there_rows = rows_of(corpus_in_a_folder, table), rows_of(there, table)
            assert len(here_rows) == len(there_rows) > 0
            differing = [a for a, b in zip(here_rows, there_rows, strict=True) if a != b]
            assert differing == [], table
    servers.forget()


def rows_of(parts: dict[str, list[str]], table: str) -> list[tuple[Any, ...]]:
    """All rows of a table in order of their ids."""
    con: duckdb.DuckDBPyConnection = open_session(parts)
    try:
        columns = ", ".join(CORPUS_TABLES[table].names)
        return con.execute(f"SELECT {columns}, run_date FROM {table} ORDER BY {id_column(table)}").fetchall()
    finally:
        con.close()
