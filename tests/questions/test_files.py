"""Importing a whole file gives one item per row, with ids independent of the order."""

import json
import random
from collections import Counter
from pathlib import Path

import pytest

from drp.core.errors import BadInputError
from drp.core.records import DeadLetter, Question
from drp.questions.importers.files import import_questions, import_traces
from drp.questions.importers.input_rows import INPUT_ERRORS
from drp.questions.importers.parsing import RecordedTrace
from tests.helpers.shared_data import shared_file

LINES = [
    *(json.dumps({"n": n, "question": f"{n} + 1?", "answer": str(n + 1)}) for n in range(5)),
    json.dumps({"n": 99, "question": "3 + 1?", "answer": "4"}),
    json.dumps({"question": "empty gold", "answer": ""}),
    "torn",
    "torn",
    "torn too",
]


def imported(path: Path, lines: list[str]) -> list[Question | DeadLetter]:
    path.write_text("\n".join(lines))
    return list(import_questions(path))


def ids(items: list[Question | DeadLetter]) -> list[str]:
    return sorted(item.dead_letter_id if isinstance(item, DeadLetter) else item.question_id for item in items)


def test_every_row_comes_out_once_in_order(tmp_path: Path) -> None:
    items = imported(tmp_path / "sums.jsonl", LINES)
    assert len(items) == len(LINES)
    assert len(set(ids(items))) == len(items)
    letters = [item for item in items if isinstance(item, DeadLetter)]
    assert [(letter.line, letter.error) for letter in letters] == [
        (6, "duplicate"),
        (7, "no_gold_answer"),
        (8, "bad_json"),
        (9, "bad_json"),
        (10, "bad_json"),
    ]
    assert {letter.source for letter in letters} == {"sums.jsonl"}
    assert letters[0].detail == "the same as line 4"
    assert letters[2].raw == "torn"
    assert {letter.error for letter in letters} <= set(INPUT_ERRORS)


@pytest.mark.parametrize("seed", range(5))
def test_a_shuffled_file_gives_the_same_ids(tmp_path: Path, seed: int) -> None:
    shuffled = random.Random(seed).sample(LINES, len(LINES))  # noqa: S311
    assert ids(imported(tmp_path / "sums.jsonl", shuffled)) == ids(imported(tmp_path / "sums.jsonl", LINES))


def test_one_more_row_changes_no_other(tmp_path: Path) -> None:
    before = set(ids(imported(tmp_path / "sums.jsonl", LINES)))
    after = set(
        ids(imported(tmp_path / "sums.jsonl", ["torn", '{"question": "new", "answer": "1"}', *LINES]))
    )
    assert before < after
    assert len(after) == len(before) + 2


def test_a_file_that_cannot_be_used_is_refused_before_its_first_row(tmp_path: Path) -> None:
    path = tmp_path / "traces.jsonl"
    path.write_text('{"question": "q", "answer": "1", "thinking": "I think."}\n')
    with pytest.raises(BadInputError, match="--student"):
        import_traces(path)
    with pytest.raises(BadInputError, match="there is no file"):
        import_traces(tmp_path / "gone.jsonl")


def test_traces_by_their_own_names_and_the_same_trace_twice(tmp_path: Path) -> None:
    path = tmp_path / "traces.jsonl"
    row = {"q": "1 + 1?", "truth": "2", "cot": "I think.", "said": "2"}
    path.write_text(f"{json.dumps(row)}\n{json.dumps(row | {'said': '3'})}\n{json.dumps(row | {'id': 7})}\n")
    pairs = ["question=q", "gold_answer=truth", "thinking=cot", "response=said"]
    first, second, again = import_traces(path, pairs=pairs, student="model-1")
    assert isinstance(first, RecordedTrace)
    assert isinstance(second, RecordedTrace)
    assert first.question == second.question
    assert (first.student, second.response) == ("model-1", "3")
    assert isinstance(again, DeadLetter)
    assert again.error == "duplicate"


def test_real_traces() -> None:
    items = list(import_traces(shared_file("traces.parquet")))
    assert Counter(type(item) for item in items) == {RecordedTrace: 1043}
    finished = Counter(item.finish_reason for item in items if isinstance(item, RecordedTrace))
    assert finished == {"unknown": 938, "length": 105}
