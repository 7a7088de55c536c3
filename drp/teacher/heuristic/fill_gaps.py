"""Keep whole stretches: restore sentences that were deleted one by one between kept ones.

A single sentence is deleted for what its words say, and now and then it holds what the next one needs. With
such a gap the reasoning is disjointed, as it is when single sentences are pruned (paper, section 6.1,
appendix H). Checks, doubts and attempts are deleted as stretches and stay so.
"""

import re
from collections.abc import Sequence

from drp.teacher.heuristic import signals
from drp.teacher.heuristic.decision_reasons import DecisionReason, UnitVerdict
from drp.teacher.heuristic.delete_digressions import turns
from drp.traces import Unit

_SINGLE: frozenset[DecisionReason] = frozenset(  # deleted by itself, not as part of something else
    {"restated_question", "meta_talk", "repeated", "dangling", "unused_result", "self_question"}
)
_ASKS = re.compile(r"(?:what|which|how (?:many|much))\b")  # a question that the next sentence answers
_QUESTION = 120  # most characters of such a question
_TELLING = 2  # content words of a sentence that says something


def fill_gaps(units: Sequence[Unit], verdicts: list[UnitVerdict]) -> None:
    """Change verdicts so that a kept sentence follows what is before it in its paragraph."""
    start = 0  # of the paragraph, or after the last kept unit
    has_kept = False
    for unit in units:
        if unit.index and units[unit.index - 1].paragraph != unit.paragraph:
            start = unit.index
        if not verdicts[unit.index].keep:
            continue
        for before in reversed(units[start : unit.index] if has_kept else ()):
            if verdicts[before.index].reason not in _SINGLE or turns(before):
                break
            if verdicts[before.index].reason != "repeated" and _says_something(before):
                verdicts[before.index] = UnitVerdict(True, "lead_in", verdicts[before.index].added)
        has_kept = True
        start = unit.index + 1


def _says_something(unit: Unit) -> bool:
    lower = unit.lower
    if signals.takes_back(lower) or signals.doubts(lower) or signals.restates(lower) or signals.UNEASY.search(lower):
        return False
    start = signals.opening(lower)
    if unit.body.endswith("?"):
        return len(unit.body) <= _QUESTION and _ASKS.match(lower, start) is not None
    if signals.META.match(lower, start) and not unit.marks:
        return False
    return len(unit.vocabulary) >= _TELLING
