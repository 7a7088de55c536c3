"""A rule-based teacher: `HeuristicTeacher` (teacher.py) calls pure functions on one trace.

Steps: decompose, with discourse, openers and formulas, cuts the trace into skill steps; labels, with
label_conditions and label_formulas, names the skill that each shows.
Verdicts: keep_or_delete, with signals, find_answer and confirming_checks, judges each sentence by rules, and
follow_summary, with summary_links, by the student's own summary; delete_digressions deletes checks and second
derivations as whole stretches; keep_referents restores what a sentence refers to.
Revision: revise, with compress and merge, makes the decisions on steps; synthesise writes the text; soundness
refuses what must not be taught.
"""

from drp.teacher.heuristic.decompose import decompose
from drp.teacher.heuristic.revise import revise
from drp.teacher.heuristic.synthesise import synthesise
from drp.teacher.heuristic.teacher import HeuristicTeacher
from drp.traces import SKILL_FAMILIES

__all__ = ["SKILL_FAMILIES", "HeuristicTeacher", "decompose", "revise", "synthesise"]
