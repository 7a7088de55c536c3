"""Parts are sorted, have the declared schema and a digest, and appear only when the whole shard is done."""

import hashlib
from datetime import date
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from drp.core.lake_schemas import TABLES
from drp.lake import parquet_parts
from drp.lake.parquet_parts import PartsWriter
from drp.storage.folder import FolderStore
from tests.helpers.row_factories import make_question, make_rollout

DAY = date(2026, 11, 20)


@pytest.fixture
def store(tmp_path: Path) -> FolderStore:
    return FolderStore(tmp_path)


def write(store, *rows):
    with PartsWriter(store, DAY).writing() as writer:
        for table, row in rows:
            writer.add(table, row)
    return writer.parts


def test_a_part_has_the_declared_schema_and_is_sorted(store):
    rows = [("questions", make_question(question_id=f"{i:032x}")) for i in (3, 1, 2)]
    (part,) = write(store, *rows)
    file = pq.ParquetFile(store.uri(part.key))
    assert file.schema_arrow.equals(TABLES["questions"], check_metadata=True)
    assert file.read(["question_id"]).column(0).to_pylist() == [f"{i:032x}" for i in (1, 2, 3)]
    assert part.rows == 3
    assert part.key.startswith("questions/run_date=2026-11-20/")


def test_bytes_and_digest_are_those_of_the_file(store):
    (part,) = write(store, ("questions", make_question()))
    data = Path(store.uri(part.key)).read_bytes()
    assert (part.bytes, part.sha256) == (len(data), hashlib.sha256(data).hexdigest())


def test_long_texts_start_a_new_row_group(store, monkeypatch):
    monkeypatch.setattr(parquet_parts, "TEXT_PER_GROUP", 1000)
    rows = [("rollouts", make_rollout(rollout_id=f"{i:032x}", thinking="x" * 600)) for i in range(5)]
    (part,) = write(store, *rows)
    assert pq.ParquetFile(store.uri(part.key)).num_row_groups == 3


def test_an_error_leaves_no_part_of_any_table(store, tmp_path, monkeypatch):
    monkeypatch.setattr(parquet_parts, "TEXT_PER_GROUP", 10)  # so that both files are open
    writer = PartsWriter(store, DAY)
    with pytest.raises(RuntimeError), writer.writing():
        writer.add("questions", make_question())
        writer.add("rollouts", make_rollout())
        raise RuntimeError
    assert [p for p in tmp_path.rglob("*") if p.is_file()] == []
    assert writer.parts == []


def test_a_row_without_a_required_column_is_refused(store, tmp_path):
    with pytest.raises((KeyError, ValueError)):
        write(store, ("questions", {"question_id": "0" * 32}))
    assert [p for p in tmp_path.rglob("*") if p.is_file()] == []
