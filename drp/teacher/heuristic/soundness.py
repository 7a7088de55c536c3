"""Check a revision before it is handed on: can the student learn the derivation from it?

The gates check the revisions of every teacher. This teacher refuses more, namely what its rules cannot tell
apart.
"""

import re
from collections.abc import Sequence
from itertools import pairwise

from drp.core import Refusal, Revision, StudentTrace
from drp.derivation import DerivationFault
from drp.grading.arithmetic import false_equations
from drp.teacher.heuristic.decision_reasons import UnitVerdict
from drp.teacher.heuristic.delete_digressions import facts_of, turns
from drp.teacher.heuristic.find_answer import answer_of, find_end, fraction_of
from drp.teacher.heuristic.signals import GOING_BACK, UNEASY, checks, confirms, retracts, takes_back
from drp.teacher.heuristic.summary_links import Link, links_of, numbers_in
from drp.traces import STRONG, VALUE, Unit, is_balanced, plain, units

_CHECKS = 1  # most checks that may remain
_UNEASY_EVERY = 2_500  # characters of a revision for each doubt that may remain
_CONCLUDES = re.compile(r"(?:so|therefore|thus|hence|which means|that means)\b")
_UNSETTLED = 2  # most unsettled statements of a trace
_CALCULATES = re.compile(r"[\d)]\s?[-+*/^]\s?[\d(√]")  # an operation between numbers
_SOON = 2  # units in which a calculation is only written out
_CUTS = 4  # most cuts of a derivation, a rough one counting as two
_HARMLESS = frozenset({"repeated", "restated_question", "meta_talk", "after_answer"})
"""Reasons for which nothing is lost that the derivation needs."""
_UNTOLD = 0.2  # largest share of the summary's links that a revision may lack
_UNITS, _UNITS_PER_LINK = 60, 4
"""A revision with more units, and with more for each link of its summary, is more than a derivation."""
_SHORT_UNITS, _SHORT_UNITS_PER_LINK = 40, 3
"""A revision with more may be more than a derivation."""


def is_long(trace: StudentTrace, revision: Revision) -> bool:
    """Whether a revision may be more than a derivation."""
    count = len(units(revision.thinking))
    return count > max(_SHORT_UNITS, _SHORT_UNITS_PER_LINK * len(links_of(trace)))


def refusal_of(trace: StudentTrace, revision: Revision, *, must_agree: bool) -> Refusal | None:
    """Return why this revision must not be taught; None if it may.

    Args:
        trace: the trace.
        revision: its revision.
        must_agree: whether the revision must state the results of the student's summary.
    """
    thinking, response = revision.thinking, revision.response
    if not thinking:
        return Refusal("teacher_no_conclusion", "nothing of the thinking is left")
    answer = answer_of(trace)
    kept = units(thinking)
    if not any(answer.asserted_by(unit) for unit in kept[-6:]) or find_end(kept, answer) is None:
        return Refusal("teacher_no_conclusion", "the thinking never concludes the student's answer")
    if not is_balanced(thinking) or not is_balanced(response):
        return Refusal("malformed", "a formula, brace or environment is not closed")
    in_all = len(trace.thinking) + len(trace.response)
    if len(thinking) >= len(trace.thinking) or len(thinking) + len(response) >= in_all:
        return Refusal("teacher_nothing_to_cut", "nothing could be shortened")
    links = links_of(trace)
    remaining_checks = sum(checks(unit.lower) for unit in kept)
    if len(kept) > max(_UNITS, _UNITS_PER_LINK * len(links)) or remaining_checks > _CHECKS:
        return Refusal("teacher_long_search", "attempts of a long search are not told from the derivation")
    if any(answer.is_contradicted_by(unit) for unit in kept):
        return Refusal("teacher_unsettled", "two different answers are concluded")
    turns = sum(takes_back(unit.lower) or retracts(unit.lower) for unit in kept)
    if turns or len(UNEASY.findall(thinking.lower())) > len(thinking) // _UNEASY_EVERY:
        return Refusal("teacher_unsettled", "attempts that were taken back are not told from the derivation")
    if equations := false_equations(thinking):
        wrong = f"{equations[0].left} = {equations[0].right} is false"
        return Refusal("teacher_unsettled", wrong)
    if must_agree and (loose := _loose_result(trace, kept)):
        return Refusal("teacher_unsettled", f"{loose!r} is concluded, and nothing uses it")
    if again := _computed_again(trace, kept):
        return Refusal("teacher_long_search", f"{again!r} computes a known result in another way")
    untold = _untold(links, kept) if must_agree else []
    if len(untold) > _UNTOLD * len(links):
        return Refusal("teacher_lost_link", f"the summary says {untold[0].text!r}, what is kept does not")
    return None


