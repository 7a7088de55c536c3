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
_MEMBER = _SINGLE - {"self_question"}
_TAKEN: frozenset[DecisionReason] = frozenset(
    {"repeated", "abandoned_attempt", "turned_back", "after_answer"}
)
_ASKS = re.compile(r"\b(?:what|which|how (?:many|much))\b")  # a question that the next sentence answers
_QUESTION = 120  # most characters of such a question
_TELLING = 2  # content words of a sentence that says something


def fill_gaps(units: Sequence[Unit], verdicts: list[UnitVerdict]) -> None:
    """Change verdicts so that nothing is missing between two kept sentences if nothing there turns away.

    Where something does, what follows it in the paragraph of the second sentence is restored.
    """
    gap: list[Unit] = []
    has_kept = False
    for unit in units:
        if not verdicts[unit.index].keep:
            gap.append(unit)
            continue
        is_whole = not any(turns(one) for one in gap)
        for before in reversed(gap if has_kept else ()):
            is_single = verdicts[before.index].reason in _SINGLE and before.paragraph == unit.paragraph
            if not is_whole and (not is_single or turns(before)):
                break
            if verdicts[before.index].reason not in _TAKEN and _says_something(before):
                verdicts[before.index] = UnitVerdict(True, "lead_in")
        gap, has_kept = [], True


def keep_members(verdicts: list[UnitVerdict], belongs: Sequence[bool]) -> None:
    """Keep all of two or more members of a list in a row if half of them are kept: gaps mislead.

    Args:
        verdicts: one for each unit.
        belongs: whether each unit is a member of a list.
    """
    index = 0
    while index < len(belongs):
        stop = index
        while stop < len(belongs) and belongs[stop]:
            stop += 1
        kept = sum(verdict.keep for verdict in verdicts[index:stop])
        if stop - index >= 2 and 2 * kept >= stop - index:
            for place in range(index, stop):
                if not verdicts[place].keep and verdicts[place].reason in _MEMBER:
                    verdicts[place] = UnitVerdict(True, "list_member")
        index = max(stop, index + 1)


def _says_something(unit: Unit) -> bool:
    lower = unit.lower
    if (
        signals.takes_back(lower)
        or signals.doubts(lower)
        or signals.restates(lower)
        or signals.UNEASY.search(lower)
    ):
        return False
    start = signals.opening(lower)
    if unit.body.endswith("?"):
        return len(unit.body) <= _QUESTION and _ASKS.search(lower, start) is not None
    if (signals.META.match(lower, start) and not unit.marks) or signals.confirms(lower):
        return False
    return len(unit.vocabulary) >= _TELLING
