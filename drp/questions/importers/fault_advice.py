"""What to do about the rows of an import that cannot be used: one line for each cause."""

from collections.abc import Iterator
from dataclasses import dataclass

from drp.core import DeadLetter
from drp.questions.importers.columns import ImportCommand
from drp.questions.importers.input_rows import InputError

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
    "wrong_type": "{map}, with an address inside the value such as answer[0]",
    "too_long": "cut or leave out these rows",
    "duplicate": "nothing: the same content is imported once",
    "source_removed": "nothing: the source was removed from the corpus for good",
}


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


def mend_of(error: str, detail: str, command: ImportCommand) -> str:
    """Return what a person can do about a fault."""
    text = next((mend for name, mend in _MENDS.items() if name == error), "correct these rows")
    return text.replace("{map}", command.with_options(f"{_field(error, detail)}=COLUMN"))


def _field(error: str, detail: str) -> str:
    if error in FIELD_OF:
        return FIELD_OF[error]
    fields = ("question", "gold_answer", "student", "thinking", "response")
    return next((field for field in fields if f"the {field}" in detail), "thinking")
