"""Tell from the first rows of a file what a column holds: labels, final answers, prose, conversations.

A name alone says little: `reasoning` may be a switch (on, off), `answer` a whole response, `label` a verdict.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from drp.questions.importers.chat import is_chat, read_raw_conversation
from drp.questions.importers.column_readings import as_generations, is_nothing, is_switch
from drp.questions.importers.thinking_marks import is_opened_before, split_marked
from drp.questions.importers.value_paths import value_at

ContentKind: TypeAlias = Literal[
    "nothing", "labels", "verdicts", "numbers", "values", "prose", "conversations"
]
"""values: short answers; labels: switches and names that repeat; verdicts: right or wrong."""

_LABEL_CHARACTERS = 60
_VALUE_CHARACTERS = 200
_VALUE_WORDS = 12
ROWS_TO_REPEAT = 4
"""Fewer values do not show whether they repeat."""
_VERDICTS = frozenset(["correct", "incorrect", "right", "wrong", "pass", "fail", "passed", "failed"])


@dataclass(frozen=True)
class Content:
    """What the first rows hold in a column.

    Attributes:
        kind: what most values are.
        filled: number of rows that hold something.
        example: the first value that is not empty, as text.
        length: mean length of the texts, in characters.
        is_marked: whether thinking is marked in a value, or is a part of a conversation's messages.
        is_opened_before: whether a value begins within thinking, which its prompt has opened.
        is_plain: whether all values are texts or numbers, and not structures.
        is_repeated: whether most values occur several times, as those of a switch do.
    """

    kind: ContentKind
    filled: int
    example: str = ""
    length: float = 0.0
    is_marked: bool = False
    is_opened_before: bool = False
    is_plain: bool = True
    is_repeated: bool = False


def content_of(sample: Sequence[Mapping[str, Any]], column: str) -> Content:
    """Return what the rows hold in a column, or at an address."""
    values = [value for row in sample if not is_nothing(value := value_at(row, column))]
    if not values:
        return Content("nothing", 0)
    texts = [text for value in values for text in _texts(value)]
    distinct = {text.strip() for text in texts}
    is_repeated = len(texts) >= ROWS_TO_REPEAT and len(distinct) * 2 <= len(texts)
    return Content(
        _kind(values, texts, is_repeated=is_repeated and len(max(texts, key=len)) <= _LABEL_CHARACTERS),
        len(values),
        (texts or [str(values[0])])[0][:80],
        sum(map(len, texts)) / max(1, len(texts)),
        is_marked=any(map(_has_thinking, texts)),
        is_opened_before=any(map(is_opened_before, texts)),
        is_plain=not any(isinstance(value, Mapping | list) for value in values),
        is_repeated=is_repeated,
    )


def _kind(values: Sequence[Any], texts: Sequence[str], *, is_repeated: bool) -> ContentKind:
    if all(isinstance(value, bool) for value in values) or (
        texts and all(text.strip().casefold() in _VERDICTS for text in texts)
    ):
        return "verdicts"
    if any(_is_conversation(value) for value in values):
        return "conversations"
    if all(isinstance(value, int | float) for value in values):
        is_bits = len(values) >= ROWS_TO_REPEAT and all(value in (0, 1) for value in values)
        return "verdicts" if is_bits else "numbers"
    if len(texts) < len(values):  # structures
        return "values"
    if is_repeated or all(is_label(text) for text in texts):
        return "labels"
    return "prose" if sum(is_worked(text) for text in texts) * 2 > len(texts) else "values"


def _texts(value: Any) -> list[str]:
    value = as_generations(value)
    if isinstance(value, str):
        return [value]
    if isinstance(value, list):
        return [item for item in value if isinstance(item, str)]
    return []


def _has_thinking(text: str) -> bool:
    marked = split_marked(text)
    return bool(marked.is_marked and marked.thinking and not marked.before)


def _is_conversation(value: Any) -> bool:
    value = as_generations(value)
    if isinstance(value, str):
        return read_raw_conversation(value) is not None
    return isinstance(value, list) and bool(value) and is_chat(value)


def is_label(text: str) -> bool:
    """Whether a text is a word or two, without a sentence or a formula."""
    text = text.strip()
    return is_switch(text) or (
        len(text) <= _LABEL_CHARACTERS
        and len(text.split()) <= 2
        and not any(sign in text for sign in ".!?。=\n\\$")
    )


def is_worked(text: str) -> bool:
    """Whether a text is longer than a final answer."""
    return len(text) > _VALUE_CHARACTERS or len(text.split()) > _VALUE_WORDS or "####" in text
