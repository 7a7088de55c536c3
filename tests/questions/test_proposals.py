"""What a refusal proposes may be run unchanged: it never stores a wrong field."""

import json
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from drp.core import BadInputError, DeadLetter
from drp.questions.importers.columns import ImportCommand
from drp.questions.importers.fault_advice import FaultSummary
from drp.questions.importers.files import import_traces
from drp.questions.importers.parsing import RecordedTrace

THINKING = "There are 3 rows.\n\nEach row has {n} eggs, so 3 * {n} = {gold}.\n\nWait, that is right."
RESPONSE = "3 rows of {n} eggs are {gold} eggs.\n\n\\boxed{{{gold}}}"
MARKED = f"<think>\n{THINKING}\n</think>\n\n{RESPONSE}"
QUESTION = "A box holds 3 rows of {n} eggs. How many eggs are in it?"


def filled(value: Any, n: int) -> Any:
    """Fill a template in, through structures; numbers and texts without a field stay as they are."""
    if isinstance(value, dict):
        return {name: filled(inner, n) for name, inner in value.items()}
    if isinstance(value, list):
        return [filled(inner, n) for inner in value]
    return value.format(n=n, gold=3 * n) if isinstance(value, str) else value


def write(tmp_path: Path, template: dict[str, Any]) -> Path:
    path = tmp_path / "traces.jsonl"
    path.write_text("".join(json.dumps(filled(template, n)) + "\n" for n in range(4, 9)), encoding="utf-8")
    return path


def proposals(path: Path, *pairs: str) -> list[str]:
    with pytest.raises(BadInputError) as refused:
        import_traces(path, pairs=pairs, student="m")
    words = str(refused.value).partition("Next: ")[2].replace("'", "").replace(",", "").split()
    return [pair for option, pair in pairwise(words) if option == "--map"]


def golds(path: Path, *pairs: str) -> list[str]:
    found = list(import_traces(path, pairs=pairs, student="m"))
    assert all(isinstance(item, RecordedTrace) for item in found), found
    return [item.question.gold_answer for item in found if isinstance(item, RecordedTrace)]


ASKED = {"question": QUESTION, "response": MARKED}
RIGHT = ["12", "15", "18", "21", "24"]


@pytest.mark.parametrize(
    "columns",
    [
        {"overall_quality": 5, "num_tokens": 812, "step": 3, "score": 1.0},
        {"response_id": "vfm_{n}", "uuid": "u{n}", "sampleIndex": 7, "tokenCount": 9},
        {"reward": 0.5, "answer_length": "{n}", "correct_count": 2, "level_of_text": "B{n}"},
        {"options": ["11", "12"], "is_correct": "Yes", "choices": {"text": ["1"], "label": ["A"]}},
        {"target": 4096},
        {"model_answer": "{n}", "extracted_answer": "{n}", "predictedAnswer": "{n}"},
        {"licence": "mit", "weather": "fine {n}"},
    ],
)
def test_a_column_that_does_not_hold_gold_answers_is_not_proposed(
    tmp_path: Path, columns: dict[str, Any]
) -> None:
    assert proposals(write(tmp_path, ASKED | columns)) == ["gold_answer=COLUMN"]


@pytest.mark.parametrize(
    ("columns", "expected"),
    [
        ({"gts": "{gold}", "step": 3}, "gold_answer=gts"),
        ({"FinalResultKey": "{gold}"}, "gold_answer=FinalResultKey"),
        ({"ground_truth_solution": f"We see: {RESPONSE}"}, "gold_answer=ground_truth_solution"),
        ({"x": "{gold}", "z": "{n}"}, "gold_answer=x"),  # what the responses end with
        ({"info": {"correctAnswer": "{gold}", "score": 1}}, "gold_answer=info.correctAnswer"),
        ({"info": {"ground_truth": {"value": "{gold}"}}}, "gold_answer=info.ground_truth.value"),
    ],
)
def test_a_proposed_gold_answer_is_the_right_one(
    tmp_path: Path, columns: dict[str, Any], expected: str
) -> None:
    path = write(tmp_path, ASKED | columns)
    assert proposals(path) == [expected]
    assert golds(path, expected) == RIGHT


