"""Every kind of file gives its rows; a broken row has a fault, and an unusable file raises an error."""

import csv
import json
import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from drp.core.errors import BadInputError
from drp.questions.importers.input_addresses import open_input
from drp.questions.importers.input_rows import InputRow, RowFault
from drp.questions.importers.readers import head_of
from drp.questions.importers.readers import read_rows as read_input
from drp.questions.importers.text_readers import MAX_LINE_BYTES

ROWS = [{"question": "1 + 1?", "answer": "2"}, {"question": 'Zwei,\n"x" × 2?', "answer": "4"}]


def write(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    return path


def read_rows(path: Path) -> Iterator[InputRow]:
    return read_input(open_input(path))


def columns_of(path: Path) -> tuple[str, ...]:
    rows = [row.values for row in head_of(open_input(path)) if isinstance(row.values, dict)]
    return tuple(dict.fromkeys(name for row in rows for name in row))


def errors(path: Path) -> list[tuple[int, str | None]]:
    return [
        (row.line, row.values.error if isinstance(row.values, RowFault) else None) for row in read_rows(path)
    ]


def jsonl(path: Path, rows: list[dict]) -> Path:
    return write(path, "".join(json.dumps(row) + "\n" for row in rows).encode())


def csv_file(path: Path, rows: list[dict], encoding: str = "utf-8") -> Path:
    with path.open("w", newline="", encoding=encoding) as file:
        writer = csv.DictWriter(file, fieldnames=list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return path


def parquet(path: Path, rows: list[dict]) -> Path:
    pq.write_table(pa.Table.from_pylist(rows), path)
    return path


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
@pytest.mark.parametrize("name", ["t.jsonl", "t.ndjson", "t.json", "t.csv", "t.parquet"])
def test_every_format_gives_the_same_rows(tmp_path: Path, name: str, encoding: str) -> None:
    path = tmp_path / name
    if name.endswith("csv"):
        csv_file(path, ROWS, encoding)
    elif name.endswith("parquet"):
        parquet(path, ROWS)
    else:
        path.write_text("".join(json.dumps(row) + "\n" for row in ROWS), encoding=encoding)
    assert [row.values for row in read_rows(path)] == ROWS
    assert columns_of(path) == ("question", "answer")


def test_the_keys_of_a_map_can_be_addressed(tmp_path: Path) -> None:
    schema = pa.schema([("extra", pa.map_(pa.string(), pa.string()))])
    rows = [{"extra": [("answer", "2"), ("level", "easy")]}, {"extra": None}]
    pq.write_table(pa.Table.from_pylist(rows, schema), tmp_path / "t.parquet")
    values = [row.values for row in read_rows(tmp_path / "t.parquet")]
    assert values == [{"extra": {"answer": "2", "level": "easy"}}, {"extra": None}]


def test_datasets_folder_and_dict_of_splits(tmp_path: Path) -> None:
    datasets = pytest.importorskip("datasets")
    train, test = datasets.Dataset.from_list(ROWS * 3), datasets.Dataset.from_list(ROWS)
    train.save_to_disk(str(tmp_path / "one"), num_shards=2)
    datasets.DatasetDict({"train": train, "test": test}).save_to_disk(str(tmp_path / "two"))

    assert [row.values for row in read_rows(tmp_path / "one")] == ROWS * 3
    rows = list(read_rows(tmp_path / "two"))
    assert [row.line for row in rows] == list(range(1, 9))
    assert [row.values["split"] for row in rows] == ["train"] * 6 + ["test"] * 2
    assert columns_of(tmp_path / "two") == ("split", "question", "answer")


def test_a_selection_of_a_dataset_is_what_was_selected(tmp_path: Path) -> None:
    datasets = pytest.importorskip("datasets")
    whole = datasets.Dataset.from_list([{"question": str(n)} for n in range(100)])
    whole.shuffle(seed=1).select(range(5)).save_to_disk(str(tmp_path / "some"))
    expected = [row["question"] for row in datasets.load_from_disk(str(tmp_path / "some"))]
    assert [row.values["question"] for row in read_rows(tmp_path / "some")] == expected


def test_an_existing_split_column_wins(tmp_path: Path) -> None:
    datasets = pytest.importorskip("datasets")
    folder = datasets.DatasetDict({"train": datasets.Dataset.from_list([{"question": "q", "split": "dev"}])})
    folder.save_to_disk(str(tmp_path / "d"))
    assert [row.values["split"] for row in read_rows(tmp_path / "d")] == ["dev"]


def test_bad_json_lines_do_not_stop_the_rest(tmp_path: Path) -> None:
    lines = [
        b'{"question": "good"}',
        b"",
        b'{"question": "torn',
        b'{"question": "\xff"}',
        b'{"question": "a\x00b"}',
        b'["a", "list"]',
        b"[" * 100_000,
        b'{"n": ' + b"9" * 5_000 + b"}",
        b'{"question": "good \xe2\x80\xa8 too"}\r',
    ]
    path = write(tmp_path / "t.jsonl", b"\n".join(lines))
    assert errors(path) == [
        (1, None),
        (3, "bad_json"),
        (4, "bad_encoding"),
        (5, "nul_byte"),
        (6, "bad_json"),
        (7, "bad_json"),
        (8, "bad_json"),
        (9, None),
    ]


def test_bad_csv_rows_do_not_stop_the_rest(tmp_path: Path) -> None:
    lines = [
        b"question,answer",
        b"good,1",
        b"too,many,fields",
        b"few",
        b'"quoted"stray,1',
        b"",
        b'"two\nlines",1',
        b"good,2",
    ]
    path = write(tmp_path / "t.csv", b"\r\n".join(lines))
    assert errors(path) == [
        (2, None),
        (3, "bad_csv"),
        (4, "bad_csv"),
        (5, "bad_csv"),
        (7, None),
        (9, None),
    ]


def test_the_fault_of_an_unclosed_quote_names_its_lines(tmp_path: Path) -> None:
    path = write(tmp_path / "t.csv", b'question,answer\ngood,1\n"open,2\nlost,3\n')
    last = list(read_rows(path))[-1]
    assert last.line == 3
    assert isinstance(last.values, RowFault)
    assert last.values.error == "bad_csv"
    assert "lines 3 to 4" in last.values.detail


def test_parquet_text_that_is_not_utf8(tmp_path: Path) -> None:
    binary = pa.array([b"good", b"bad \xff", b"good"], pa.binary())
    column = pa.Array.from_buffers(pa.string(), 3, binary.buffers())
    path = tmp_path / "t.parquet"
    pq.write_table(pa.table({"question": column, "n": [1, 2, 3]}), path)
    assert errors(path) == [(1, None), (2, "bad_encoding"), (3, None)]
    assert "\\xff" in list(read_rows(path))[1].raw


@pytest.mark.parametrize("name", ["t.jsonl", "t.csv", "t.parquet"])
def test_a_text_of_ten_megabytes(tmp_path: Path, name: str) -> None:
    long = "A long thought, with a comma.\n" * 340_000
    rows = [{"question": "q", "thinking": long}, {"question": "next", "thinking": "short"}]
    make = {"t.jsonl": jsonl, "t.csv": csv_file, "t.parquet": parquet}[name]
    assert [row.values for row in read_rows(make(tmp_path / name, rows))] == rows


def test_a_line_without_end_is_skipped_in_bounded_memory(tmp_path: Path) -> None:
    path = tmp_path / "t.jsonl"
    with path.open("wb") as file:
        file.write(b'{"question": "')
        file.seek(3 * MAX_LINE_BYTES)  # a sparse file: NULs that take no disk
        file.write(b'"}\n{"question": "good"}\n')
    tracemalloc.start()
    found = errors(path)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert found == [(1, "too_long"), (2, None)]
    assert peak < 3 * MAX_LINE_BYTES


@pytest.mark.parametrize(
    ("name", "data", "message"),
    [
        ("t.jsonl", None, "there is no file"),
        ("t.jsonl", b"", "is empty"),
        ("t.jsonl", b"\n\n", "has no rows"),
        ("t.csv", b"question,answer\n", "has no rows"),
        ("t.csv", b"a,a\n1,2\n", "twice"),
        ("t.csv", b'"a\n1,2\n', "header"),
        ("t.csv", b"a\xff,b\n1,2\n", "not UTF-8"),
        ("t.jsonl", b"torn\ntorn\n", "none of its first 2 rows"),
        ("t.json", b'[\n{"a": 1}]', "jq -c"),
        ("t.parquet", b"PAR1 but no more", "not readable as Parquet"),
        ("t.xlsx", b"x", "unknown kind"),
    ],
)
def test_files_that_cannot_be_used_are_refused(
    tmp_path: Path, name: str, data: bytes | None, message: str
) -> None:
    path = tmp_path / name
    if data is not None:
        path.write_bytes(data)
    with pytest.raises(BadInputError, match=message) as refusal:
        columns_of(path)
    assert "\n" not in str(refusal.value)


def test_folders_that_datasets_did_not_write(tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match=r"not written by datasets\.save_to_disk"):
        columns_of(tmp_path)
    (tmp_path / "state.json").write_text('{"_data_files": [{"filename": "gone.arrow"}]}')
    with pytest.raises(BadInputError, match=r"gone\.arrow"):
        columns_of(tmp_path)
    (tmp_path / "state.json").write_text("torn")
    with pytest.raises(BadInputError, match=r"state\.json cannot be read"):
        columns_of(tmp_path)


def test_few_long_rows_are_enough_for_a_guess(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("drp.questions.importers.readers.HEAD_CHARACTERS", 1_000)
    path = jsonl(tmp_path / "t.jsonl", [{"question": "q" * 300, "more": ["x" * 300]} for _ in range(50)])
    assert len(head_of(open_input(path))) == 2


def test_raw_is_short_and_can_be_stored() -> None:
    row = InputRow(1, {"question": "x" * 5_000, "answer": "\ud800\0"})
    assert len(row.raw) == 2_000
    row = InputRow(1, {"answer": "\ud800\0", "when": object})
    assert "\0" not in row.raw
    row.raw.encode("utf-8")
