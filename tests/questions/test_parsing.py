"""All supported forms of traces and gold answers."""

import json
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from drp.core.ids import question_id
from drp.core.records import Question
from drp.questions.importers.columns import ColumnMapping, ImportCommand
from drp.questions.importers.guess import Guess
from drp.questions.importers.input_rows import RowFault
from drp.questions.importers.parsing import Defaults, RecordedTrace, parse_question, parse_traces

DEFAULTS = Defaults(source="file.jsonl", dataset="file", student="model-1")


def guessed(values: dict[str, Any], *pairs: str) -> ColumnMapping:
    return Guess([values], ImportCommand("traces", "f", pairs, "m")).mapping


def trace(*pairs: str, **values: Any) -> RecordedTrace | RowFault:
    values = {"question": "1 + 1?", "answer": "2"} | values
    (found,) = parse_traces(values, guessed(values, *pairs), DEFAULTS)
    return found


def question(**values: Any) -> Question | RowFault:
    mapping = Guess([values], ImportCommand("questions", "f")).mapping
    (found,) = parse_question(values, mapping, DEFAULTS)
    return found


def split(**values: Any) -> tuple[str, str, str]:
    found = trace(**values)
    assert isinstance(found, RecordedTrace), found
    return found.thinking, found.response, found.finish_reason


def error(found: object) -> str:
    assert isinstance(found, RowFault), found
    return found.error


DONE = ("I think.", "It is 2.", "unknown")
USER = {"role": "user", "content": "1 + 1?"}


@pytest.mark.parametrize(
    "values",
    [
        {"thinking": "I think.", "response": "It is 2."},
        {"thinking": "<think>\nI think.\n</think>", "response": "It is 2."},
        {"reasoning": "I think.", "trace": "<think>I think.</think>It is 2."},
        {"response": "<think>\nI think.\n</think>\n\nIt is 2."},
        {"response": "I think.\n</think>\n\nIt is 2."},
        {"response": "<|im_start|>assistant\n<think>I think.</think>It is 2."},
        {"response": "<thinking>I think.</thinking>It is 2."},
        {"messages": [USER, {"role": "assistant", "content": "<think>I think.</think>It is 2."}]},
        {"messages": [USER, {"role": "assistant", "reasoning_content": "I think.", "content": "It is 2."}]},
        {
            "messages": [
                USER,
                {"role": "assistant", "content": [{"type": "text", "text": "I think.</think>It is 2."}]},
            ]
        },
        {
            "conversations": [
                {"from": "human", "value": "?"},
                {"from": "gpt", "value": "I think.</think>It is 2."},
            ]
        },
        {"messages": json.dumps([USER, {"role": "assistant", "content": "I think.</think>It is 2."}])},
    ],
)
def test_every_form_of_a_finished_trace(values: dict[str, Any]) -> None:
    assert split(**values) == DONE


def test_an_unfinished_trace_is_all_thinking() -> None:
    assert split(response="<think>I was cut") == ("I was cut", "", "length")
    assert split(thinking="I was cut", response="") == ("I was cut", "", "length")
    assert split(thinking="I was cut", response=None) == ("I was cut", "", "length")


@pytest.mark.parametrize(
    ("recorded", "finish_reason"),
    [("stop", "stop"), ("EOS", "stop"), ("length", "length"), ("tool_calls", "unknown"), (None, "unknown")],
)
def test_recorded_finish_reasons(recorded: str | None, finish_reason: str) -> None:
    assert split(thinking="I think.", response="2", finish_reason=recorded)[2] == finish_reason


def test_the_question_of_a_chat_is_the_last_before_the_answer() -> None:
    messages = [
        {"role": "system", "content": "Be exact."},
        {"role": "user", "content": "Hello"},
        {"role": "assistant", "content": "Hi"},
        {"role": "user", "content": "1 + 1?"},
        {"role": "assistant", "content": "I think.</think>2"},
        {"role": "user", "content": "Thanks"},
    ]
    values = {"messages": messages, "answer": 2}
    (found,) = parse_traces(values, guessed(values), DEFAULTS)
    assert isinstance(found, RecordedTrace)
    assert found.question.question == "1 + 1?"


