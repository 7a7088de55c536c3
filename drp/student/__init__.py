"""The student: what a rollout is, how a question is put, and how responses are graded."""

from drp.student.grade_rollouts import grade_rollouts, rollout_from_row, rollout_row
from drp.student.prompts import prompt
from drp.student.protocol import RolloutEngine, SampleRequest, Student
from drp.student.recorded import recorded_rollout

__all__ = [
    "RolloutEngine",
    "SampleRequest",
    "Student",
    "engines",
    "grade_rollouts",
    "prompt",
    "recorded_rollout",
    "rollout_from_row",
    "rollout_row",
    "small",
]
