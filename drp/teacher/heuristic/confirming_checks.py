"""Find checks that confirm a result: "let me verify … 12 · 7 = 84. Yes, that is right."

The body of such a check looks like derivation, because it computes. It differs in its frame, an announcement
and a verdict, and in its data flow: it ends in a result that was known before, and the conclusion does not
use what it computes on the way.
"""

import re
from collections.abc import Iterator, Sequence

from drp.teacher.heuristic import signals
from drp.teacher.heuristic.decision_reasons import UnitVerdict
from drp.traces import Unit

_SERIES = re.compile(r"(?:for|when|if|case) ")  # one of several cases that are tried in turn
_OPENING = 40  # characters in which a unit says what it is about to do
_SPAN = 24  # most units of one check


def feeding(head: Sequence[Unit]) -> dict[str, int]:
    """Return the last unit that uses each strong value on the way to the conclusion.

    Uses are followed backwards from the last unit. If a value is derived several times, only the first
    derivation counts; the others are checks or second methods. A unit without a numeric result counts, to be
    on the safe side.
    """
    first: dict[str, int] = {}
    for unit in head:
        for value in unit.results:
            first.setdefault(value, unit.index)
    last_use: dict[str, int] = {}
    live: set[str] = set()
    for index in range(len(head) - 1, -1, -1):
        results = head[index].results
        derived = {value for value in results if first[value] == index}
        if index == len(head) - 1 or not results or derived & live:
            uses = head[index].strong - derived
            live |= uses
            for value in uses:
                last_use.setdefault(value, index)
    return last_use


def confirmed(
    head: Sequence[Unit], verdicts: Sequence[UnitVerdict], given: frozenset[str], stated: frozenset[str]
) -> Iterator[range]:
    """Yield the units of each check that returned to a known result.

    Args:
        head: the units up to the conclusion.
        verdicts: the verdict on each unit by itself.
        given: values of the question.
        stated: results and equations of the student's summary; units that compute one of them for the first
            time are more than a check.
    """
    last_use: dict[str, int] | None = None
    established = set(given)
    introduced = set(given)
    index = 0
    while index < len(head) - 1:
        unit = head[index]
        if not verdicts[index].keep and verdicts[index].reason in {"verified_again", "alternative_method"}:
            end = _confirmed_at(head, index)
            if end is not None and any(verdict.keep for verdict in verdicts[index:end]):
                if last_use is None:
                    last_use = feeding(head)
                body = head[index:end]
                fresh = frozenset().union(*(part.strong | part.equations for part in body)) - introduced
                if _returns(body, established) and not any(
                    value in stated or last_use.get(value, -1) >= end for value in fresh
                ):
                    yield range(index, end)
                    index = end
                    continue
        introduced |= unit.marks
        if verdicts[index].keep:
            established |= unit.values
        index += 1


def _confirmed_at(head: Sequence[Unit], start: int) -> int | None:
    """Return the index after the unit that confirms the check begun at `start`.

    None if the check is left open, finds an error, or if the next unit works on its result.
    """
    for unit in head[start : min(start + _SPAN, len(head) - 1)]:
        lower = unit.lower
        if unit.index > start and (
            signals.NEXT.match(lower) or signals.takes_back(lower) or signals.retracts(lower)
        ):
            return None
        following = head[unit.index + 1]
        in_series = signals.ITEM.match(following.text) or _SERIES.match(following.lower)
        if signals.confirms(lower) and not in_series:
            goes_on = signals.OPERATION.search(following.lower[:_OPENING])
            return None if goes_on else unit.index + 1
    return None


def _returns(body: Sequence[Unit], established: set[str]) -> bool:
    """Whether the last result that the body computes was known before."""
    for unit in reversed(body):
        if unit.results:
            return unit.results[-1] in established
    return False
