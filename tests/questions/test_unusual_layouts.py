"""Layouts that were once read wrong in silence: each gives the right traces, or a fault that says why."""

import json
from pathlib import Path
from typing import Any

import pytest

from drp.core import DeadLetter
from drp.core.errors import BadInputError
from drp.questions.importers.files import import_questions
from drp.questions.importers.parsing import RecordedTrace
from tests.questions.test_layouts import (
    ASKED,
    BOTH,
    FIRST_TEXT,
    GOLD,
    QUESTION,
    RESPONSE,
    SECOND,
    SECOND_TEXT,
    THINKING,
    WHOLE,
    items,
    read,
)

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


def summary(found: list[RecordedTrace | DeadLetter]) -> list[tuple[str, ...]]:
    return [
        (item.thinking, item.response, item.finish_reason)
        if isinstance(item, RecordedTrace)
        else (item.error, item.detail)
        for item in found
    ]


@pytest.mark.parametrize(
    "generations",
    [
        {"generations": {"text": [FIRST_TEXT, SECOND_TEXT]}},
        {"response": {"text": [FIRST_TEXT, SECOND_TEXT], "index": [0, 1]}},
        {"response": {"thinking": [THINKING, SECOND], "text": [RESPONSE, RESPONSE], "engine": "v"}},
        {"thinking": {"text": [THINKING, SECOND]}, "response": {"text": [RESPONSE, RESPONSE]}},
    ],
)
def test_a_structure_of_lists_holds_one_generation_for_each_item(
    tmp_path: Path, generations: dict[str, Any]
) -> None:
    assert read(tmp_path, {"problem": QUESTION} | generations | GOLD) == BOTH


def test_two_responses_for_one_thinking_are_a_fault(tmp_path: Path) -> None:
    row = {"problem": QUESTION, "thinking": THINKING, "response": {"text": [RESPONSE, f"{RESPONSE}!"]}} | GOLD
    with pytest.raises(BadInputError, match="2 generations, but 1 in column thinking"):
        items(tmp_path, row)


@pytest.mark.parametrize(
    ("values", "pair", "choice"),
    [
        ({"answers": [RESPONSE, f"{RESPONSE}!"], "reasonings": [THINKING, SECOND]}, "reasonings", "answers"),
        ({"message": {"content": RESPONSE, "thinking": THINKING}}, "message.thinking", "message"),
    ],
)
def test_no_response_but_a_structure_that_may_hold_it_is_a_doubt(
    tmp_path: Path, values: dict[str, Any], pair: str, choice: str
) -> None:
    row = {"problem": QUESTION, "ground_truth": "12"} | values
    with pytest.raises(BadInputError, match=f"--map response={choice} or --map response="):
        items(tmp_path, row, pairs=(f"thinking={pair}",))
    assert read(tmp_path, row, f"thinking={pair}", f"response={choice}")[0][1] == THINKING


CLOSED = {
    "question": QUESTION,
    "response": f"{THINKING}\n</think>\n\n{RESPONSE}",
    "finish_reason": "stop",
} | GOLD
OPEN_PROMPT = f"<|im_start|>user\n{QUESTION}<|im_end|>\n<|im_start|>assistant\n<think>\n"


def test_a_cut_response_is_thinking_if_the_prompt_opens_it(tmp_path: Path) -> None:
    cut = CLOSED | {"response": SECOND, "finish_reason": "length"}
    assert summary(items(tmp_path, CLOSED, cut))[1] == (SECOND, "", "length")
    assert summary(items(tmp_path, cut | {"question": OPEN_PROMPT})) == [(SECOND, "", "length")]
    unknown = cut | {"question": f"{QUESTION}\n<think>\n", "finish_reason": None}
    ((question, *_), _) = [(i.question.question, i) for i in items(tmp_path, unknown, CLOSED)]  # type: ignore[union-attr]
    assert question == QUESTION


