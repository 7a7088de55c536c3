"""Let the student's own summary stand for a thinking that cannot be cut.

The two are never mixed: a text of two kinds is hard to follow.
"""

import re
from collections.abc import Sequence

from drp.core import Refusal, StudentTrace
from drp.teacher.heuristic import signals
from drp.teacher.heuristic.decision_reasons import UnitVerdict
from drp.teacher.heuristic.find_answer import answer_of
from drp.teacher.heuristic.summary_links import links_of, underived_values, whole_summary
from drp.traces import Unit

_TENTATIVE = re.compile(  # tries, or agrees with itself
    r"\b(?:perhaps|maybe|indeed|let(?:'s| me) (?:test|try))\b|\b(?:yes|correct|right|good)[.!]*\Z|, yes,"
)
_TENTATIVE_WORDS = ("perhaps", "maybe", "indeed", "test", "try", "yes", "correct", "right", "good")
"""Each match of _TENTATIVE has one of these; a search for them is cheaper."""
_ASSERTED = re.compile(  # a result without its derivation
    r"\b(?:after|through|by) (?:careful|detailed|systematic|direct|checking|trying|testing|verif|enumerat"
    r"|inspection|trial|listing|solving|simplifying|some|further)\w*|\bas (?:detailed|verified)\b"
    r"|\bit can be (?:shown|verified)\b|\busing a (?:computer|calculator)\b",
    re.I,
)
_BROKEN_OFF = re.compile(r"\b(?:is|are|be|of|the|a|and|or|to|with|for|where|by|as)\Z")  # "the triples are"


def judge_as_fallback(trace: StudentTrace, units: Sequence[Unit]) -> list[UnitVerdict] | Refusal:
    """Let the summary stand for the thinking; refuse a trace whose summary does not derive the answer."""
    answer = answer_of(trace)
    if not any(answer.asserted_by(unit) for unit in units):
        return Refusal("teacher_no_conclusion", "the thinking never states the answer of the summary")
    text = whole_summary(trace)
    if text is None or not links_of(trace):
        return Refusal("teacher_no_conclusion", "the summary states the answer, but does not derive it")
    if asserted := _ASSERTED.search(text):
        return Refusal("teacher_lost_link", f"the summary only asserts: {asserted.group()!r}")
    if underived := underived_values(trace.question, text):
        return Refusal(
            "teacher_lost_link", f"the summary does not say how it gets {', '.join(underived[:5])}"
        )
    verdicts = [UnitVerdict(False, "not_in_summary") for _ in units]
    verdicts[-1].added = text
    return verdicts


def is_sure(unit: Unit) -> bool:
    """Whether a unit states something, and neither asks, doubts, checks nor takes anything back."""
    lower = unit.lower
    return not (
        unit.body.endswith("?")
        or (unit.body[-1:].isalpha() and _BROKEN_OFF.search(unit.body))
        or signals.takes_back(lower)
        or signals.retracts(lower)
        or signals.checks(lower)
        or signals.doubts(lower)
        or signals.UNEASY.search(lower)
        or (any(map(lower.__contains__, _TENTATIVE_WORDS)) and _TENTATIVE.search(lower))
        or signals.ALTERNATIVE.match(lower, signals.opening(lower))
    )
