"""Rollouts are graded by the answer in their response and survive the conversion to a row and back."""

from collections.abc import Iterator
from dataclasses import replace

import pyarrow as pa
import pytest

from drp.core.lake_schemas import ROLLOUTS
from drp.core.records import Grade, Question, Rollout
from drp.grading import GRADER_VERSION, Grader
from drp.questions.importers.parsing import RecordedTrace
from drp.student.grade_rollouts import grade_rollouts, rollout_from_row, rollout_row
from drp.student.recorded_traces import recorded_rollout


@pytest.fixture(scope="module")
def grader() -> Iterator[Grader]:
    with Grader(workers=1) as running:
        yield running


def pair(gold: str, response: str, thinking: str = "I think.") -> tuple[Question, Rollout]:
    question = Question(f"q-{gold}", "d", "", "1 + 1?", gold, "f")
    return question, recorded_rollout(RecordedTrace(question, "model-1", thinking, response, "unknown"))


def test_verdicts_stay_with_their_rollouts(grader: Grader) -> None:
    pairs = [
        pair("2", "So \\boxed{2}."),
        pair("2", ""),
        pair("0.5", "So \\boxed{\\frac{1}{2}}."),
        pair("2", "So \\boxed{3}."),
        pair("2", "", thinking="The box is \\boxed{2}, but I was cut"),
    ]
    graded_rollouts = list(grade_rollouts(iter(pairs), grader))
    assert [graded.rollout for graded in graded_rollouts] == [rollout for _, rollout in pairs]
    assert [graded.grade.verdict for graded in graded_rollouts] == ["equal", None, "equal", "different", None]
    assert [graded.grade.predicted_answer for graded in graded_rollouts] == [
        "2",
        None,
        "\\frac{1}{2}",
        "3",
        None,
    ]
    assert graded_rollouts[1].grade == Grade()


def test_grading_is_a_stream(grader: Grader) -> None:
    taken = 0

    def endless() -> Iterator[tuple[Question, Rollout]]:
        nonlocal taken
        while True:
            taken += 1
            yield pair("2", "" if taken % 2 else "\\boxed{2}")

    stream = grade_rollouts(endless(), grader)
    assert [next(stream).grade.verdict for _ in range(10)] == [None, "equal"] * 5
    assert taken < 10_000


def test_loops_are_detected_in_thinking_and_response(grader: Grader) -> None:
    loop = "Wait, again. " * 200
    pairs = [pair("2", "\\boxed{2}"), pair("2", "\\boxed{2}", loop), pair("2", loop + "\\boxed{2}")]
    assert [graded.is_degenerate for graded in grade_rollouts(pairs, grader)] == [False, True, True]


def test_a_row_fits_the_schema_and_gives_the_rollout_back(grader: Grader) -> None:
    for response in ("\\boxed{2}", ""):
        (graded,) = grade_rollouts([pair("2", response)], grader)
        row = rollout_row(graded, "hash-1")
        table = pa.Table.from_pylist([row], schema=ROLLOUTS)
        assert set(row) == set(ROLLOUTS.names)
        assert rollout_from_row(table.to_pylist()[0]) == graded
        assert (row["recipe_hash"], row["grader_version"]) == ("hash-1", GRADER_VERSION)
        assert rollout_from_row(rollout_row(replace(graded, is_degenerate=True), None)).is_degenerate