def test_a_gold_answer_inside_the_question_is_proposed(tmp_path: Path) -> None:
    path = write(tmp_path, {"problem": {"question": QUESTION, "answer": "{gold}"}, "response": MARKED})
    pairs = ("question=problem.question",)
    assert proposals(path, *pairs)[-1:] == ["gold_answer=problem.answer"]
    assert golds(path, *pairs, "gold_answer=problem.answer") == RIGHT


def test_a_target_that_is_a_budget_is_no_gold_answer(tmp_path: Path) -> None:
    assert golds(write(tmp_path, ASKED | {"target": 4096, "solution": RESPONSE})) == RIGHT


def test_each_thinking_has_its_own_response(tmp_path: Path) -> None:
    template = {
        "question": QUESTION, "solution": "{gold}",
        "a1_thinking_trajectory": "Hmm. " + THINKING, "a1_attempt": "So " + RESPONSE,
        "b2_thinking_trajectory": THINKING, "b2_attempt": RESPONSE, "a1_grade_reason": f"Good. {RESPONSE}",
    }  # fmt: skip
    path = write(tmp_path, template)
    assert proposals(path) == ["thinking=a1_thinking_trajectory", "thinking=b2_thinking_trajectory"]
    for name in ("a1", "b2"):
        pairs = (f"thinking={name}_thinking_trajectory",)
        assert proposals(path, *pairs)[-3] == f"response={name}_attempt"
        assert golds(path, *pairs, f"response={name}_attempt") == RIGHT


@pytest.mark.parametrize(
    ("columns", "expected"),
    [
        ({"reasonings": [THINKING, f"Hm. {THINKING}"]}, "thinking=reasonings"),
        ({"message": {"role": "assistant", "content": RESPONSE, "thinking": THINKING}}, "response=message"),
        ({"reply": {"body": [{"text": MARKED, "n": 1}]}}, "response=reply.body"),
        ({"by": {"r1": MARKED}}, "response=by.r1"),
    ],
)
def test_thinking_is_found_inside_structures(tmp_path: Path, columns: dict[str, Any], expected: str) -> None:
    path = write(tmp_path, {"question": QUESTION, "answer": "{gold}"} | columns)
    assert proposals(path) == [expected]
    assert set(golds(path, expected)) == set(RIGHT)


GOOD = ASKED | {"answer": "{gold}"}


@pytest.mark.parametrize(
    ("columns", "expected"),
    [
        ({"answer": ["{gold}", "{gold}.0"]}, ["gold_answer=answer[0]"]),
        ({"question": {"id": 4, "statement": QUESTION, "hint": "!"}}, ["question=question.statement"]),
        ({"question": {"en": QUESTION}}, ["question=question.en"]),
        (
            {"response": {"body": {"choices": [{"message": {"content": MARKED}}]}}},
            ["response=response.body.choices"],
        ),
        ({"response": {"r1": MARKED, "qwq": MARKED}}, ["response=response.r1", "response=response.qwq"]),
        ({"response": [["a", 1]]}, ["response=COLUMN"]),
        ({"answer": {"value": "{gold}", "type": "int", "aliases": ["{n}"]}}, ["gold_answer=answer.value"]),
        ({"answer": ["{gold}", "{n}"]}, ["gold_answer=COLUMN"]),  # which of them is not known
    ],
)  # fmt: skip
def test_a_value_of_a_wrong_type_names_its_field_and_address(
    tmp_path: Path, columns: dict[str, Any], expected: list[str]
) -> None:
    path = write(tmp_path, GOOD | columns)
    assert proposals(path) == expected
    for pair in expected:
        if not pair.endswith("COLUMN"):
            assert golds(path, pair) == RIGHT


