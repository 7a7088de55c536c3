"""Names of students: a model (`small`, a folder), or one of its registered checkpoints (`small@champion`)."""

import re
from typing import NamedTuple

_CHECKPOINT = re.compile(r"(?P<line>.+)@(?P<checkpoint>champion|challenger|[0-9a-f]{6,32})")


class StudentName(NamedTuple):
    """The student line, whose checkpoints succeed one another, and the checkpoint, if the name has one."""

    line: str
    checkpoint: str | None


def parse_student_name(student: str) -> StudentName:
    """Split the name of a student into its line and its checkpoint."""
    match = _CHECKPOINT.fullmatch(student)
    return StudentName(match["line"], match["checkpoint"]) if match else StudentName(student, None)
