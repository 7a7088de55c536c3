"""Whole responses: the answer that is found, and its verdict."""

import pytest

from drp.core import Grade
from drp.grading import Grader, grade_responses
from tests.helpers.shared_data import shared_cases


@pytest.fixture(scope="module")
def grader():
    with Grader() as grader:
        yield grader


@pytest.mark.parametrize(
    ("gold", "response", "grade"),
    [
        ("14", r"It is \boxed{14}. So 14.", Grade("14", "boxed", "equal")),
        ("14", "\\boxed{14}\n\nFinal answer: 15", Grade("14", "boxed", "undecided", "15")),
        ("14", "\\boxed{15}\n\nFinal answer: 14", Grade("15", "boxed", "undecided", "14")),
        ("14", r"First \boxed{14}, then \boxed{15}.", Grade("15", "boxed", "different")),
        ("14", r"\boxed{14} is wrong.", Grade()),
        ("14", "", Grade()),
    ],
)
def test_the_verdict_of_a_response(grader, gold, response, grade):
    assert list(grade_responses(grader, [(gold, response)])) == [grade]


def test_responses_of_users(grader):
    rows = shared_cases("answers/responses.jsonl")
    grades = grade_responses(grader, [(row["answer"], row["response"]) for row in rows])
    judged = [(row["right"], grade.verdict == "equal", row) for row, grade in zip(rows, grades, strict=True)]
    assert [row for right, is_equal, row in judged if right == "equal" and not is_equal] == []
    assert [row for right, is_equal, row in judged if right == "different" and is_equal] == []
