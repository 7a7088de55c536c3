"""Inputs other than one plain file: compressed, in shards, in S3, or from standard input."""

import bz2
import gzip
import io
import json
import lzma
import sys
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from drp.core import BadInputError, DeadLetter, Question
from drp.questions.importers.files import import_questions
from drp.questions.importers.input_addresses import absolute, open_input
from drp.questions.importers.readers import head_of, read_rows
from drp.storage import open_store

ROWS = [{"question": f"What is {n} + 1?", "answer": str(n + 1)} for n in range(6)]
LINES = "".join(json.dumps(row) + "\n" for row in ROWS).encode()


def zstandard(data: bytes) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.CompressedOutputStream(sink, "zstd") as out:
        out.write(data)
    return bytes(sink.getvalue())


PACK: dict[str, Callable[[bytes], bytes]] = {
    ".gz": gzip.compress,
    ".zst": zstandard,
    ".bz2": bz2.compress,
    ".xz": lzma.compress,
}


def parquet(rows: list[dict[str, str]]) -> bytes:
    sink = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(rows), sink)
    return sink.getvalue()


def values(*addresses: str | Path) -> list[object]:
    with open_input(*addresses) as source:
        return [row.values for row in read_rows(source)]


@pytest.mark.parametrize("suffix", PACK)
@pytest.mark.parametrize("kind", [".jsonl", ".csv", ".parquet"])
def test_compressed_files(tmp_path: Path, suffix: str, kind: str) -> None:
    csv = "question,answer\n" + "".join(f"{row['question']},{row['answer']}\n" for row in ROWS)
    data = {".jsonl": LINES, ".csv": csv.encode(), ".parquet": parquet(ROWS)}[kind]
    path = tmp_path / f"sums{kind}{suffix}"
    path.write_bytes(PACK[suffix](data))
    assert values(path) == ROWS
    (first, *_) = import_questions(path)
    assert isinstance(first, Question)
    assert (first.dataset, first.source) == ("sums", path.name)


