"""Columns are recognised by their usual names or given with --map; otherwise an error shows what to do."""

import pytest

from drp.core.errors import BadInputError
from drp.questions.importers.columns import recognise


def test_usual_names_in_order_of_preference() -> None:
    mapping = recognise(
        ["Problem", "prompt", "Final-Answer", "trace", "response", "model"], [], "traces", "f"
    )
    assert dict(mapping.columns) == {
        "question": "Problem",
        "gold_answer": "Final-Answer",
        "response": "response",
        "student": "model",
    }


def test_a_pair_overrides_and_takes_its_column_away() -> None:
    mapping = recognise(
        ["question", "answer", "truth"], ["response=answer", "gold_answer=truth"], "questions", "f"
    )
    assert mapping.columns["response"] == "answer"
    assert mapping.columns["gold_answer"] == "truth"
    with pytest.raises(BadInputError, match="gold_answer"):
        recognise(["question", "answer"], ["response=answer"], "questions", "f")


def test_a_dot_reaches_into_a_struct_unless_a_column_has_that_name() -> None:
    mapping = recognise(["prompt", "reward_model", "data_source"], [], "questions", "f")
    assert mapping.value({"reward_model": {"ground_truth": "7"}}, "gold_answer") == "7"
    assert mapping.value({"reward_model": None}, "gold_answer") is None
    mapping = recognise(["question", "a.b"], ["gold_answer=a.b"], "questions", "f")
    assert mapping.value({"a.b": "7"}, "gold_answer") == "7"


@pytest.mark.parametrize(
    ("columns", "pairs", "message"),
    [
        (["question", "x"], [], r"recognised as gold_answer.*columns: question, x.*--map gold_answer=COLUMN"),
        (["x", "answer"], [], "--map question=COLUMN"),
        (["question", "answer", "cot"], [], "--map thinking=COLUMN"),
        (["question", "answer"], ["thinking=cot"], "no column 'cot'"),
        (["question", "answer"], ["cot=thinking"], "'cot' is not one of question, gold_answer, thinking"),
        (["question", "answer"], ["thinking"], "no column ''"),
        (["question", "answer", "thinking"], [], "--student NAME"),
    ],
)
def test_files_that_cannot_be_mapped(columns: list[str], pairs: list[str], message: str) -> None:
    with pytest.raises(BadInputError, match=message):
        recognise(columns, pairs, "traces", "traces.csv")


def test_a_student_can_be_named_for_the_file() -> None:
    assert "student" not in recognise(["question", "answer", "thinking"], [], "traces", "f", student="m")
