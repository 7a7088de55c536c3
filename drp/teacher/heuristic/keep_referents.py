"""Keep what kept sentences refer to: "That gives 12." needs the sentence before, "we get:" the one after.

A sentence whose anchor is lost reads as broken text. Its anchor is restored, or the sentence goes too.
"""

import re
from collections.abc import Sequence

from drp.teacher.heuristic import signals
from drp.teacher.heuristic.decision_reasons import DecisionReason, UnitVerdict
from drp.traces import STRONG, VALUE, Unit

_LEANS = re.compile(  # begins with a reference to the sentence before it
    r"(?:(?:so|then|and|but|now|therefore|thus|hence|also),? )*"
    r"(?:that|this|these|those|it|they|which|such|because|both|same (?:way|for|thing)|similarly|likewise"
    r"|as above|the same|in (?:that|this) case|for each of (?:these|those|them)|then add|simplify that"
    r"|adding (?:them|those)|multiplying (?:them|those|that)|subtracting (?:them|that)|count them"
    r"|group them)\b"
)
_INDEFINITE = re.compile(r"(?:it|that|this) (?:is|was|follows|means|says) (?:given|known|clear|that)\b")
_TALKS = re.compile(r"(?:let me|let's|i) (?:see|jot|think|recall|write|start|try|know|need|have)\b[^:]*\Z")
_SMALL: frozenset[DecisionReason] = frozenset(  # deleted by itself, not as part of something else
    {"meta_talk", "restated_question", "repeated", "dangling"}
)
_QUESTION = 120  # most characters of a question that its answer needs
_LENGTH = 400  # most characters of an anchor
_NAME = 160  # most characters of a sentence that only says what is calculated
_TELLING = 2  # content words of a sentence that says what is calculated
_NEAR = 12  # units before a calculation in which its numbers are looked for
_CALCULATES = re.compile(r"[\d)]\s?[-+*/^]\s?[\d(√]")  # an operation between numbers


def anchor(units: Sequence[Unit], verdicts: list[UnitVerdict]) -> None:
    """Change verdicts so that no kept unit refers to a deleted neighbour, as far as that can be told."""
    _restore_origins(units, verdicts)
    used_later: set[str] = set()
    for index in range(len(units) - 1, -1, -1):
        unit, verdict = units[index], verdicts[index]
        if not verdict.keep:
            continue
        is_last = not used_later
        if _announces_nothing(units, verdicts, index):
            verdicts[index] = UnitVerdict(False, "dangling")
            continue
        is_cut_off = index > 0 and not verdicts[index - 1].keep
        is_small = is_cut_off and verdicts[index - 1].reason in _SMALL
        if is_small and _is_bare(unit) and _names(units[index - 1], unit):
            verdicts[index - 1] = UnitVerdict(True, "lead_in")
        elif is_cut_off and _leans(unit):
            if _can_be_restored(units[index - 1], unit):
                verdicts[index - 1] = UnitVerdict(True, "needed_later")
            elif not is_last and not _is_needed(unit, used_later):
                verdicts[index] = UnitVerdict(False, "dangling")
                continue
        used_later |= unit.marks


def _restore_origins(units: Sequence[Unit], verdicts: list[UnitVerdict]) -> None:
    """Keep the sentence that gives a number of a kept calculation, if no kept one before has it."""
    known: set[str] = set()
    for index, unit in enumerate(units):
        if not verdicts[index].keep:
            continue
        if "=" in unit.plain:
            pairs = (pair.partition("=") for pair in unit.equations)
            operands = {
                number for left, _, _ in pairs if _CALCULATES.search(left) for number in VALUE.findall(left)
            }
            for before in range(index - 1, max(-1, index - _NEAR), -1):
                given = operands - known
                if not given:
                    break
                giver = units[before]
                if (
                    given.intersection(giver.results)
                    and not verdicts[before].keep
                    and _can_be_restored(giver, unit)
                ):
                    verdicts[before] = UnitVerdict(True, "needed_later")
                    known |= giver.values
        known |= unit.values


def _is_bare(unit: Unit) -> bool:
    """Whether a unit calculates and does not say what."""
    return "=" in unit.plain and len(unit.vocabulary) < _TELLING and not _LEANS.match(unit.lower)


def _names(before: Unit, unit: Unit) -> bool:
    """Whether a unit says what the one after it calculates."""
    is_near = before.paragraph == unit.paragraph or before.body.endswith(":")
    return (
        is_near
        and not _TALKS.match(before.lower, signals.opening(before.lower))
        and not _leans(before)
        and not signals.confirms(before.lower)
        and not before.body.endswith("?")
        and len(before.body) <= _NAME
        and len(before.vocabulary) >= _TELLING
        and _can_be_restored(before, unit)
    )


def _leans(unit: Unit) -> bool:
    if unit.plain.startswith("="):
        return True
    start = signals.opening(unit.lower)
    lower = unit.lower[start:]
    return _LEANS.match(lower) is not None and not _INDEFINITE.match(lower)


def _announces_nothing(units: Sequence[Unit], verdicts: Sequence[UnitVerdict], index: int) -> bool:
    """Whether a unit ends in a colon and what follows it is deleted."""
    if not units[index].body.endswith(":") or index + 1 == len(units):
        return False
    return not verdicts[index + 1].keep


def _can_be_restored(before: Unit, unit: Unit) -> bool:
    if abs(before.paragraph - unit.paragraph) > 1 or len(before.body) > _LENGTH:
        return False
    lower = before.lower
    if signals.takes_back(lower) or signals.retracts(lower) or signals.UNEASY.search(lower):
        return False
    if before.body.endswith("?"):
        return before.paragraph == unit.paragraph and len(before.body) <= _QUESTION
    return not signals.checks(lower) and not signals.doubts(lower)


def _is_needed(unit: Unit, used_later: set[str]) -> bool:
    """Whether a later kept unit has a result of this one."""
    return any(value in used_later for value in unit.marks if "=" in value or STRONG.search(value))
