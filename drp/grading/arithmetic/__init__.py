"""Find the equations in a text that do not hold."""

from drp.grading.arithmetic.check import false_equations

__all__ = ["false_equations"]
