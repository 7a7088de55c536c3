"""Parse an input row into a question or a recorded trace, or into the fault that prevents it.

A trace is recognised in four forms: a reasoning column next to the response; a text with
`<think>...</think>`; a text that only closes the tag, because the chat template opened it; and chat messages
with any of these. A text that opens the tag and never closes it is an unfinished trace.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property
from typing import Any

from drp.core import FinishReason, Question, imported_rollout_id, question_id
from drp.grading import extract_answer
from drp.questions.importers.chat import Chat, read_chat
from drp.questions.importers.columns import ColumnMapping
from drp.questions.importers.input_rows import MAX_CHARACTERS, RowFault, text_fault

MAX_GOLD_CHARACTERS = 1_000
"""A longer gold answer is taken for a solution whose final answer is not marked."""

_TAGS = (("<think>", "</think>"), ("<thinking>", "</thinking>"))
_FINISH_REASONS: dict[str, FinishReason] = {
    "stop": "stop",
    "eos": "stop",
    "end_turn": "stop",
    "eos_token": "stop",
    "length": "length",
    "max_tokens": "length",
    "max_length": "length",
}
"""Finish reasons of servers and tools -> DRP's; anything else is `unknown`."""


@dataclass(frozen=True)
class Defaults:
    """Values for rows without the corresponding column."""

    source: str
    dataset: str
    student: str | None = None
    split: str = ""


@dataclass(frozen=True)
class RecordedTrace:
    """A student's response that was recorded elsewhere, with its question."""

    question: Question
    student: str
    thinking: str
    response: str
    finish_reason: FinishReason

    @cached_property
    def rollout_id(self) -> str:
        """The id of the trace as a rollout."""
        return imported_rollout_id(self.question.question_id, self.student, self.thinking, self.response)


class _UnusableError(Exception):
    """Carries a fault to `parse_question` or `parse_trace`."""

    def __init__(self, fault: RowFault) -> None:
        super().__init__(fault)
        self.fault = fault


def parse_question(
    values: Mapping[str, Any], mapping: ColumnMapping, defaults: Defaults
) -> Question | RowFault:
    """Parse the question of one row."""
    try:
        return _question(values, mapping, defaults, _chat(values, mapping))
    except _UnusableError as error:
        return error.fault


def parse_trace(
    values: Mapping[str, Any], mapping: ColumnMapping, defaults: Defaults
) -> RecordedTrace | RowFault:
    """Parse the recorded trace of one row."""
    try:
        return _trace(values, mapping, defaults)
    except _UnusableError as error:
        return error.fault


def _trace(values: Mapping[str, Any], mapping: ColumnMapping, defaults: Defaults) -> RecordedTrace:
    chat = _chat(values, mapping)
    question = _question(values, mapping, defaults, chat)
    reasoning = _text(values, mapping, "thinking")
    text = _text(values, mapping, "response")
    if not reasoning and not text:
        reasoning, text = chat.reasoning, chat.response
    thinking, response = _split(reasoning, text)
    if len(question.question) + len(thinking) + len(response) > MAX_CHARACTERS:
        raise _UnusableError(
            RowFault("too_long", f"question, thinking and response exceed {MAX_CHARACTERS:,} characters")
        )
    if not thinking:
        raise _UnusableError(
            RowFault("no_thinking", "no reasoning column, no <think> and no </think> in the response")
        )
    student = _text(values, mapping, "student") or defaults.student
    if not student:
        raise _UnusableError(
            RowFault("wrong_type", "the row does not name a model; pass --student for such rows")
        )
    recorded = _text(values, mapping, "finish_reason").lower()
    # a response without an answer summary was cut off before it (paper, section 3.1: R = (T, A))
    finish_reason = _FINISH_REASONS.get(recorded, "unknown") if recorded or response else "length"
    return RecordedTrace(question, student, thinking, response, finish_reason)


