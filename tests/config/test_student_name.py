"""Names of students."""

import pytest

from drp.config.student_name import parse_student_name


@pytest.mark.parametrize(
    ("student", "line", "checkpoint"),
    [
        ("small", "small", None),
        ("small@champion", "small", "champion"),
        ("/models/r1@home@3f9c2a", "/models/r1@home", "3f9c2a"),
        ("models/r1@home", "models/r1@home", None),
    ],
)
def test_a_name_says_which_checkpoint_of_which_student(student, line, checkpoint):
    assert parse_student_name(student) == (line, checkpoint)
