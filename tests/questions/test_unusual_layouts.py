"""Layouts that were once read wrong in silence: each gives the right traces, or a fault that says why."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.questions.test_layouts import ASKED, GOLD, QUESTION, RESPONSE, THINKING, WHOLE, read

TEXT = {"type": "text", "text": RESPONSE}
REASONING = {"type": "reasoning", "summary": [{"type": "summary_text", "text": THINKING}]}
MESSAGE = {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": RESPONSE}]}


@pytest.mark.parametrize(
    "parts",
    [
        [{"type": "thinking", "thinking": THINKING, "signature": "s"}, TEXT],
        [{"type": "redacted_thinking", "data": "x"}, {"type": "thinking", "thinking": THINKING}, TEXT],
        [{"type": "reasoning", "text": THINKING}, TEXT],
        [{"type": "text", "text": f"<think>{THINKING}</think>"}, TEXT],
        [REASONING, MESSAGE],
        [{"type": "reasoning", "content": [{"type": "reasoning_text", "text": THINKING}]}, MESSAGE],
    ],
)
@pytest.mark.parametrize("column", ["content", "output", "response"])
def test_the_parts_of_one_message_are_one_generation(tmp_path: Path, column: str, parts: Any) -> None:
    row = {"prompt": QUESTION} | GOLD
    assert read(tmp_path, row | {column: parts}) == WHOLE
    assert read(tmp_path, row | {column: json.dumps(parts)}) == WHOLE
    assert read(tmp_path, {"messages": [ASKED, *parts]} | GOLD) == WHOLE


@pytest.mark.parametrize(
    ("opening", "closing"),
    [("<think>", "</thinking>"), ("<reasoning>", "</think>"), ("[THINK]", "</think>\n")],
)
def test_another_mark_closes_the_thinking(tmp_path: Path, opening: str, closing: str) -> None:
    row = {"question": QUESTION} | GOLD
    assert read(tmp_path, row | {"response": f"{opening}{THINKING}{closing}{RESPONSE}"}) == WHOLE
    answer = f"<answer>{RESPONSE}</answer>"
    assert read(tmp_path, row | {"response": f"{opening}{THINKING}{closing}{answer}"}) == WHOLE


def test_the_mark_that_belongs_to_the_opening_one_comes_first(tmp_path: Path) -> None:
    thinking = f"{THINKING} I may write </thinking> here."
    row = {"question": QUESTION, "response": f"<think>{thinking}</think>{RESPONSE}"} | GOLD
    assert read(tmp_path, row) == [(QUESTION, thinking, RESPONSE, "12")]


@pytest.mark.parametrize(
    ("begin", "end"), [("[|assistant|]", "[|endofturn|]"), ("<|turn>model\n", "<turn|>")]
)
def test_the_tokens_of_a_template_are_taken_off(tmp_path: Path, begin: str, end: str) -> None:
    row = {"question": QUESTION, "response": f"{begin}<think>{THINKING}</think>{RESPONSE}{end}\n"} | GOLD
    assert read(tmp_path, row) == WHOLE
    kept = "It is [|x|]"
    plain = {"question": QUESTION, "response": f"<think>{THINKING}</think>{kept}"} | GOLD
    assert read(tmp_path, plain) == [(QUESTION, THINKING, kept, "12")]
