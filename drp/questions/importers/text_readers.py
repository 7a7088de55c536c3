"""Rows of JSON Lines and CSV files, streamed; `drp.questions.importers.readers.read_rows` is the way in.

A bad row becomes an `InputRow` with a fault and the rest goes on. Memory is bounded by the longest row that
is allowed, also for a file that is one endless line or has a quote that nobody closes.
"""

import csv
import json
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from drp.core import BadInputError
from drp.questions.importers.input_rows import (
    MAX_CHARACTERS,
    RAW_CHARACTERS,
    InputError,
    InputRow,
    RowFault,
    text_fault,
)

MAX_LINE_BYTES = 6 * MAX_CHARACTERS
"""Longest line that is read: every character of the longest row as a JSON escape (`\\u00e9`)."""

_SKIP_BYTES = 1 << 20
_UTF8_BOM = b"\xef\xbb\xbf"


def _lines(file: BinaryIO) -> Iterator[tuple[int, bytes, bool]]:
    """Numbered lines without a byte order mark; the flag is set where a line was too long and is cut."""
    number = 0
    while line := file.readline(MAX_LINE_BYTES):
        number += 1
        is_cut = False
        rest = line
        while not rest.endswith(b"\n") and (rest := file.readline(_SKIP_BYTES)):
            is_cut = True
        yield number, line.removeprefix(_UTF8_BOM) if number == 1 else line, is_cut


def read_json_lines(path: Path) -> Iterator[InputRow]:
    """One JSON object a line; blank lines are no rows.

    Raises:
        BadInputError: the file is one JSON list.
    """
    with path.open("rb") as file:
        is_first = True
        for number, line, is_cut in _lines(file):
            if not line.strip():
                continue
            if is_first and line.lstrip().startswith(b"["):
                raise BadInputError(
                    f"{path.name} is a JSON list, which cannot be streamed",
                    state="Nothing was imported",
                    next_command=f"jq -c '.[]' {path} > {path.with_suffix('.jsonl').name}, and import that",
                )
            is_first = False
            yield _too_long(number, line) if is_cut else _json_row(number, line)


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
    except (ValueError, RecursionError) as error:  # ValueError: also numbers too long to convert
        return InputRow(number, RowFault("bad_json", str(error)), text)
    if not isinstance(values, dict):
        kind = type(values).__name__
        return InputRow(number, RowFault("bad_json", f"not an object but a {kind}"), text)
    return InputRow(number, values, text)


class _Tape:
    """The lines that a CSV reader takes, with the beginning and the line number of the present row."""

    def __init__(self, file: BinaryIO) -> None:
        self._lines = _lines(file)
        self.number = 0
        self.head = ""

    def __iter__(self) -> Iterator[str]:
        for number, line, _ in self._lines:
            text = line.decode("utf-8", "surrogateescape")  # what is no UTF-8 is found later, in its field
            if not self.head:
                self.number = number
            if len(self.head) < RAW_CHARACTERS:
                self.head += text[:RAW_CHARACTERS]
            yield text


def read_csv(path: Path) -> Iterator[InputRow]:
    """Rows below a header line; fields in double quotes may hold commas, line breaks and doubled quotes.

    Raises:
        BadInputError: the header cannot be read or names a column twice.
    """
    csv.field_size_limit(MAX_CHARACTERS)
    with path.open("rb") as file:
        tape = _Tape(file)
        reader = csv.reader(iter(tape), strict=True)  # strict: a stray quote is a fault, not swallowed rows
        header = _csv_header(path, reader)
        while True:
            tape.head = ""
            try:
                fields = next(reader)
            except StopIteration:
                return
            except csv.Error as error:
                name: InputError = "too_long" if "field limit" in str(error) else "bad_csv"
                detail = f"{error} (lines {tape.number} to {reader.line_num})"
                yield InputRow(tape.number, RowFault(name, detail), tape.head)
                continue
            if not fields:
                continue
            if len(fields) != len(header):
                fault = RowFault("bad_csv", f"{len(fields)} fields where the header has {len(header)}")
                yield InputRow(tape.number, fault, tape.head)
                continue
            yield InputRow(tape.number, dict(zip(header, fields, strict=True)), tape.head)


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
    raise BadInputError(problem, state="Nothing was imported", next_command=f"mend the first line of {path}")
