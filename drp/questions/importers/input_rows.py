"""A row of an input file, readable or not, and the stable names of the faults it can have."""

import json
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias, get_args

InputError: TypeAlias = Literal[
    "bad_json",
    "bad_encoding",
    "nul_byte",
    "bad_csv",
    "no_question",
    "no_gold_answer",
    "no_thinking",
    "ambiguous",
    "wrong_type",
    "too_long",
    "duplicate",
    "source_removed",
]
INPUT_ERRORS: tuple[InputError, ...] = get_args(InputError)
"""Every value of `dead_letters.error` that an import can write."""

MAX_CHARACTERS = 20_000_000
"""Maximum length of a row (`too_long`): question, thinking and response together, in code points."""
RAW_CHARACTERS = 2_000
"""Number of characters of a row that are kept in its dead letter."""


@dataclass(frozen=True)
class RowFault:
    """The reason why a row cannot be used.

    `choices` are the pairs of `--map` that settle it, if it comes from a doubt about the columns.
    """

    error: InputError
    detail: str
    choices: tuple[str, ...] = ()


@dataclass(frozen=True)
class InputRow:
    """A row of a file: its values by column, or the fault that made it unreadable.

    `line` counts from 1: the line of a text file where the row begins (a CSV's header is line 1), or the
    number of the row in a Parquet file or `datasets` folder. `text` is the raw text of a row of a text file.
    `shard` is the name of the file among several.
    """

    line: int
    values: dict[str, Any] | RowFault
    text: str | None = None
    shard: str = ""

    @property
    def place(self) -> str:
        """Where the row is, for a reader."""
        return f"line {self.line} of {self.shard}" if self.shard else f"line {self.line}"

    @property
    def raw(self) -> str:
        """The row as stored in a dead letter: at most 2,000 characters, all of which UTF-8 can encode."""
        if self.text is not None or isinstance(self.values, RowFault):
            return clean_raw(self.text or "")
        shortened = {name: _shortened(value) for name, value in self.values.items()}
        return clean_raw(json.dumps(shortened, ensure_ascii=False, default=str))


def clean_raw(text: str) -> str:
    """Return `text` cut to 2,000 characters, with NULs and lone surrogates escaped."""
    head = text[:RAW_CHARACTERS].rstrip("\r\n").replace("\0", "\\x00")
    return head.encode("utf-8", "backslashreplace").decode("utf-8")[:RAW_CHARACTERS]


def _shortened(value: Any) -> Any:
    return value[:RAW_CHARACTERS] if isinstance(value, str) else value


def text_fault(text: str) -> RowFault | None:
    """Return the fault if `text` cannot be stored: NUL bytes, or code points that UTF-8 cannot encode."""
    if "\0" in text:
        return RowFault("nul_byte", f"NUL at character {text.index(chr(0))}")
    try:
        text.encode("utf-8")
    except UnicodeEncodeError as error:
        return RowFault("bad_encoding", f"not UTF-8 at character {error.start}")
    return None
