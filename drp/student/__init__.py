"""The student: prompts, rollout engines, recorded rollouts and the grading of responses."""

from drp.student.grade_rollouts import grade_rollouts, rollout_from_row, rollout_row
from drp.student.model_files import ModelDescription, describe_model
from drp.student.new_recipe import new_recipe, parse_question_set
from drp.student.prompts import prompt
from drp.student.protocol import RolloutEngine, SampleRequest, Student
from drp.student.recorded_traces import recorded_rollout

__all__ = [
    "ModelDescription",
    "RolloutEngine",
    "SampleRequest",
    "Student",
    "describe_model",
    "engines",
    "grade_rollouts",
    "new_recipe",
    "parse_question_set",
    "prompt",
    "recorded_rollout",
    "rollout_from_row",
    "rollout_row",
    "small",
]