@pytest.mark.parametrize("suffix", [".gz", ".zst"])
def test_several_compressed_pieces_in_one_file(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"sums.jsonl{suffix}"
    path.write_bytes(PACK[suffix](LINES) + PACK[suffix](LINES))
    assert values(path) == ROWS + ROWS


@pytest.mark.parametrize("suffix", PACK)
def test_a_file_that_is_cut_or_not_compressed_is_refused(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"sums.jsonl{suffix}"
    for data in (PACK[suffix](LINES)[:-9], LINES):
        path.write_bytes(data)
        with pytest.raises(BadInputError, match=f"sums.jsonl{suffix} cannot be decompressed"):
            values(path)


@pytest.fixture
def shards(tmp_path: Path) -> Path:
    folder = tmp_path / "sums"
    (folder / "data").mkdir(parents=True)
    for number, split in enumerate(("train", "train", "test")):
        name = f"{split}-{number:05}-of-00003.parquet"
        (folder / "data" / name).write_bytes(parquet(ROWS[2 * number : 2 * number + 2]))
    (folder / "README.md").write_text("A data set card.")
    (folder / "dataset_infos.json").write_text("{}")
    (folder / ".cache").mkdir()
    (folder / ".cache/old.parquet").write_bytes(parquet(ROWS))
    return folder


def test_a_folder_a_glob_and_a_list_of_shards(shards: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files = sorted((shards / "data").iterdir())
    found = [q for q in import_questions(shards) if isinstance(q, Question)]
    assert sorted((q.question, q.split, q.dataset, q.source) for q in found) == [
        (row["question"], "train" if n < 4 else "test", "sums", "sums") for n, row in enumerate(ROWS)
    ]
    assert len(values(f"{shards}/**/*.parquet")) == 6
    assert values(f"{shards}/data/train-*.parquet") == values(*files[1:])
    monkeypatch.chdir(shards)
    assert len(values("data/t*.parquet")) == 6
    alone = import_questions(files[0])
    assert {q.split for q in alone if isinstance(q, Question)} == {"test"}, "a lone shard has its split too"
    assert open_input("data/*.parquet").name == open_input(*files).name == "data"
    assert open_input(".").name == "sums"


def test_several_files_are_several_words_of_a_command(tmp_path: Path) -> None:
    files = [tmp_path / "the first.jsonl", tmp_path / "second.jsonl"]
    for file in files:
        file.write_text('{"instruction": "Add", "input": "3+3", "answer": "6"}\n')
    with pytest.raises(BadInputError) as refused:
        import_questions(open_input(*files))
    assert f"drp import questions '{files[0]}' {files[1]} --map question=" in str(refused.value)


def test_dead_letters_of_shards_name_the_shard(tmp_path: Path) -> None:
    good, bad = json.dumps(ROWS[0]), json.dumps({"question": "no answer"})
    (tmp_path / "a.jsonl").write_text(f"{good}\n")
    (tmp_path / "b.jsonl.gz").write_bytes(gzip.compress(f"{bad}\n{good}\n".encode()))
    letters = [item for item in import_questions(tmp_path) if isinstance(item, DeadLetter)]
    assert [(letter.line, letter.error) for letter in letters] == [(1, "no_gold_answer"), (2, "duplicate")]
    assert letters[0].detail.startswith("b.jsonl.gz: ")
    assert letters[1].detail == "the same as line 1 of a.jsonl"


def test_addresses_without_files_that_can_be_read_are_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match=r"no file at .*\*\.jsonl can be imported"):
        open_input(tmp_path / "*.jsonl")
    (tmp_path / "a.jsonl").write_bytes(LINES)
    with pytest.raises(BadInputError, match=r"gone\.jsonl is not a file"):
        open_input(tmp_path / "a.jsonl", tmp_path / "gone.jsonl")
    (tmp_path / "b.csv").write_text("question,answer\n")
    with pytest.raises(BadInputError, match=r"of several kinds: \.csv, \.jsonl") as refused:
        open_input(tmp_path)
    assert f"as a quoted glob: '{tmp_path}/**/*.jsonl'" in str(refused.value)
    assert values(f"{tmp_path}/**/*.jsonl") == ROWS


@pytest.mark.parametrize("pack", [bytes, gzip.compress, zstandard])
@pytest.mark.parametrize("data", [LINES, b"\xef\xbb\xbf" + LINES, b"question,answer\na,b\n", parquet(ROWS)])
def test_standard_input(data: bytes, pack: Callable[[bytes], bytes], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(pack(data))))
    with open_input("-") as source:
        assert (source.name, source.stem) == ("stdin", "stdin")
        assert len(head_of(source)) == len(list(read_rows(source)))  # it is read twice
        assert len(head_of(source)) == (1 if data.startswith(b"question") else 6)
        folder = source.shards[0].path.parent
    assert not folder.exists()


def test_nothing_on_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"")))
    with pytest.raises(BadInputError, match="is empty"):
        values("-")


def test_objects_in_s3(s3_address: str) -> None:
    store = open_store(s3_address)
    store.put("sets/sums.jsonl.gz", gzip.compress(LINES))
    store.put("sets/shards/train-00000-of-00002.parquet", parquet(ROWS[:3]))
    store.put("sets/shards/train-00001-of-00002.parquet", parquet(ROWS[3:]))
    store.put("sets/shards/README.md", b"no data")
    assert values(f"{s3_address}/sets/sums.jsonl.gz") == ROWS
    expected = [{"split": "train", **row} for row in ROWS]
    assert values(f"{s3_address}/sets/shards") == expected
    assert values(f"{s3_address}/sets/shards/") == expected
    assert values(f"{s3_address}/sets/shards/train-*.parquet") == expected
    assert open_input(f"{s3_address}/sets/shards/*.parquet").name == "shards"
    with pytest.raises(BadInputError, match="no file at s3://"):
        values(f"{s3_address}/gone.jsonl")


def test_a_bucket_that_cannot_be_read(s3_address: str) -> None:
    with pytest.raises(BadInputError, match="the store at s3://not-there") as refused:
        values("s3://not-there/sums.jsonl")
    assert "AWS_*" in str(refused.value)


def test_only_paths_depend_on_the_folder() -> None:
    assert absolute("-", Path("/home")) == "-"
    assert absolute("s3://b/a.jsonl", Path("/home")) == "s3://b/a.jsonl"
    assert absolute("a/*.jsonl", Path("/home")) == "/home/a/*.jsonl"
    assert absolute("/a.jsonl", Path("/home")) == "/a.jsonl"
