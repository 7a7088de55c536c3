"""Stream the rows of an input: Parquet, JSON Lines, CSV, or a folder saved by `datasets.save_to_disk`.

    for row in read_rows(open_input("traces.jsonl")): ...

A row that cannot be read is returned with a fault, and reading continues; a file that cannot be used at all
raises `BadInputError`. Only a few rows are held in memory at a time.
"""

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import count, islice
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.ipc
import pyarrow.parquet as pq

from drp.questions.importers.compression import COMPRESSED
from drp.questions.importers.input_addresses import ImportInput, unusable
from drp.questions.importers.input_rows import InputRow, RowFault
from drp.questions.importers.text_readers import read_csv, read_json_lines

HEAD_ROWS = 1_000
"""The columns of a file and their contents are told from this many first rows."""
HEAD_CHARACTERS = 50_000_000
"""Fewer rows are looked at if they are longer than this together: they are held in memory."""
_BATCH_ROWS = 16
"""Rows converted to Python objects at a time, as a trace may have megabytes."""
_BUFFER_BYTES = 1 << 20
"""Parquet pages are read through a buffer of this size instead of whole column chunks."""


def read_rows(source: ImportInput) -> Iterator[InputRow]:
    """Yield the rows of an input in the order of its files.

    Raises:
        BadInputError: a file does not exist, is empty, of an unknown kind or unreadable as a whole.
    """
    for shard in source.shards:
        for row in _reader(shard.path)(shard.path):
            values = row.values
            if shard.split and isinstance(values, dict):
                values = {"split": shard.split, **values}
            yield replace(row, shard=shard.name, values=values)


def head_of(source: ImportInput) -> list[InputRow]:
    """Return the first 1,000 rows of an input, or fewer long ones, which show what its columns hold.

    Raises:
        BadInputError: as in `read_rows`, or none of these rows can be read.
    """
    head, characters = [], 0
    for row in islice(read_rows(source), HEAD_ROWS):
        head.append(row)
        characters += _length(row.values)
        if characters > HEAD_CHARACTERS:
            break
    if not any(isinstance(row.values, dict) and row.values for row in head):
        reason = f"none of its first {len(head):,} rows can be read" if head else "it has no rows"
        raise unusable(source.address, f"{source.name} cannot be imported: {reason}")
    return head


def _length(value: Any) -> int:
    """Return the number of characters in a value."""
    if isinstance(value, str | bytes):
        return len(value)
    if isinstance(value, dict | list):
        return sum(map(_length, value.values() if isinstance(value, dict) else value))
    return 0


def _reader(path: Path) -> Callable[[Path], Iterator[InputRow]]:
    if path.is_dir():
        return _read_folder
    if not path.is_file():
        raise unusable(str(path), f"there is no file {path}")
    if path.stat().st_size == 0:
        raise unusable(str(path), f"{path.name} is empty")
    name = path.with_suffix("") if path.suffix.lower() in COMPRESSED else path
    if reader := _READERS.get(name.suffix.lower()):
        return reader
    supported = f"{', '.join(_READERS)}, also with {', '.join(sorted(COMPRESSED))}"
    raise unusable(
        str(path), f"{path.name} is of an unknown kind (supported: {supported}, and datasets folders)"
    )


def _read_parquet(path: Path) -> Iterator[InputRow]:
    numbers = count(1)
    try:
        with pq.ParquetFile(path, buffer_size=_BUFFER_BYTES, pre_buffer=False) as file:
            for batch in file.iter_batches(batch_size=_BATCH_ROWS):
                yield from _arrow_rows(batch, numbers, {})
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError, OSError) as error:
        raise unusable(str(path), f"{path.name} is not readable as Parquet: {error}") from error


def _read_folder(path: Path) -> Iterator[InputRow]:
    """Read a Dataset, or every split of a DatasetDict; a `split` column holds the name of the split."""
    numbers = count(1)
    splits: list[str] = []
    if (path / "dataset_dict.json").is_file():
        splits = _json_file(path / "dataset_dict.json")["splits"]
    for split in splits or [""]:
        folder = path / split
        state = _json_file(folder / "state.json")
        extra = {"split": name} if (name := split or state.get("_split")) else {}
        for entry in state.get("_data_files", []):
            yield from _arrow_stream(folder / entry["filename"], numbers, extra)


def _json_file(path: Path) -> dict[str, Any]:
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise unusable(str(path), f"{path} cannot be read: {error}") from error
    return dict(document)


def _arrow_stream(path: Path, numbers: Iterator[int], extra: dict[str, str]) -> Iterator[InputRow]:
    try:
        with pa.memory_map(str(path)) as file, pa.ipc.open_stream(file) as stream:
            for batch in stream:
                for start in range(0, batch.num_rows, _BATCH_ROWS):
                    yield from _arrow_rows(batch.slice(start, _BATCH_ROWS), numbers, extra)
    except (pa.ArrowInvalid, OSError) as error:
        raise unusable(str(path), f"{path} is not readable as Arrow: {error}") from error


def _arrow_rows(batch: pa.RecordBatch, numbers: Iterator[int], extra: dict[str, str]) -> Iterator[InputRow]:
    try:
        rows = batch.to_pylist(maps_as_pydicts="lossy")  # addresses name the keys of a map
    except UnicodeDecodeError:  # Parquet text should be UTF-8, but this is not checked: find the bad rows
        for index in range(batch.num_rows):
            yield _arrow_row(batch.slice(index, 1), next(numbers), extra)
        return
    for values in rows:
        yield InputRow(next(numbers), {**extra, **values})


def _arrow_row(row: pa.RecordBatch, number: int, extra: dict[str, str]) -> InputRow:
    values: dict[str, Any] = {}
    fault = None
    for name, column in zip(row.schema.names, row.columns, strict=True):
        try:
            values[name] = column[0].as_py(maps_as_pydicts="lossy")
        except UnicodeDecodeError as error:
            fault = RowFault(
                "bad_encoding", f"column {name}: not UTF-8 at byte {error.start}: {error.reason}"
            )
            values[name] = bytes(error.object).decode("utf-8", "backslashreplace")
    if fault:
        return InputRow(number, fault, InputRow(number, values).raw)
    return InputRow(number, {**extra, **values})


def _read_arrow(path: Path) -> Iterator[InputRow]:
    return _arrow_stream(path, count(1), {})


_READERS: dict[str, Callable[[Path], Iterator[InputRow]]] = {
    ".parquet": _read_parquet,
    ".pq": _read_parquet,
    ".arrow": _read_arrow,
    ".jsonl": read_json_lines,
    ".ndjson": read_json_lines,
    ".json": read_json_lines,
    ".csv": read_csv,
}