def fault_refusal(fault: DerivationFault) -> Refusal:
    """Return the refusal of a revision for a fault of its derivation."""
    match fault.kind:
        case "missing_link" | "dangling_reference":
            return Refusal("teacher_lost_link", fault.detail)
        case "contradiction" | "withdrawn_step":
            return Refusal("teacher_unsettled", fault.detail)
        case "hollow":
            return Refusal("teacher_no_conclusion", fault.detail)


def unsettled(
    trace: StudentTrace, all_units: Sequence[Unit], verdicts: Sequence[UnitVerdict]
) -> Refusal | None:
    """Refuse a trace if many kept units are gone back on by a deleted next one: each of them may be wrong.

    The summary is a witness: the student stands by what it states again.
    """
    told = numbers_in(plain(trace.question)) | numbers_in(plain(trace.response))
    kept = (unit.index for unit in all_units if verdicts[unit.index].keep)
    last = max((index for index in kept if verdicts[index].reason != "closing"), default=0)
    count = sum(
        verdicts[before.index].keep
        and not verdicts[unit.index].keep
        and GOING_BACK.match(unit.lower) is not None
        and not (before.results and told.issuperset(before.results))
        for before, unit in pairwise(all_units[: last + 1])
    )
    if count + sum(verdict.reason == "unresolved" for verdict in verdicts) > _UNSETTLED:
        return Refusal("teacher_unsettled", "statements it went back on are not told from the derivation")
    return None


def cut_to_pieces(all_units: Sequence[Unit], verdicts: Sequence[UnitVerdict]) -> Refusal | None:
    """Refuse a trace if its derivation is put together from many pieces.

    A cut is where something with numbers was deleted between two kept sentences. It may have taken a link of
    the derivation or left a part of what should go. It is rough, and counts twice, if what was deleted turns
    to nothing else, or if it ends within a paragraph and no word says that a check is over.
    """
    cuts = 0
    gap: list[Unit] = []
    has_kept = False
    for unit in all_units:
        verdict = verdicts[unit.index]
        if not verdict.keep:
            gap.append(unit)
            continue
        lost = [one for one in gap if verdicts[one.index].reason not in _HARMLESS]
        if has_kept and any(one.marks for one in lost) and verdict.reason != "closing":
            is_within = lost[-1].paragraph == unit.paragraph and not confirms(lost[-1].lower)
            cuts += 2 if is_within or not any(map(turns, lost)) else 1
        gap, has_kept = [], True
    if cuts > _CUTS:
        return Refusal("teacher_long_search", "the derivation would be cut to pieces")
    return None


def _computed_again(trace: StudentTrace, kept: Sequence[Unit]) -> str | None:
    """Return a unit that computes a result again from other numbers: a second method, or a check.

    Other numbers than results may be met twice by chance: those of the summary and of the answer count.
    """
    results = facts_of(trace) | {f"={number}" for number in answer_of(trace).numbers}
    known: dict[str, tuple[int, frozenset[str]]] = {}
    for place, unit in enumerate(kept):
        sides = [
            (left, right.lstrip("-")) for left, _, right in (pair.rpartition("=") for pair in unit.equations)
        ]
        operands = frozenset().union(*(numbers_in(left) for left, _ in sides))
        for result in {right for left, right in sides if _CALCULATES.search(left)}:
            if not STRONG.search(result) or f"={result}" not in results:
                continue
            first, others = known.setdefault(result, (place, operands))
            if place > first + _SOON and operands.isdisjoint(others | {result}):
                return unit.body
    return None


def _loose_result(trace: StudentTrace, kept: Sequence[Unit]) -> str | None:
    """Return a unit that concludes a fraction whose value neither a later unit nor the summary has."""
    for unit in kept:
        if "/" not in unit.plain or not _CONCLUDES.match(unit.lower):
            continue
        results = {fraction_of(value) for value in unit.results if "/" in value}
        if not results:
            continue
        texts = (plain(trace.question), plain(trace.response), *(u.plain for u in kept[unit.index + 1 :]))
        if not any(fraction_of(value) in results for text in texts for value in VALUE.findall(text)):
            return unit.body
    return None


def _untold(links: Sequence[Link], kept: Sequence[Unit]) -> list[Link]:
    """Return the links whose results nothing in a revision states."""
    told = frozenset().union(*(numbers_in(unit.plain) for unit in kept))
    return [link for link in links if any(result.lstrip("-") not in told for result in link.results)]