def test_a_prompt_may_be_a_list_of_messages() -> None:
    found = question(prompt=[USER], answer="2")
    assert isinstance(found, Question)
    assert found.question == "1 + 1?"


@pytest.mark.parametrize(
    ("gold", "expected"),
    [
        ("72", "72"),
        (" 1,000 ", "1,000"),
        ("He sold 48/2 = <<48/2=24>>24.\nTogether 72.\n#### 72", "72"),
        (r"We add and find \boxed{\frac{1}{2}}.", r"\frac{1}{2}"),
        (72, "72"),
        (72.0, "72"),
        (0.5, "0.5"),
        (Decimal("7.00"), "7"),
        (["72"], "72"),
        (b"72", "72"),
    ],
)
def test_gold_answers(gold: Any, expected: str) -> None:
    found = question(question="q", answer=gold)
    assert isinstance(found, Question), found
    assert found.gold_answer == expected


@pytest.mark.parametrize(
    ("values", "name"),
    [
        ({"question": " "}, "no_question"),
        ({"answer": ""}, "no_gold_answer"),
        ({"answer": "####"}, "no_gold_answer"),
        ({"answer": r"We add 1 and 1 and get \boxed{}."}, "no_gold_answer"),
        ({"answer": float("nan")}, "no_gold_answer"),
        ({"answer": "So it goes. " * 100}, "no_gold_answer"),
        ({"thinking": "", "response": "It is 2."}, "no_thinking"),
        ({"response": "<think></think>It is 2."}, "no_thinking"),
        ({"thinking": "I think.", "answer": True}, "wrong_type"),
        ({"thinking": "I think.", "answer": ["2", "3"]}, "wrong_type"),
        ({"thinking": {"steps": ["one"]}}, "wrong_type"),
        ({"question": 7, "thinking": "I think."}, "wrong_type"),
        ({"messages": [{"role": "user", "content": 7}]}, "wrong_type"),
        ({"messages": [USER, {"role": "assistant", "reasoning": 7}]}, "wrong_type"),
        ({"thinking": "I think. \0"}, "nul_byte"),
        ({"thinking": "I think. \ud800"}, "bad_encoding"),
        ({"thinking": b"a\xff"}, "bad_encoding"),
        ({"messages": [USER, {"role": "assistant", "content": "\0</think>2"}]}, "nul_byte"),
        ({"thinking": "x" * 20_000_001}, "too_long"),
        ({"question": "x" * 20_000_001}, "too_long"),
    ],
)
def test_rows_that_cannot_be_used(values: dict[str, Any], name: str) -> None:
    defaults = {"thinking": "I think."} if not {"thinking", "response", "messages"} & values.keys() else {}
    pairs = ("gold_answer=answer",) if "answer" in values else ()
    assert error(trace(*pairs, **defaults, **values)) == name


def test_a_row_without_its_model_needs_a_default() -> None:
    values = {"question": "q", "answer": "2", "thinking": "I think.", "response": "2", "model": ""}
    (found,) = parse_traces(values, guessed(values), Defaults("f", "f"))
    assert error(found) == "wrong_type"
    (found,) = parse_traces(values, guessed(values), DEFAULTS)
    assert isinstance(found, RecordedTrace)
    assert found.student == "model-1"


def test_columns_of_the_file_come_before_its_defaults() -> None:
    found = question(question="q", answer="2", data_source="gsm8k", split="test")
    expected = Question(question_id("test", "q", "2"), "gsm8k", "test", "q", "2", "file.jsonl")
    assert found == replace(expected, meta='{"data_source": "gsm8k"}')
    found = question(question="q", answer="2")
    assert found == Question(question_id("", "q", "2"), "file", "", "q", "2", "file.jsonl")
