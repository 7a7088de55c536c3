"""Parse an input row into a question, or into recorded traces, or into the faults that prevent it.

A row has one trace for each generation that it holds. Thinking comes from a separate column, or from the
response: between marks, in parts, keys or channels of messages (`drp.questions.importers.column_readings`).
Thinking that is not closed is an unfinished trace.
"""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import cached_property
from typing import Any

from drp.core import FinishReason, Question, imported_rollout_id, question_id
from drp.grading import extract_answer
from drp.questions.importers.ambiguous_columns import rival_fault
from drp.questions.importers.chat import Chat, is_chat, read_chat, read_raw_conversation
from drp.questions.importers.column_readings import (
    Generation,
    agree,
    as_generations,
    is_nothing,
    is_switch,
    readings,
)
from drp.questions.importers.columns import ColumnMapping
from drp.questions.importers.input_rows import MAX_CHARACTERS, RAW_CHARACTERS, RowFault, text_fault
from drp.questions.importers.thinking_marks import split_marked, without_open_mark
from drp.questions.importers.value_paths import nested_paths, structure_of, value_at

MAX_GOLD_CHARACTERS = 1_000
"""A longer gold answer is taken for a solution whose final answer is not marked."""

_FINISH_REASONS: dict[str, FinishReason] = {
    "stop": "stop",
    "eos": "stop",
    "end_turn": "stop",
    "eos_token": "stop",
    "true": "stop",  # of a column `is_reasoning_complete`
    "length": "length",
    "max_tokens": "length",
    "max_length": "length",
    "false": "length",
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
    """Carries a fault to `parse_question` or `parse_traces`."""

    def __init__(self, fault: RowFault) -> None:
        super().__init__(fault)
        self.fault = fault


def parse_question(
    values: Mapping[str, Any], mapping: ColumnMapping, defaults: Defaults
) -> list[Question | RowFault]:
    """Parse the question of one row; a list of one, as in `parse_traces`."""
    try:
        return [_question(values, mapping, defaults)]
    except _UnusableError as error:
        return [error.fault]


def parse_traces(
    values: Mapping[str, Any], mapping: ColumnMapping, defaults: Defaults
) -> list[RecordedTrace | RowFault]:
    """Parse the recorded traces of one row, one for each generation; a fault where one cannot be used."""
    try:
        question = _question(values, mapping, defaults)
        generations = _generations(values, mapping)
    except _UnusableError as error:
        return [error.fault]
    traces: list[RecordedTrace | RowFault] = []
    for index, generation in enumerate(generations):
        row = _OneGeneration(values, mapping, defaults, index, len(generations))
        try:
            traces.append(row.trace(question, generation))
        except _UnusableError as error:
            place = f"generation {index + 1}: " if len(generations) > 1 else ""
            traces.append(replace(error.fault, detail=place + error.fault.detail))
    return traces


def _generations(values: Mapping[str, Any], mapping: ColumnMapping) -> Sequence[Generation | RowFault]:
    """Return thinking and response of each generation of a row."""
    responses = readings(as_generations(mapping.value(values, "response")))
    column = mapping.value(values, "thinking")
    thoughts = [] if is_switch(column) else readings(as_generations(column))
    if not responses:
        return [_as_thinking(each) for each in thoughts] or [Generation("", "")]
    if not thoughts:
        return responses
    if len(thoughts) != len(responses):
        detail = f"{len(responses)} generations, but {len(thoughts)} in column {mapping.columns['thinking']}"
        raise _UnusableError(RowFault("wrong_type", detail))
    return [_combined(*each, mapping) for each in zip(thoughts, responses, strict=True)]


def _as_thinking(reading: Generation | RowFault) -> Generation | RowFault:
    """Return what a column of thinking holds: all of it is thinking, unless marks say what is."""
    if isinstance(reading, RowFault) or reading.thinking:
        return reading
    return Generation(reading.response, "")


def _combined(
    thought: Generation | RowFault, response: Generation | RowFault, mapping: ColumnMapping
) -> Generation | RowFault:
    """Combine a column of thinking with a response, which must not mark other thinking."""
    if isinstance(response, RowFault):
        return response
    if isinstance(thought, RowFault):  # another type costs nothing if the response has the thinking
        return response if response.thinking else thought
    own = thought.thinking or ("" if is_switch(thought.response) else thought.response)
    if not own or not response.thinking or agree(own, response.thinking):
        thinking = response.thinking or own
        return Generation(thinking, response.response, response.before, response.is_marked)
    if "thinking" in mapping.given:
        return Generation(own, response.response)
    column, other = mapping.columns["thinking"], mapping.columns["response"]
    return RowFault(
        "ambiguous",
        f"{column} and the marks in {other} hold different thinking",
        (f"thinking={column}", "thinking="),
    )


class _OneGeneration:
    """One of the generations of a row: values that are lists of as many items hold one for each."""

    def __init__(
        self, values: Mapping[str, Any], mapping: ColumnMapping, defaults: Defaults, index: int, count: int
    ) -> None:
        self._values = values
        self._mapping = mapping
        self._defaults = defaults
        self._index = index
        self._count = count

    def trace(self, question: Question, generation: Generation | RowFault) -> RecordedTrace:
        if isinstance(generation, RowFault):
            raise _UnusableError(generation)
        thinking, response = generation.thinking, generation.response
        if self._is_cut_thinking(generation):
            thinking, response = response, ""
        if len(question.question) + len(thinking) + len(response) > MAX_CHARACTERS:
            detail = f"question, thinking and response exceed {MAX_CHARACTERS:,} characters"
            raise _UnusableError(RowFault("too_long", detail))
        if not thinking:
            detail = "no column holds reasoning, and no marks of thinking are in the response"
            raise _UnusableError(RowFault("no_thinking", detail))
        if generation.before and not agree(question.question, generation.before):
            detail = f"text in front of the thinking: {generation.before[:80]}"
            raise _UnusableError(RowFault("ambiguous", detail))
        student = self._scalar("student") or self._defaults.student
        if not student:
            raise _UnusableError(RowFault("wrong_type", "the row does not name a model"))
        recorded = self._scalar("finish_reason").lower()
        # a response without an answer summary was cut off before it (paper, section 3.1: R = (T, A))
        finish_reason = _FINISH_REASONS.get(recorded, "unknown") if recorded or response else "length"
        return RecordedTrace(question, student, thinking, response, finish_reason)

    def _is_cut_thinking(self, generation: Generation) -> bool:
        """Whether a response without marks is thinking that the prompt has opened and that was cut off."""
        if generation.thinking or generation.is_marked:
            return False
        prompt = self._mapping.value(self._values, "question")
        is_open = isinstance(prompt, str) and without_open_mark(prompt) != prompt
        recorded = _FINISH_REASONS.get(self._scalar("finish_reason").lower())
        if recorded == "length":
            return is_open or self._mapping.opens_thinking
        # A file without any closing mark may have lost them.
        return is_open and self._mapping.opens_thinking and recorded is None

    def _scalar(self, name: str) -> str:
        value = as_generations(self._mapping.value(self._values, name))
        if isinstance(value, list) and len(value) == self._count:
            value = value[self._index]
        return _scalar_text(value, self._mapping.columns.get(name, ""))


def _question(values: Mapping[str, Any], mapping: ColumnMapping, defaults: Defaults) -> Question:
    if fault := rival_fault(values, mapping):
        raise _UnusableError(fault)
    asked = _asked(values, mapping)
    text = asked.question
    if not text:
        raise _UnusableError(RowFault("no_question", "the question is empty"))
    if len(text) > MAX_CHARACTERS:
        raise _UnusableError(RowFault("too_long", f"the question exceeds {MAX_CHARACTERS:,} characters"))
    gold = _final_answer(_gold_text(values, mapping))
    if any(_may_have_gold(turn, gold) for turn in asked.earlier):
        detail = "several user messages have answers, and each of them may be the question of the gold answer"
        raise _UnusableError(RowFault("ambiguous", detail))
    optional = {
        name: _scalar_text(mapping.value(values, name), mapping.columns[name])
        for name in ("dataset", "split", "level", "subject")
        if name in mapping
    }
    split = optional.get("split") or defaults.split
    return Question(
        question_id(split, text, gold),
        optional.get("dataset") or defaults.dataset,
        split,
        text,
        gold,
        defaults.source,
        optional.get("level") or None,
        optional.get("subject") or None,
        _meta(values, mapping),
    )


def _asked(values: Mapping[str, Any], mapping: ColumnMapping) -> Chat:
    """Return the question of a column, or of the conversation, with the turns before it."""
    for name in ("question", "messages"):
        value = mapping.value(values, name)
        if is_nothing(value):
            continue
        column = mapping.columns[name]
        if name == "messages" or is_chat(value):
            chat = read_chat(value)
            if isinstance(chat, str):
                raise _UnusableError(RowFault("wrong_type", f"column {column}: {chat}"))
        else:
            text = _text(value, column)
            raw = read_raw_conversation(text)
            chat = raw if raw and (raw.question or raw.pending) else Chat(text)
        is_prompt = column != mapping.columns.get("response", column if name == "messages" else "")
        if is_prompt and chat.pending:  # the response to its last message is elsewhere
            chat = Chat(chat.pending, earlier=(*chat.earlier, chat))
        if text := without_open_mark(chat.question):
            return replace(chat, question=_checked(text, column).strip())
    return Chat()


def _may_have_gold(turn: Chat, gold: str) -> bool:
    """Whether the gold answer may be that of an earlier turn: one with thinking, a box, or that answer."""
    if turn.reasoning or split_marked(turn.response).is_marked:
        return True
    found = extract_answer(turn.response)
    return bool(found and (found.source == "boxed" or found.answer == gold))


def _gold_text(values: Mapping[str, Any], mapping: ColumnMapping) -> str:
    value = as_generations(mapping.value(values, "gold_answer"))
    if is_nothing(value):  # a row may have its answer only in the box of a solution
        others = (value_at(values, rival) for rival in mapping.rivals.get("gold_answer", ()))
        value = next(
            (other for other in others if isinstance(other, str) and ("####" in other or "\\boxed" in other)),
            value,
        )
    if isinstance(value, list) and len(value) == 1 and not isinstance(value[0], dict):
        value = value[0]
    column = mapping.columns["gold_answer"]
    if isinstance(structure_of(value), Mapping):
        addresses = tuple(f"gold_answer={path}" for path, _ in nested_paths({column: value}))
        raise _UnusableError(RowFault("wrong_type", f"column {column} holds a structure", addresses[:3]))
    if isinstance(value, int | float | Decimal) and not isinstance(value, bool):
        value = _number(value)
    return _text(value, column)


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


def _meta(values: Mapping[str, Any], mapping: ColumnMapping) -> str | None:
    """Return the scalars that the lake has nowhere else, as a JSON object; long texts are cut."""
    kept: dict[str, Any] = {}
    for column, value in values.items():
        if is_nothing(value) or not mapping.is_meta(column):
            continue
        if isinstance(value, str):
            kept[column] = value if len(value) <= RAW_CHARACTERS else f"{value[:RAW_CHARACTERS]}…"
        elif isinstance(value, bool | int) or (isinstance(value, float) and math.isfinite(value)):
            kept[column] = value
        elif not isinstance(value, float | list | Mapping | bytes):  # decimals, dates and times
            kept[column] = str(value)
    if not kept:
        return None
    text = json.dumps(kept, ensure_ascii=False)
    return text.replace("\\u0000", "\\\\x00").encode("utf-8", "backslashreplace").decode("utf-8")


def _text(value: Any, column: str) -> str:
    """Return a value as stripped text; empty if there is none."""
    if isinstance(value, bytes):
        value = value.decode("utf-8", "surrogateescape")
    if is_nothing(value):
        return ""
    if isinstance(value, list) and len(value) == 1 and not isinstance(value[0], dict):
        return _text(value[0], column)
    if not isinstance(value, str):
        raise _UnusableError(
            RowFault("wrong_type", f"column {column} holds a {type(value).__name__}, not text")
        )
    return _checked(value, column).strip()


def _scalar_text(value: Any, column: str) -> str:
    """Return an optional value as text; a structure, which has another meaning, counts as none."""
    if isinstance(value, list) and len(value) == 1:
        value = value[0]
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | float | Decimal):
        return _number(value)
    return _text(value, column) if isinstance(value, str | bytes) else ""


def _number(value: int | float | Decimal) -> str:
    """Return a number as text: 72.0 gives 72, and non-finite values give no text."""
    if not math.isfinite(value):
        return ""
    return str(int(value)) if value == int(value) else str(value)


def _checked(text: str, column: str) -> str:
    if fault := text_fault(text):
        raise _UnusableError(RowFault(fault.error, f"column {column}: {fault.detail}"))
    return text
