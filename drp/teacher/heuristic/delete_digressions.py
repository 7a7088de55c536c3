"""Delete digressions: checks, second derivations and recapitulations, as whole stretches.

Judged by its words, the body of a second derivation is a derivation. The student's summary tells them apart:
a digression begins where the student turns to something else, says again what the summary says, and
introduces nothing that is used after it.
"""

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache

from drp.core import StudentTrace
from drp.teacher.heuristic import signals
from drp.teacher.heuristic.decision_reasons import UnitVerdict
from drp.teacher.heuristic.find_answer import Answer, answer_of, concludes, refers_to_more
from drp.teacher.heuristic.summary_links import links_of, numbers_in
from drp.traces import STRONG, Unit, equations, plain

_FEWEST = 2  # links with results by which stretches can be told
_TURNS = re.compile(  # turns to something else
    r"(?:let(?:'s| me| us) (?:just )?(?:test|try|think again|see if)|for (?:example|instance)\b|in case\b"
    r"|another (?:thought|way|approach|check)|just (?:to|in case)\b)"
)
_CALCULATES = re.compile(r"[\d)]\s?[-+*/^]\s?[\d(√]")  # an operation between numbers
_LETTER = re.compile(r"(?<![a-zA-Z'])[b-zB-HJ-Zα-ω](?![a-zA-Z'])")  # a variable
_ENTRY = re.compile(r"\s{0,12}(?:[-*•]\s|\(?\w{1,5}[.):]\s)")  # of a list
_GIVEN = re.compile(r"(\S*[\d(+*/^√]\S{2,})(?:=| is | equals )")  # an expression whose value is stated
_SOON = 2  # units after a result in which the student may turn to something else
_LONG = 3  # fewest characters of an answer that does not stand in a unit by chance
_DRAWN = re.compile(r"(?:so|therefore|thus|hence|finally|in conclusion)\b")
_SHORTEST = 2  # fewest units of a digression


def drop_digressions(trace: StudentTrace, units: Sequence[Unit], verdicts: list[UnitVerdict]) -> None:
    """Change verdicts so that no digression is kept.

    Args:
        trace: the trace.
        units: its units.
        verdicts: one for each unit.
    """
    kept = [unit for unit in units if verdicts[unit.index].keep]
    if not kept:
        return
    given = numbers_in(plain(trace.question))
    facts = facts_of(trace)
    answer = answer_of(trace)
    end = _end(kept, units, facts, answer, plain(trace.question))
    for unit in kept[end:]:
        is_closing = unit is kept[-1] and answer.asserted_by(unit) and unit.plain.count("=") <= 1
        if not is_closing or refers_to_more(unit):
            verdicts[unit.index] = UnitVerdict(False, "after_answer")
    digressions = _digressions(kept[:end], units, facts, given) if facts else ()
    for unit in (*digressions, *_asides(kept[:end], units, verdicts, facts, given)):
        verdicts[unit.index] = UnitVerdict(False, "verified_again")


def turns(unit: Unit) -> bool:
    """Whether a unit turns away from the derivation."""
    lower = unit.lower
    start = signals.opening(lower)
    return (
        signals.checks(lower)
        or signals.takes_back(lower)
        or signals.retracts(lower)
        or signals.GOING_BACK.match(lower) is not None
        or signals.ALTERNATIVE.match(lower, start) is not None
        or _TURNS.match(lower, start) is not None
    )


@lru_cache(maxsize=4)  # the same in every attempt at a trace
def facts_of(trace: StudentTrace) -> frozenset[str]:
    """Return what the summary computes, if that tells stretches of the thinking apart; nothing otherwise.

    It is spelled "=72" for a result, and as the equation if its result is common.
    """
    links = [link for link in links_of(trace) if link.results or link.formulas]
    if sum(bool(link.results) for link in links) < _FEWEST:
        return frozenset()
    given = numbers_in(plain(trace.question))
    results = {result.lstrip("-") for link in links for result in link.results}
    strong = {result for result in results - given if STRONG.search(result)}
    pairs = frozenset().union(*(equations(plain(link.text)) for link in links))
    common = {pair for pair in pairs if pair.rpartition("=")[2].lstrip("-") not in strong}
    return frozenset({f"={result}" for result in strong} | common)


def computed(unit: Unit) -> frozenset[str]:
    """Return what a unit computes, spelled like facts."""
    ends = {pair.rpartition("=")[2].lstrip("-") for pair in unit.equations}
    return frozenset(f"={result}" for result in {*unit.results, *ends}) | unit.equations


def _digressions(
    kept: Sequence[Unit], units: Sequence[Unit], facts: frozenset[str], given: frozenset[str]
) -> Iterator[Unit]:
    """Yield the units of digressions: from a turn to the last unit that computes again what was computed."""
    said: set[str] = set()
    known = set(given)
    start: int | None = None  # since the student turned to something else
    returned = 0  # after the last unit since then that computes a fact again
    for place, unit in enumerate(kept):
        told = computed(unit) & facts
        is_next = unit.paragraph != kept[place - 1].paragraph and signals.NEXT.match(unit.lower)
        if told - said or place == len(kept) - 1 or is_next:
            body = kept[start:returned] if start is not None else ()
            if len(body) >= _SHORTEST and not _is_needed(body, kept[returned:], known):
                yield from body
            start = None
        if told - said:
            said |= told
            known |= _marks(unit)
            continue
        before = kept[place - 1].index if place else -1
        gap = units[before + 1 : unit.index + 1]
        goes_on = any(signals.NEXT.match(one.lower) and not turns(one) for one in gap)
        if start is None and said and not goes_on and any(map(turns, gap)):
            start = returned = place
        if start is None:
            known |= _marks(unit)
        elif told and _CALCULATES.search(unit.plain):
            returned = place + 1


