"""What to do about the rows of an import that cannot be used: one line for each cause."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from drp.core import DeadLetter
from drp.questions.importers.column_readings import as_generations, readings
from drp.questions.importers.columns import ColumnMapping, ImportCommand
from drp.questions.importers.input_rows import InputError, RowFault
from drp.questions.importers.proposals import addresses_inside, is_measure

FIELD_OF: dict[str, str] = {
    "no_question": "question",
    "no_gold_answer": "gold_answer",
    "no_thinking": "thinking",
}
"""Fault -> the field that was not found."""

_MENDS: dict[InputError, str] = {
    "bad_json": "correct these lines",
    "bad_encoding": "write the file as UTF-8",
    "nul_byte": "remove the NUL bytes",
    "bad_csv": "quote fields that hold commas, quotes or line breaks",
    "no_question": "{map}",
    "no_gold_answer": "{map}, or leave these rows out: nothing can be checked without a gold answer",
    "no_thinking": "{map}, or leave these rows out: there is no trace to prune",
    "ambiguous": "{map}",
    "wrong_type": "{map}, or leave these rows out",
    "too_long": "cut or leave out these rows",
    "duplicate": "nothing: the same content is imported once",
    "source_removed": "nothing: the source was removed from the corpus for good",
}

_BY_HAND: dict[str, str] = {
    "more than one block of thinking": "cut these rows to one block of thinking, or leave them out",
    "text in front of the thinking": "cut the text in front of the thinking, or leave these rows out",
    "reasoning next to its text": "keep one of the two, or leave these rows out",
    " generations, but ": "give both columns as many items, or leave these rows out",
}
"""Part of a fault's detail -> what mends it. No `--map` does."""

_RIVALS = re.compile(
    r"(?:^|: )(?P<one>[^:]+) and (?P<other>.+) both may be the (?P<field>\w+), and they differ"
)
_TWO_THOUGHTS = re.compile(r"(?:^|: )(?P<column>[^:]+) and the marks in .+ hold different thinking")
_ADDRESS = re.compile(r"; (?P<pairs>\w+=.+) can be read$")


@dataclass
class _Cause:
    rows: int
    first: DeadLetter


class FaultSummary:
    """Counts the dead letters of an import by cause, and says what mends each."""

    def __init__(self, command: ImportCommand) -> None:
        self._command = command
        self._causes: dict[str, _Cause] = {}

    def add(self, letter: DeadLetter) -> None:
        """Count a dead letter."""
        self._causes.setdefault(letter.error, _Cause(0, letter)).rows += 1

    def lines(self) -> Iterator[str]:
        """Yield one line for each cause, the most frequent first."""
        for error, cause in sorted(self._causes.items(), key=lambda item: -item[1].rows):
            first = cause.first
            rows = "1 row" if cause.rows == 1 else f"{cause.rows:,} rows"
            mend = mend_of(error, first.detail, self._command)
            yield f"{rows}: {error}, first in line {first.line} ({first.detail}). Next: {mend}"


def with_address(fault: RowFault, values: Mapping[str, Any], mapping: ColumnMapping) -> RowFault:
    """Return a fault of type `wrong_type` with the field at fault, and what can be read in its place."""
    if fault.error != "wrong_type" or any(part in fault.detail for part in _BY_HAND):
        return fault
    name = _field_of_type(fault.detail, values, mapping)
    inside = addresses_inside(name, values, mapping.columns[name]) if name in mapping else []
    pairs = [p for p in fault.choices if not p.endswith("]") and not is_measure(p.partition("=")[2])]
    pairs = pairs or [f"{name}={path}" for path in inside]
    hint = f"; {' or '.join(pairs)} can be read" if pairs else f" (the {name})"
    return replace(fault, detail=fault.detail + hint, choices=tuple(pairs) if fault.choices else ())


def _field_of_type(detail: str, values: Mapping[str, Any], mapping: ColumnMapping) -> str:
    """Return the field whose value has the wrong type."""
    if "does not name a model" in detail:
        return "student"
    for name in ("question", "messages", "gold_answer"):
        if name in mapping and re.search(rf"column {re.escape(mapping.columns[name])}[ :]", detail):
            return "question" if name == "messages" else name
    responses = readings(as_generations(mapping.value(values, "response")))
    return "response" if any(isinstance(each, RowFault) for each in responses) else "thinking"


def mend_of(error: str, detail: str, command: ImportCommand) -> str:
    """Return what a person can do about a fault."""
    for part, mend in _BY_HAND.items():
        if part in detail:
            return f"{mend}: no --map reads them"
    text = next((mend for name, mend in _MENDS.items() if name == error), "correct these rows")
    return text.replace("{map}", _maps(error, detail, command))


def _maps(error: str, detail: str, command: ImportCommand) -> str:
    if found := _RIVALS.search(detail):
        choices = [f"{found['field']}={found['one']}", f"{found['field']}={found['other']}"]
    elif found := _TWO_THOUGHTS.search(detail):
        choices = [f"thinking={found['column']}", "thinking="]
    elif found := _ADDRESS.search(detail):
        choices = found["pairs"].split(" or ")
    else:
        choices = [f"{_field(error, detail)}=COLUMN"]
    return command.with_choices(*choices)


def _field(error: str, detail: str) -> str:
    if error in FIELD_OF:
        return FIELD_OF[error]
    fields = ("question", "gold_answer", "student", "thinking", "response")
    return next((field for field in fields if f"the {field}" in detail), "thinking")