@pytest.mark.parametrize(
    ("columns", "expected"),
    [
        ({"answer": ["{gold}", "{gold}.0"]}, "--map 'gold_answer=answer[0]', or leave"),
        ({"response": {"r1": MARKED}}, "--map response=response.r1, or leave"),
        ({"response": 5}, "--map response=COLUMN, or leave"),
        ({"response": f"{MARKED}\n{MARKED}"}, "cut these rows to one block of thinking"),
        ({"response": f"So:{MARKED}"}, "cut the text in front of the thinking"),
        ({"problem": "What?"}, "--map question=question or --map question=problem"),
        ({"reasoning": "Hm. I see."}, "--map thinking=reasoning or --map thinking="),
        ({"response": [MARKED, MARKED], "thinking": [THINKING]}, "give both columns as many items"),
        ({"response": f"{MARKED}\0"}, "remove the NUL bytes"),
    ],
)
def test_the_dead_letters_of_a_cause_name_the_field_and_what_mends_it(
    tmp_path: Path, columns: dict[str, Any], expected: str
) -> None:
    path = tmp_path / "traces.jsonl"
    agreeing = {"problem": QUESTION, "reasoning": THINKING, "thinking": [THINKING]}
    good = GOOD | {name: value for name, value in agreeing.items() if name in columns}
    rows = [*(filled(good, n) for n in range(4, 1_100)), filled(GOOD | columns, 3)]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    faults = FaultSummary(ImportCommand("traces", "traces.jsonl", (), "m"))
    *traces, letter = import_traces(path, student="m")
    assert len(traces) == 1_096
    assert isinstance(letter, DeadLetter)
    faults.add(letter)
    (line,) = faults.lines()
    assert expected in line
    assert ("drp import traces" in line) == ("--map" in expected)


@pytest.mark.parametrize(
    ("columns", "expected"),
    [
        ({"response": f"{MARKED}\n{MARKED}"}, "cut these rows to one block of thinking"),
        ({"response": [MARKED, MARKED], "thinking": [THINKING]}, "give both columns as many items"),
        ({"response": f"{MARKED}\0"}, "remove the NUL bytes"),
        ({"response": [{"id": 5}, MARKED.replace("think>", "mull>")]}, "--map response=COLUMN"),
    ],
)
def test_a_file_whose_rows_share_one_fault_is_refused(
    tmp_path: Path, columns: dict[str, Any], expected: str
) -> None:
    path = write(tmp_path, GOOD | columns)
    with pytest.raises(BadInputError, match="none of the first 5 rows can be used") as refused:
        import_traces(path, student="m")
    assert expected in str(refused.value)
    path.write_text(path.read_text("utf-8") + json.dumps(filled(GOOD, 9)) + "\n", encoding="utf-8")
    *letters, trace = import_traces(path, student="m")
    assert isinstance(trace, RecordedTrace)
    assert all(isinstance(letter, DeadLetter) for letter in letters)


def test_a_row_without_a_model_names_the_student(tmp_path: Path) -> None:
    path = write(tmp_path, GOOD | {"model": {"id": 7, "text": "m"}})
    with pytest.raises(BadInputError, match="does not name a model") as refused:
        import_traces(path)
    assert "--map student=model.text" in str(refused.value)


def test_all_responses_of_a_row_are_proposed_at_once(tmp_path: Path) -> None:
    columns = {"reasonings": [THINKING, f"Hm. {THINKING}"], "answers": [RESPONSE, f"So, {RESPONSE}"]}
    path = write(tmp_path, {"question": QUESTION, "ground_truth": "{gold}"} | columns)
    assert proposals(path, "thinking=reasonings")[1:] == ["response=answers", "response="]
    assert len(golds(path, "thinking=reasonings", "response=answers")) == 10


@pytest.mark.parametrize("choices", [["11", "12"], {"text": ["11", "12"], "label": ["A", "B"]}])
def test_options_are_no_responses(tmp_path: Path, choices: Any) -> None:
    assert golds(write(tmp_path, GOOD | {"choices": choices})) == RIGHT


def test_a_text_with_thinking_is_no_question(tmp_path: Path) -> None:
    path = write(tmp_path, {"body": f"{QUESTION}\n{MARKED}", "answer": "{gold}"})
    assert proposals(path) == ["question=COLUMN"]
