"""Read what a column holds as thinking or response: texts with or without marks, conversations, or lists.

A value gives one reading for each generation. A reading that cannot be used is a `RowFault`.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from drp.questions.importers.chat import (
    Chat,
    NotAChatError,
    is_chat,
    items_of,
    read_chat,
    read_message,
    read_raw_conversation,
)
from drp.questions.importers.input_rows import RowFault, text_fault
from drp.questions.importers.thinking_marks import split_marked, without_thinking_marks

_SWITCHES = frozenset(
    [
        "on",
        "off",
        "true",
        "false",
        "yes",
        "no",
        "none",
        "null",
        "nan",
        "n/a",
        "-",
        "0",
        "1",
        "low",
        "medium",
        "high",
        "minimal",
        "max",
        "auto",
        "enabled",
        "disabled",
        "think",
        "no_think",
        "/think",
        "/no_think",
        "thinking",
        "non-thinking",
        "reasoning",
        "detailed",
    ]
) | {"detailed thinking on", "detailed thinking off", "not available"}


@dataclass(frozen=True)
class Generation:
    """One generation: its thinking and response, without marks.

    Attributes:
        thinking: empty if nothing marks it.
        response: what follows the thinking; the whole text if nothing is marked.
        before: text in front of the marks.
        is_marked: whether marks say what is thinking, also if that is empty.
    """

    thinking: str
    response: str
    before: str = ""
    is_marked: bool = False


def readings(value: Any) -> list[Generation | RowFault]:
    """Return the generations that a value holds, in its order; none if it is empty."""
    if is_nothing(value):
        return []
    if isinstance(value, Mapping):
        value = items_of(value)
    if isinstance(value, list) and not is_chat(value):
        return [_only(item) for item in value]
    return [_reading(value)]


def _only(item: Any) -> Generation | RowFault:
    if is_nothing(item):
        return Generation("", "")
    return _reading(item)


def _reading(value: Any) -> Generation | RowFault:
    if isinstance(value, bytes):
        value = value.decode("utf-8", "surrogateescape")
    if isinstance(value, str):
        if fault := text_fault(value):
            return fault
        chat = read_raw_conversation(value)
        return _answer(chat) if chat else _combined("", value)
    if isinstance(value, list):
        chat_or_problem = read_chat(value)
        if isinstance(chat_or_problem, str):
            return RowFault("wrong_type", chat_or_problem)
        return _answer(chat_or_problem)
    if isinstance(value, Mapping):
        try:
            reasoning, text = read_message(value)
        except NotAChatError as error:
            return RowFault("wrong_type", str(error))
        return _checked(reasoning, text) if reasoning or text else RowFault("wrong_type", "holds no text")
    return RowFault("wrong_type", f"holds a {type(value).__name__}, not text")


def _answer(chat: Chat) -> Generation | RowFault:
    if chat.answers > 1:
        detail = f"{chat.answers} answers follow one user message, and each of them may be the response"
        return RowFault("ambiguous", detail)
    return _checked(chat.reasoning, chat.response)


def _checked(reasoning: str, text: str) -> Generation | RowFault:
    return text_fault(reasoning) or text_fault(text) or _combined(reasoning, text)


def _combined(reasoning: str, text: str) -> Generation | RowFault:
    marked = split_marked(text)
    if marked.is_repeated:
        return RowFault("ambiguous", "more than one block of thinking is marked in one text")
    own = without_thinking_marks(reasoning)
    if own and marked.thinking and not agree(own, marked.thinking):
        return RowFault("ambiguous", "a message has reasoning next to its text, and another one in the text")
    return Generation(marked.thinking or own, marked.response, marked.before, marked.is_marked)


def is_nothing(value: Any) -> bool:
    """Whether a value is absent or empty."""
    return (
        value is None or (isinstance(value, str | bytes) and not value.strip()) or value == [] or value == {}
    )


def is_switch(value: Any) -> bool:
    """Whether a value says that there is thinking, or how much, instead of being thinking."""
    if isinstance(value, str):
        return value.strip().strip(".!").casefold() in _SWITCHES
    return isinstance(value, bool | int | float)


def as_generations(value: Any) -> Any:
    """Return lists that a CSV file holds as JSON text as lists, and any other value unchanged."""
    if isinstance(value, str) and value.lstrip().startswith(('["', "[{")) and value.rstrip().endswith("]"):
        try:
            return json.loads(value)
        except (ValueError, RecursionError):
            return value
    return value


def agree(one: str, other: str) -> bool:
    """Whether two texts are the same up to white space, or one holds the other."""
    one, other = " ".join(one.split()), " ".join(other.split())
    return one in other or other in one


def same_generations(some: Sequence[Generation | RowFault], others: Sequence[Generation | RowFault]) -> bool:
    """Whether all generations of one value are among those of the other, where both say something."""
    fewer, more = sorted(([r for r in each if isinstance(r, Generation)] for each in (some, others)), key=len)
    return all(any(_same(one, other) for other in more) for one in fewer)


def _same(one: Generation, other: Generation) -> bool:
    thinking = not one.thinking or not other.thinking or agree(one.thinking, other.thinking)
    return thinking and " ".join(one.response.split()) == " ".join(other.response.split())
