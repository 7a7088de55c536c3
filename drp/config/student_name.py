"""Names of students: a model (`small`, a folder), or a registered checkpoint of it (`small@champion`)."""

import re
from typing import NamedTuple

_CHECKPOINT = re.compile(r"(?P<line>.+)@(?P<checkpoint>champion|challenger|[0-9a-f]{6,32})")


class StudentName(NamedTuple):
    """The student's line, whose checkpoints follow one another, and which of them is meant, if any."""

    line: str
    checkpoint: str | None


def parse_student_name(student: str) -> StudentName:
    """What a student's name says."""
    found = _CHECKPOINT.fullmatch(student)
    return StudentName(found["line"], found["checkpoint"]) if found else StudentName(student, None)
