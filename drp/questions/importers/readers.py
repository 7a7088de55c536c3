"""Stream the rows of an input file: Parquet, JSON Lines, CSV, or a folder saved by `datasets.save_to_disk`.

    for row in read_rows(Path("traces.jsonl")): ...

A row that cannot be read is returned with a fault, and reading continues; a file that cannot be used at all
raises `BadInputError`. Only a few rows are held in memory at a time.
"""

import json
from collections.abc import Callable, Iterator
from itertools import count, islice
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.ipc
import pyarrow.parquet as pq

from drp.core import BadInputError
from drp.questions.importers.input_rows import InputRow, RowFault
from drp.questions.importers.text_readers import read_csv, read_json_lines

HEAD_ROWS = 1_000
"""JSON Lines has no header: the keys of this many first rows are its columns."""
_BATCH_ROWS = 16
"""Rows converted to Python objects at a time, as a trace may have megabytes."""
_BUFFER_BYTES = 1 << 20
"""Parquet pages are read through a buffer of this size instead of whole column chunks."""


def read_rows(path: Path) -> Iterator[InputRow]:
    """Yield the rows of `path` in the file's order.

    Raises:
        BadInputError: the file does not exist, is empty, of an unknown kind or unreadable as a whole.
    """
    return _reader(path)(path)


def columns_of(path: Path) -> tuple[str, ...]:
    """Return the column names in the file's order; for JSON Lines, the keys of the first 1,000 rows.

    Raises:
        BadInputError: as in `read_rows`, or none of the first 1,000 rows can be read.
    """
    columns: dict[str, None] = {}
    number = 0
    for number, row in enumerate(islice(read_rows(path), HEAD_ROWS), start=1):  # noqa: B007
        if not isinstance(row.values, RowFault):
            columns |= dict.fromkeys(row.values)
    if not columns:
        reason = f"none of its first {number:,} rows can be read" if number else "it has no rows"
        raise _unusable(path, f"{path.name} cannot be imported: {reason}")
    return tuple(columns)


def _reader(path: Path) -> Callable[[Path], Iterator[InputRow]]:
    if path.is_dir():
        return _read_folder
    if not path.is_file():
        raise _unusable(path, f"there is no file {path}")
    if path.stat().st_size == 0:
        raise _unusable(path, f"{path.name} is empty")
    if reader := _READERS.get(path.suffix.lower()):
        return reader
    raise _unusable(
        path, f"{path.name} is of an unknown kind (supported: {', '.join(_READERS)} and datasets folders)"
    )


def _unusable(path: Path, problem: str) -> BadInputError:
    return BadInputError(problem, state="Nothing was imported", next_command=f"check it with: ls -l {path}")


def _read_parquet(path: Path) -> Iterator[InputRow]:
    numbers = count(1)
    try:
        with pq.ParquetFile(path, buffer_size=_BUFFER_BYTES, pre_buffer=False) as file:
            for batch in file.iter_batches(batch_size=_BATCH_ROWS):
                yield from _arrow_rows(batch, numbers, {})
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError, OSError) as error:
        raise _unusable(path, f"{path.name} is not readable as Parquet: {error}") from error


def _read_folder(path: Path) -> Iterator[InputRow]:
    """Read a Dataset, or every split of a DatasetDict; a `split` column holds the name of the split."""
    numbers = count(1)
    splits: list[str] = []
    if (path / "dataset_dict.json").is_file():
        splits = _json_file(path / "dataset_dict.json")["splits"]
    elif not (path / "state.json").is_file():
        raise _unusable(path, f"{path} is a folder, but it was not written by datasets.save_to_disk")
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
        raise _unusable(path, f"{path} cannot be read: {error}") from error
    return dict(document)


def _arrow_stream(path: Path, numbers: Iterator[int], extra: dict[str, str]) -> Iterator[InputRow]:
    try:
        with pa.memory_map(str(path)) as file, pa.ipc.open_stream(file) as stream:
            for batch in stream:
                for start in range(0, batch.num_rows, _BATCH_ROWS):
                    yield from _arrow_rows(batch.slice(start, _BATCH_ROWS), numbers, extra)
    except (pa.ArrowInvalid, OSError) as error:
        raise _unusable(path, f"{path} is not readable as Arrow: {error}") from error


def _arrow_rows(batch: pa.RecordBatch, numbers: Iterator[int], extra: dict[str, str]) -> Iterator[InputRow]:
    try:
        rows = batch.to_pylist()
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
            values[name] = column[0].as_py()
        except UnicodeDecodeError as error:
            fault = RowFault(
                "bad_encoding", f"column {name}: not UTF-8 at byte {error.start}: {error.reason}"
            )
            values[name] = bytes(error.object).decode("utf-8", "backslashreplace")
    if fault:
        return InputRow(number, fault, InputRow(number, values).raw)
    return InputRow(number, {**extra, **values})


_READERS: dict[str, Callable[[Path], Iterator[InputRow]]] = {
    ".parquet": _read_parquet,
    ".pq": _read_parquet,
    ".jsonl": read_json_lines,
    ".ndjson": read_json_lines,
    ".json": read_json_lines,
    ".csv": read_csv,
}
