"""Names of students are split into line and checkpoint."""

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
def test_a_name_is_split_into_line_and_checkpoint(student, line, checkpoint):
    assert parse_student_name(student) == (line, checkpoint)