def _asides(
    kept: Sequence[Unit],
    units: Sequence[Unit],
    verdicts: Sequence[UnitVerdict],
    facts: frozenset[str],
    given: frozenset[str],
) -> Iterator[Unit]:
    """Yield what is left of a paragraph after a deleted turn, if it is not needed: half of a check."""
    after_turn = _after_turns(units, verdicts)
    said: set[str] = set()
    known = set(given)
    place = 0
    while place < len(kept):
        end = place + 1
        if kept[place].index in after_turn:
            while end < len(kept) - 1 and _goes_on(kept[end - 1], kept[end]):
                end += 1
            body = kept[place:end]
            is_new = any(computed(unit) & facts - said for unit in body)
            if end < len(kept) and not is_new and not _is_needed(body, kept[end:], known):
                yield from body
                place = end
                continue
        for unit in kept[place:end]:
            said |= computed(unit) & facts
            known |= _marks(unit)
        place = end


def _after_turns(units: Sequence[Unit], verdicts: Sequence[UnitVerdict]) -> set[int]:
    """Return the kept units before which the paragraph turned to a check that did not end."""
    after: set[int] = set()
    turned = -1  # the paragraph of the last turn
    for unit in units:
        if verdicts[unit.index].keep:
            if unit.paragraph == turned:
                after.add(unit.index)
        elif _ends_check(unit.lower):
            turned = -1
        elif turns(unit) and verdicts[unit.index].reason != "alternative_method":  # it may be the first way
            turned = unit.paragraph
    return after


def _ends_check(lower: str) -> bool:
    """Whether what follows a unit is no part of a check: it confirms, corrects or goes on."""
    return (
        signals.confirms(lower)
        or signals.takes_back(lower)
        or signals.retracts(lower)
        or signals.NEXT.match(lower) is not None
    )


def _goes_on(before: Unit, unit: Unit) -> bool:
    """Whether a unit goes on with the one before it, in a paragraph or a list."""
    is_item = _ENTRY.match(before.text) is not None and _ENTRY.match(unit.text) is not None
    return (before.paragraph == unit.paragraph or is_item) and not signals.NEXT.match(unit.lower)


def _marks(unit: Unit) -> set[str]:
    """Return the numbers and the single letters of a unit."""
    return {*numbers_in(unit.plain), *_LETTER.findall(unit.plain)}


def _is_needed(body: Sequence[Unit], after: Sequence[Unit], known: set[str]) -> bool:
    """Whether a unit after the body uses a number or a letter of it without computing it."""
    fresh = {mark for unit in body for mark in _marks(unit)} - known
    for unit in after:
        pairs = (pair.rpartition("=") for pair in unit.equations)
        computed = {right for left, _, right in pairs if _CALCULATES.search(left)}
        if fresh & (_marks(unit) - computed):
            return True
        fresh -= computed
    return False


def _end(
    kept: Sequence[Unit], units: Sequence[Unit], facts: frozenset[str], answer: Answer, question: str
) -> int:
    """Return how many of the kept units are needed to compute all facts and to conclude the answer."""
    missing = {fact for fact in facts if fact.startswith("=")}
    is_long = not answer.is_common and all(len(number) >= _LONG for number in answer.numbers)
    if not facts and not is_long:
        return len(kept)
    further = 0  # after the last unit that computes the answer anew from a number that happens to equal it
    said: set[str] = set()
    for place, unit in enumerate(kept, start=1):
        if answer.taken_further_by(unit.equations - said):
            further = place
        said |= unit.equations
    for place, unit in enumerate(kept, start=1):
        if missing:
            missing -= computed(unit)
        if place < further:
            continue
        is_asked = unit.body.endswith("?") and not _CALCULATES.search(unit.plain)
        if not answer.asserted_by(unit) or unit.body.endswith(":") or is_asked:
            continue
        missing -= {f"={number}" for number in answer.numbers}
        if missing:
            continue
        is_named = "answer" in unit.lower or "\\boxed" in unit.text
        is_left = any(map(turns, units[unit.index + 1 : unit.index + 1 + _SOON]))
        is_concluded = concludes(unit, answer)
        if (
            _answers(unit, question)
            or (is_concluded and (is_left or is_named or not answer.is_common))
            or (is_left and is_long)
        ):
            return _stated(kept, place, answer)
    return len(kept)


def _stated(kept: Sequence[Unit], place: int, answer: Answer) -> int:
    """Return the place after the units that say at once what the answer means."""
    while (
        place < len(kept)
        and _DRAWN.match(kept[place].lower)
        and answer.asserted_by(kept[place])
        and kept[place].plain.count("=") <= 1
    ):
        place += 1
    return place


def _answers(unit: Unit, question: str) -> bool:
    """Whether a unit gives the value of an expression of the question, not of a part of one."""
    return any(
        left in question
        and re.search(rf"(?<![\w(^*/+-]){re.escape(left)}(?![\w!)^*/+-])", question) is not None
        for left in _GIVEN.findall(unit.plain)
    )
