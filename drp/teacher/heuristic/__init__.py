"""A rule-based teacher: `HeuristicTeacher` (teacher.py) calls pure functions on one trace.

decompose finds the steps. signals, answer, confirmations and decide find the units that carry the derivation.
compress, merge and revise make the decisions on steps. synthesise writes the revision.
"""

from drp.teacher.heuristic.decompose import decompose
from drp.teacher.heuristic.revise import revise
from drp.teacher.heuristic.synthesise import synthesise
from drp.teacher.heuristic.teacher import HeuristicTeacher
from drp.traces import SKILL_FAMILIES

__all__ = ["SKILL_FAMILIES", "HeuristicTeacher", "decompose", "revise", "synthesise"]