def test_a_response_without_marks_is_no_thinking_unless_it_was_cut(tmp_path: Path) -> None:
    ended = CLOSED | {"response": SECOND}
    assert summary(items(tmp_path, CLOSED, ended))[1][0] == "no_thinking"
    empty = CLOSED | {"response": "</think>It is", "finish_reason": "length"}
    assert summary(items(tmp_path, CLOSED, empty))[1][0] == "no_thinking"
    for lost in (ended | {"question": OPEN_PROMPT}, CLOSED | {"response": SECOND, "finish_reason": "length"}):
        with pytest.raises(BadInputError, match="--map thinking="):  # no row shows that thinking is marked
            items(tmp_path, lost)


def said(text: str, role: str = "assistant") -> dict[str, str]:
    return {"role": role, "content": text}


def test_two_answers_to_one_message_are_a_doubt(tmp_path: Path) -> None:
    messages = [ASKED, said(FIRST_TEXT), said(SECOND_TEXT)]
    with pytest.raises(BadInputError, match="2 answers follow one user message, and each of them may be the"):
        items(tmp_path, {"messages": messages} | GOLD)
    assert read(tmp_path, {"messages": messages} | GOLD, "response=messages[1]") == WHOLE
    assert read(tmp_path, {"messages": messages} | GOLD, "response=messages[2]") == BOTH[1:]


@pytest.mark.parametrize("first", [FIRST_TEXT, RESPONSE, "The answer is 12.", "It is \\boxed{7}."])
@pytest.mark.parametrize("is_prompt", [False, True])
def test_a_follow_up_is_not_taken_for_the_question(tmp_path: Path, first: str, *, is_prompt: bool) -> None:
    turns = [ASKED, said(first), said("Are you sure?", "user")]
    row = (
        {"prompt": turns, "response": SECOND_TEXT} if is_prompt else {"messages": [*turns, said(SECOND_TEXT)]}
    )
    with pytest.raises(BadInputError, match="several user messages have answers"):
        items(tmp_path, row | GOLD)
    column = "prompt" if is_prompt else "messages"
    assert read(tmp_path, row | GOLD, f"question={column}[0].content") == BOTH[1:]


def test_small_talk_may_come_before_the_question(tmp_path: Path) -> None:
    turns = [said("Hello", "user"), said("Hi, what can I do?"), ASKED]
    assert read(tmp_path, {"messages": [*turns, said(FIRST_TEXT)]} | GOLD) == WHOLE
    assert read(tmp_path, {"prompt": turns, "response": FIRST_TEXT} | GOLD) == WHOLE
    path = tmp_path / "questions.jsonl"
    path.write_text(json.dumps({"prompt": turns, "answer": "12"}))
    (found,) = import_questions(path)
    assert not isinstance(found, DeadLetter)
    assert found.question == QUESTION


def test_a_row_without_its_answer_has_that_of_the_solution(tmp_path: Path) -> None:
    row = {"question": QUESTION, "response": FIRST_TEXT, "solution": "So there are $\\boxed{12}$ eggs."}
    second = {"question": f"{QUESTION}!", "response": FIRST_TEXT, "answer": None}
    found = items(tmp_path, row | {"answer": "12"}, row | second, row | second | {"solution": "We multiply."})
    golds = [item.question.gold_answer if isinstance(item, RecordedTrace) else item.error for item in found]
    assert golds == ["12", "12", "no_gold_answer"]


def test_a_gold_answer_may_be_json_text(tmp_path: Path) -> None:
    row = {"question": QUESTION, "response": FIRST_TEXT}
    assert read(tmp_path, row | {"answer": '["12"]'}) == WHOLE
    assert read(tmp_path, row | {"answer": "{1, 2}"})[0][3] == "{1, 2}"
    assert read(tmp_path, row | {"answer": "[12]"})[0][3] == "[12]"
    with pytest.raises(BadInputError, match=r"--map gold_answer=answer\.value"):
        items(tmp_path, row | {"answer": '{"value": 12}'})
