"""The recipe's teacher, ready to work."""

from drp.recipe import Recipe
from drp.teacher.heuristic import HeuristicTeacher
from drp.teacher.parallel import InProcesses
from drp.teacher.protocol import Teacher


def make_teacher(recipe: Recipe, workers: int) -> Teacher:
    """The teacher that `recipe` names; one that works on this machine's cores gets `workers` of them."""
    return InProcesses(HeuristicTeacher, workers)
