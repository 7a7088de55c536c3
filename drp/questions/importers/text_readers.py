"""Stream the rows of JSON Lines and CSV files; called by `drp.questions.importers.readers.read_rows`.

A bad row becomes an `InputRow` with a fault, and reading continues. Memory is bounded by the longest allowed
row, even if the file is one endless line or has an unclosed quote.
"""

import csv
import json
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from drp.core import BadInputError
from drp.questions.importers.compression import COMPRESSED, opened
from drp.questions.importers.input_rows import (
    MAX_CHARACTERS,
    RAW_CHARACTERS,
    InputError,
    InputRow,
    RowFault,
    text_fault,
)

MAX_LINE_BYTES = 6 * MAX_CHARACTERS
"""Maximum length of a line: every character of the longest row as a JSON escape (`\\u00e9`)."""

_SKIP_BYTES = 1 << 20
_UTF8_BOM = b"\xef\xbb\xbf"


def _lines(file: BinaryIO) -> Iterator[tuple[int, bytes, bool]]:
    """Yield numbered lines without a byte order mark; the flag is set if a line was too long and is cut."""
    number = 0
    while line := file.readline(MAX_LINE_BYTES):
        number += 1
        is_cut = False
        rest = line
        while not rest.endswith(b"\n") and (rest := file.readline(_SKIP_BYTES)):
            is_cut = True
        yield number, line.removeprefix(_UTF8_BOM) if number == 1 else line, is_cut


def read_json_lines(path: Path) -> Iterator[InputRow]:
    """Yield a row per line, which is a JSON object; blank lines are skipped.

    Raises:
        BadInputError: the file is one JSON list.
    """
    with opened(path) as file:
        is_first = True
        for number, line, is_cut in _lines(file):
            if not line.strip():
                continue
            if is_first and line.lstrip().startswith(b"["):
                raise _json_list(path)
            is_first = False
            yield _too_long(number, line) if is_cut else _json_row(number, line)


def _json_list(path: Path) -> BadInputError:
    read = {".gz": "zcat", ".zst": "zstdcat", ".bz2": "bzcat", ".xz": "xzcat"}.get(path.suffix.lower())
    convert = f"{read} {path} | jq -c '.[]'" if read else f"jq -c '.[]' {path}"
    name = path.with_suffix("") if path.suffix.lower() in COMPRESSED else path
    return BadInputError(
        f"{path.name} is a JSON list, which cannot be streamed",
        state="Nothing was imported",
        next_command=f"{convert} > {name.with_suffix('.rows.jsonl').name}, then import that",
    )


def _too_long(number: int, line: bytes) -> InputRow:
    fault = RowFault("too_long", f"the line is longer than {MAX_LINE_BYTES:,} bytes")
    return InputRow(number, fault, line[: 4 * RAW_CHARACTERS].decode("utf-8", "replace"))


def _json_row(number: int, line: bytes) -> InputRow:
    if b"\0" in line:
        fault = RowFault("nul_byte", f"NUL at byte {line.index(0)}")
        return InputRow(number, fault, line.decode("utf-8", "replace"))
    try:
        text = line.decode("utf-8")
    except UnicodeDecodeError as error:
        fault = RowFault("bad_encoding", f"not UTF-8 at byte {error.start}: {error.reason}")
        return InputRow(number, fault, line.decode("utf-8", "backslashreplace"))
    try:
        values = json.loads(text)
    except (ValueError, RecursionError) as error:  # ValueError also covers numbers with too many digits
        return InputRow(number, RowFault("bad_json", str(error)), text)
    if not isinstance(values, dict):
        kind = type(values).__name__
        return InputRow(number, RowFault("bad_json", f"not an object but a {kind}"), text)
    return InputRow(number, values, text)


class _CsvLines:
    """The lines for a CSV reader; remembers the beginning and the line number of the current row."""

    def __init__(self, file: BinaryIO) -> None:
        self._lines = _lines(file)
        self.number = 0
        self.head = ""

    def __iter__(self) -> Iterator[str]:
        for number, line, _ in self._lines:
            text = line.decode("utf-8", "surrogateescape")  # invalid UTF-8 is reported later, with its column
            if not self.head:
                self.number = number
            if len(self.head) < RAW_CHARACTERS:
                self.head += text[:RAW_CHARACTERS]
            yield text


def read_csv(path: Path) -> Iterator[InputRow]:
    """Yield the rows below a header line; quoted fields may hold commas, line breaks and doubled quotes.

    Raises:
        BadInputError: the header cannot be read or names a column twice.
    """
    csv.field_size_limit(MAX_CHARACTERS)
    with opened(path) as file:
        lines = _CsvLines(file)
        reader = csv.reader(iter(lines), strict=True)  # strict: a stray quote is a fault and swallows no rows
        header = _csv_header(path, reader)
        while True:
            lines.head = ""
            try:
                fields = next(reader)
            except StopIteration:
                return
            except csv.Error as error:
                name: InputError = "too_long" if "field limit" in str(error) else "bad_csv"
                detail = f"{error} (lines {lines.number} to {reader.line_num})"
                yield InputRow(lines.number, RowFault(name, detail), lines.head)
                continue
            if not fields:
                continue
            if len(fields) != len(header):
                fault = RowFault("bad_csv", f"{len(fields)} fields, but the header has {len(header)}")
                yield InputRow(lines.number, fault, lines.head)
                continue
            yield InputRow(lines.number, dict(zip(header, fields, strict=True)), lines.head)


def _csv_header(path: Path, reader: "Iterator[list[str]]") -> list[str]:
    try:
        header = [name.strip() for name in next(reader, [])]
    except csv.Error as error:
        problem = f"the header of {path.name} cannot be read: {error}"
    else:
        if fault := text_fault("".join(header)):
            problem = f"the header of {path.name} cannot be read: {fault.detail}"
        elif len(set(header)) < len(header):
            problem = f"the header of {path.name} names a column twice: {', '.join(header)}"
        else:
            return header
    raise BadInputError(
        problem,
        state="Nothing was imported",
        next_command=f"correct the first line of {path}, then import it again",
    )
