"""Follow the student's summary through the thinking: where does the thinking say what the summary says?

A long search holds the derivation among its attempts, and its words do not tell them apart. The summary does:
each of its links is looked up in the thinking, in order. Where the thinking has no sentence for a link, the
summary's own sentence takes its place.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import TypeAlias

from drp.core import Refusal, StudentTrace
from drp.teacher.heuristic import signals
from drp.teacher.heuristic.decision_reasons import UnitVerdict
from drp.teacher.heuristic.find_answer import answer_of
from drp.teacher.heuristic.summary_links import (
    POINTS,
    Link,
    conclusion_of,
    is_plan,
    links_of,
    numbers_in,
    results_of,
    stems_of,
    underived_values,
    whole_summary,
)
from drp.traces import STRONG, Unit, plain

_CANDIDATES = 60  # units that are compared with a link
_COMMON = 0.25  # a word in a larger share of the units points to none of them
_LONG = 400  # characters; a longer unit says more than one thing
_LEAST = 0.8  # lowest similarity of a unit to its link
_SAME_RESULT, _SAME_OPERANDS = 1.0, 2.0  # similarity of equations
_SAME_VALUE, _SAME_WORDS = 0.7, 1.7
_WORDS_WITH_VALUES = 0.4  # share of the link's words that a unit must have
_TELLING_WORDS = 3  # content words of a unit that says what it is about
_TENTATIVE = re.compile(  # tries, or agrees with itself
    r"\b(?:perhaps|maybe|indeed|let(?:'s| me) (?:test|try))\b|\b(?:yes|correct|right|good)[.!]*\Z|, yes,"
)
_ASSERTED = re.compile(  # a result without its derivation
    r"\b(?:after|through|by) (?:careful|detailed|systematic|direct|checking|trying|testing|verif|enumerat"
    r"|inspection|trial|listing|solving|simplifying|some|further)\w*|\bas (?:detailed|verified)\b"
    r"|\bit can be (?:shown|verified)\b|\busing a (?:computer|calculator)\b",
    re.I,
)
_TENTATIVE_WORDS = ("perhaps", "maybe", "indeed", "test", "try", "yes", "correct", "right", "good")
"""Each match of _TENTATIVE has one of these; a search for them is cheaper."""
_LEAD_INS = 4  # most sentences that lead up to a unit
_FEWEST_COMPUTED, _COMPUTED, _PLACED = 3, 0.2, 0.6
"""Of the links, so many and this share must compute; of these, the thinking must state this share."""
_MOST_ADDED = 0.5  # largest share of the summary in the text
_BROKEN_OFF = re.compile(r"\b(?:is|are|be|of|the|a|and|or|to|with|for|where|by|as)\Z")  # "the triples are"

_Path: TypeAlias = tuple[tuple[int, int], "_Path"] | None
"""The last pair of a link and a unit, and the path to it."""


def settle_by_summary(
    trace: StudentTrace, units: Sequence[Unit], verdicts: list[UnitVerdict]
) -> list[UnitVerdict] | Refusal:
    """Let the summary decide on what the rules cannot tell in their verdicts: attempts of a search.

    A unit is part of an attempt if the summary has none of the numbers that it computes, or if the student
    goes back on it and the summary lacks one of them. A lost link is restored where the revision is checked.
    """
    links = links_of(trace)
    if sum(bool(link.results) for link in links) < _FEWEST_COMPUTED:
        return Refusal("teacher_long_search", "the summary computes too little to tell the derivation by it")
    told = frozenset().union(numbers_in(plain(trace.question)), *(link.all_values for link in links))
    for unit, verdict in zip(units, verdicts, strict=True):
        stated = {result for result in unit.results if STRONG.search(result)}
        results = stated | {result.lstrip("-") for result in results_of(unit.equations)}
        is_told = [result in told for result in results]
        following = units[unit.index + 1].lower if unit.index + 1 < len(units) else ""
        is_gone_back_on = signals.GOING_BACK.match(following) is not None
        is_attempt = not all(is_told) or not results if is_gone_back_on else results and not any(is_told)
        if verdict.keep and verdict.reason != "conclusion" and is_attempt:
            verdicts[unit.index] = UnitVerdict(False, "not_in_summary")
    return verdicts


def judge_by_summary(trace: StudentTrace, units: Sequence[Unit]) -> list[UnitVerdict] | Refusal:
    """Keep the units that say what the summary says, and the sentences that lead up to them.

    Links that no unit states are added in the summary's words, after the unit of the link before. A trace
    whose thinking lacks most of the links is refused: a text of two kinds is hard to follow.
    """
    answer = answer_of(trace)
    if not any(answer.asserted_by(unit) for unit in units):
        return Refusal("teacher_no_conclusion", "the thinking never states the answer of the summary")
    links = links_of(trace)
    computed = [number for number, link in enumerate(links) if link.results]
    if len(computed) < max(_FEWEST_COMPUTED, _COMPUTED * len(links)):
        return Refusal("teacher_long_search", "the summary argues more than it computes")
    places = places_of(units, links)
    if sum(number in places for number in computed) < _PLACED * len(computed):
        return Refusal("teacher_lost_link", "the thinking does not say what its summary computes")
    verdicts = [UnitVerdict(False, "not_in_summary") for _ in units]
    added: defaultdict[int, list[str]] = defaultdict(list)
    said: set[str] = set()
    last = 0
    for number, link in enumerate(links):
        if number in places:
            leading = [index for index in _lead_ins(units, places[number]) if _is_new(units[index], said)]
        if number not in places or (not leading and _is_bare(units[places[number]])):
            added[last].append(link.text)
            continue
        last = places[number]
        for index in leading:
            verdicts[index] = UnitVerdict(True, "lead_in")
        verdicts[last] = UnitVerdict(True, "derivation")
        said.update(*(units[index].equations for index in (*leading, last)))
    is_concluded = last in places.values() and not added[last] and answer.asserted_by(units[last])
    if not is_concluded:
        end = next((unit.index for unit in units[last:] if answer.asserted_by(unit) and is_sure(unit)), None)
        if end is not None:
            verdicts[end] = UnitVerdict(True, "conclusion")
        elif conclusion := conclusion_of(trace):
            added[last].append(conclusion)
        else:
            return Refusal("teacher_no_conclusion", "neither thinking nor summary concludes the answer")
    for index, texts in added.items():
        verdicts[index].added = "\n\n".join(texts)
    kept = [unit.body for unit, verdict in zip(units, verdicts, strict=True) if verdict.keep]
    from_summary = [verdict.added for verdict in verdicts if verdict.added]
    in_all = len("".join(kept)) + len("".join(from_summary))
    if len("".join(from_summary)) > _MOST_ADDED * in_all:
        return Refusal("teacher_lost_link", "the thinking lacks most of what its summary says")
    return verdicts


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


def places_of(units: Sequence[Unit], links: Sequence[Link]) -> dict[int, int]:
    """Return for each link that the thinking states the unit that does: {link: unit}.

    Of all ways to assign units without going back, it is the one of largest similarity (dynamic program).
    """
    index = _Index(units, links)
    best: dict[int, tuple[float, _Path]] = {-1: (0.0, None)}  # by the last unit
    for number, link in enumerate(links):
        reached = sorted(best.items())
        position, before = 0, best[-1]
        for place, similarity in sorted(index.places(link).items()):
            while position < len(reached) and reached[position][0] <= place:
                before = max(before, reached[position][1], key=lambda state: state[0])
                position += 1
            total = before[0] + similarity
            if place not in best or total > best[place][0]:
                best[place] = (total, ((number, place), before[1]))
    path = max(best.values(), key=lambda state: state[0])[1]
    places: dict[int, int] = {}
    while path is not None:
        (number, place), path = path
        places[number] = place
    return places


class _Index:
    """The units of a thinking by their numbers, formulas and words."""

    def __init__(self, units: Sequence[Unit], links: Sequence[Link]) -> None:
        self.units = units
        self.told = frozenset().union(*(link.all_values for link in links))  # numbers of the summary
        self.numbers = [numbers_in(unit.plain) for unit in units]
        self.stems = [stems_of(unit.vocabulary) for unit in units]
        self._results: dict[int, Mapping[str, frozenset[str]] | None] = {}
        self.by_mark: defaultdict[str, list[int]] = defaultdict(list)
        wanted = frozenset().union(
            *(link.stems.union(link.results, link.formulas, link.values) for link in links)
        )
        for unit in units:
            for mark in wanted & self.numbers[unit.index].union(self.stems[unit.index], unit.equations):
                self.by_mark[mark].append(unit.index)

    def places(self, link: Link) -> dict[int, float]:
        """Return the units that say what a link says, each with its similarity; none for words alone."""
        if not (link.results or link.formulas or link.values):
            return {}
        hits: Counter[int] = Counter()
        for mark in (*link.results, *link.formulas, *link.values):
            hits.update(self.by_mark.get(mark, ()))
        for stem in link.stems:
            places = self.by_mark.get(stem, ())
            if len(places) <= _COMMON * len(self.units) + 3:
                hits.update(places)
        nearest: Iterable[int] = hits
        if len(hits) > _CANDIDATES:
            nearest = sorted(hits, key=lambda index: (-hits[index], index))[:_CANDIDATES]
        found = {index: self._similarity(link, index) for index in nearest}
        return {index: similarity for index, similarity in found.items() if similarity >= _LEAST}

    def _similarity(self, link: Link, index: int) -> float:
        """Return how well a unit says what a link says; 0 if it leaves something out or is unsure."""
        unit, numbers, stems = self.units[index], self.numbers[index], self.stems[index]
        if len(unit.body) > max(_LONG, 3 * len(link.text)):
            return 0.0
        if not _may_say(link, unit, numbers):
            return 0.0
        if index not in self._results:
            self._results[index] = self._results_at(index)
        own = self._results[index]
        if own is None:
            return 0.0
        shared = len(link.stems & stems)
        of_link = shared / len(link.stems) if link.stems else 1.0
        values = link.values & numbers
        similarity = _SAME_WORDS * shared / (len(link.stems | stems) or 1) + _SAME_VALUE * len(values)
        if link.results:
            for result, operands in link.results.items():
                if result in own:
                    either = operands | own[result]
                    overlap = len(operands & own[result]) / len(either) if either else 0.0
                    similarity += _SAME_RESULT + _SAME_OPERANDS * overlap
            return similarity
        if link.formulas:
            return similarity + _SAME_OPERANDS
        is_telling = of_link >= _WORDS_WITH_VALUES or sum(len(value) > 1 for value in values) > 1
        return similarity + of_link if is_telling else 0.0

    def _results_at(self, index: int) -> Mapping[str, frozenset[str]] | None:
        """Return the results of a unit; None if it says nothing that a link may say, whatever the link."""
        unit = self.units[index]
        following = self.units[index + 1].lower if index + 1 < len(self.units) else ""
        if not is_sure(unit) or signals.takes_back(following) or signals.retracts(following):
            return None
        if (_leans(unit) or POINTS.search(unit.lower)) and not _lead_ins(self.units, index):
            return None
        own = results_of(unit.equations)
        is_told = 2 * sum(result.lstrip("-") not in self.told for result in own) <= len(own)
        return own if is_told else None  # an example, or another way


def _may_say(link: Link, unit: Unit, numbers: frozenset[str]) -> bool:
    """Whether a unit has the numbers or formulas of a link."""
    if link.results:
        return all(result.lstrip("-") in numbers for result in link.results)
    if link.formulas:
        return link.formulas <= unit.equations
    return link.values <= numbers


def _lead_ins(units: Sequence[Unit], index: int) -> list[int]:
    """Return the sentences of the paragraph that lead up to a unit."""
    leading: list[int] = []
    for unit in reversed(units[max(0, index - _LEAD_INS) : index]):
        is_near = unit.paragraph == units[index].paragraph and len(unit.body) <= _LONG
        start = signals.opening(unit.lower)
        is_talk = not unit.marks and (signals.META.match(unit.lower, start) or is_plan(unit.lower[start:]))
        if not is_near or is_talk or not is_sure(unit):
            break
        leading.append(unit.index)
    while leading and _leans(units[leading[-1]]):
        leading.pop()
    return leading


def _is_bare(unit: Unit) -> bool:
    """Whether a unit does not say what its formula is about."""
    return len(unit.vocabulary) < _TELLING_WORDS


def _is_new(unit: Unit, said: set[str]) -> bool:
    """Whether a unit is more than equations that were said."""
    return not unit.equations or not unit.equations <= said


def _leans(unit: Unit) -> bool:
    """Whether a unit refers to the one before it."""
    return signals.DANGLING.match(unit.lower, signals.opening(unit.lower)) is not None


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
