"""Generated word problems with exact answers."""

from drp.questions.generators.generate import generate
from drp.questions.generators.problem_types import Computation, Operand, Operator, Problem, calculate
from drp.questions.generators.small_student_problems import LONGER, SHORT, draw

__all__ = [
    "LONGER",
    "SHORT",
    "Computation",
    "Operand",
    "Operator",
    "Problem",
    "calculate",
    "draw",
    "generate",
]
