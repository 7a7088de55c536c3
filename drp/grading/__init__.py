"""Extract answers from texts, compare them with gold answers, and check arithmetic."""

from drp.grading.arithmetic.check import FalseEquation, false_equations
from drp.grading.extract_answer import Extracted, extract_answer
from drp.grading.golden import GraderSelfTestError, GraderTimeoutError, self_test
from drp.grading.grades import grade_responses
from drp.grading.pool import GRADER_VERSION, Grader, GraderWorkerError

__all__ = [
    "GRADER_VERSION",
    "Extracted",
    "FalseEquation",
    "Grader",
    "GraderSelfTestError",
    "GraderTimeoutError",
    "GraderWorkerError",
    "arithmetic",
    "extract_answer",
    "false_equations",
    "grade_responses",
    "self_test",
]