def _split(reasoning: str, text: str) -> tuple[str, str]:
    """Return thinking and response without tags; text before an opening tag belongs to the chat template."""
    for opening, closing in _TAGS:
        before, closed, after = text.partition(closing)
        _, opened, inside = before.partition(opening)
        if closed or opened:
            inside = inside if opened else before
            return (_untagged(reasoning) or inside.strip()), after.strip()
    return _untagged(reasoning), text.strip()


def _untagged(reasoning: str) -> str:
    for opening, closing in _TAGS:
        reasoning = reasoning.strip().removeprefix(opening).removesuffix(closing)
    return reasoning.strip()


def _question(values: Mapping[str, Any], mapping: ColumnMapping, defaults: Defaults, chat: Chat) -> Question:
    text = _text(values, mapping, "question") or chat.question
    if not text:
        raise _UnusableError(RowFault("no_question", "the question is empty"))
    if len(text) > MAX_CHARACTERS:
        raise _UnusableError(RowFault("too_long", f"the question exceeds {MAX_CHARACTERS:,} characters"))
    gold = _final_answer(_text(values, mapping, "gold_answer"))
    dataset = _text(values, mapping, "dataset") or defaults.dataset
    split = _text(values, mapping, "split") or defaults.split
    return Question(question_id(split, text, gold), dataset, split, text, gold, defaults.source)


def _final_answer(gold: str) -> str:
    """Return the final answer: if `gold` is a whole solution, the text after its last #### or in its box."""
    answer = gold
    if "####" in gold:
        answer = gold.rpartition("####")[2].strip()
    elif "\\boxed" in gold or "\\fbox" in gold:
        extracted = extract_answer(gold)
        answer = extracted.answer.strip() if extracted and extracted.source == "boxed" else ""
    if not answer:
        raise _UnusableError(RowFault("no_gold_answer", "the gold answer is empty"))
    if len(answer) > MAX_GOLD_CHARACTERS:
        detail = (
            f"a final answer cannot be found in {len(answer):,} characters with neither #### nor \\boxed{{}}"
        )
        raise _UnusableError(RowFault("no_gold_answer", detail))
    return answer


def _chat(values: Mapping[str, Any], mapping: ColumnMapping) -> Chat:
    """Return the row's conversation: its messages, or a question column that holds a list of messages."""
    for name in ("messages", "question"):
        value = mapping.value(values, name)
        if value is None or (name == "question" and isinstance(value, str)):
            continue
        chat = read_chat(value)
        if isinstance(chat, str):
            column = mapping.columns[name]
            raise _UnusableError(RowFault("wrong_type", f"column {column}: {chat}"))
        for text in (chat.question, chat.reasoning, chat.response):
            _checked(text, mapping.columns[name])
        return chat
    return Chat()


def _text(values: Mapping[str, Any], mapping: ColumnMapping, name: str) -> str:
    """Return a field as stripped text; empty if there is none."""
    value = mapping.value(values, name)
    if isinstance(value, list) and len(value) == 1 and not isinstance(value[0], dict):
        value = value[0]
    if value is None or (name == "question" and isinstance(value, list)):  # messages are read by _chat
        return ""
    if isinstance(value, bytes):
        value = value.decode("utf-8", "surrogateescape")
    if name == "gold_answer" and isinstance(value, int | float | Decimal) and not isinstance(value, bool):
        value = _number(value)
    if not isinstance(value, str):
        kind = type(value).__name__
        raise _UnusableError(
            RowFault("wrong_type", f"column {mapping.columns[name]} holds a {kind}, not text")
        )
    return _checked(value, mapping.columns[name]).strip()


def _number(value: int | float | Decimal) -> str:
    """Return a numeric gold answer as text: 72.0 gives 72, and non-finite values give no text."""
    if not math.isfinite(value):
        return ""
    return str(int(value)) if value == int(value) else str(value)


def _checked(text: str, column: str) -> str:
    if fault := text_fault(text):
        raise _UnusableError(RowFault(fault.error, f"column {column}: {fault.detail}"))
    return text
