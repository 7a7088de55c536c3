"""The student: prompts, rollout engines, recorded rollouts and the grading of responses."""

from drp.student.grade_rollouts import grade_rollouts, rollout_from_row, rollout_row
from drp.student.prompts import prompt
from drp.student.protocol import RolloutEngine, SampleRequest, Student
from drp.student.recorded_traces import recorded_rollout

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
