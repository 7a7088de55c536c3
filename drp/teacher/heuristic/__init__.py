"""A rule-based teacher: `HeuristicTeacher` (teacher.py) over pure functions on one trace.

text (units, plain spelling) → skills, decompose; signals, answer, decide (which units carry the derivation) →
compress, merge, revise (decisions on steps) → synthesise.
"""

from drp.teacher.heuristic.decompose import decompose
from drp.teacher.heuristic.revise import revise
from drp.teacher.heuristic.synthesise import synthesise
from drp.teacher.heuristic.teacher import HeuristicTeacher
from drp.traces import SKILL_FAMILIES

__all__ = ["SKILL_FAMILIES", "HeuristicTeacher", "decompose", "revise", "synthesise"]
