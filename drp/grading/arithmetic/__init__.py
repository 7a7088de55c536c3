"""Find the equations in a text that are false."""

from drp.grading.arithmetic.check import false_equations

__all__ = ["false_equations"]
