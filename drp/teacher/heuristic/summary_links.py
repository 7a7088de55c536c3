"""The links of a derivation, as the student's own summary gives them.

The summary is a witness: the student wrote it knowing how the search ended. Each of its statements that says
something new is a link that the pruned thinking must have.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from drp.core import StudentTrace
from drp.teacher.heuristic.find_answer import answer_of
from drp.teacher.heuristic.signals import (
    ALTERNATIVE,
    DECORATION,
    ITEM,
    PROSE,
    checks,
    doubts,
    opening,
    restates,
    retracts,
)
from drp.traces import Unit, equations, is_balanced, plain, separator, units, words

_NUMBER = re.compile(r"\d+(?:\.\d+)?(?:/\d+)?")
_BOX = re.compile(r"\\boxed\s?\{((?:[^{}]|\{(?:[^{}]|\{[^{}]*\})*\})*)\}")
_CONCLUDES = re.compile(r"\\boxed|\bfinal answer\b", re.I)
_HEADING = re.compile(r"(?:#{1,6}\s.*|\d{1,2}\.\s+\*\*[^*]{1,100}\*\*:?|\*\*[^*]{1,100}\*\*:?)\s*\Z")
_STATES = re.compile(r"[a-zA-Z]{3,20} |=")  # words or an equation
_CASE = re.compile(r"\bcases?\b", re.I)
_TELLING = re.compile(r"\bcases?\b|verif|check|alternative", re.I)  # a heading that is more than a title
_MARKER = re.compile(r"\s*(?:[-*•]\s+|\(?\d{1,2}[.)]\s+|#{1,6}\s+)+")
_PLAN = re.compile(
    r"^(?:list|count|consider|find|compute|calculate|determine|identify|check|note)\b"
    r"|\b(?:we need to|we want to|we must|to find|to determine|to solve|to compute|to calculate|let's|follow"
    r"|step[- ]by[- ]step|we are (?:given|asked)|the (?:problem|question))\b"
)
_REFERS = re.compile(r"(?:this|that|these|those|it|they|which|where|here)\b")  # to the statement before
POINTS = re.compile(r"\b(?:these|those) (?:two|three|four|five|six|\d+)\b")  # back to what was named
_ITEM = 100  # most characters of a line in a list that is one statement
_FEWEST_WORDS = 2  # new content words of a statement without new numbers
_STEM = 5
_NAMES = re.compile(r"[a-zA-Z]{4,}=")  # "probability=11/72" computes nothing
_UNDERIVED = 0.28  # largest share of numbers that a derivation may take from nowhere


@dataclass(frozen=True)
class Link:
    """A statement of the summary that says something new."""

    text: str
    """As a paragraph of the thinking: without list markers, headings, bold type and boxes."""
    results: Mapping[str, frozenset[str]]
    """Numbers that its new equations end in, each with the numbers that they are computed from."""
    formulas: frozenset[str]
    """Its new equations, if none of them ends in a number."""
    values: frozenset[str]
    """Its numbers that neither the question nor an earlier link has."""
    all_values: frozenset[str]
    stems: frozenset[str]
    """The beginnings of its content words."""


@lru_cache(maxsize=1024)  # every attempt at a trace, and every part of it, looks them up
def numbers_in(spelled: str) -> frozenset[str]:
    """Return the numbers of a text in plain spelling."""
    return frozenset(_NUMBER.findall(spelled))


def stems_of(vocabulary: frozenset[str]) -> frozenset[str]:
    """Return the beginnings of words, by which "starting" is "starts"."""
    return frozenset([word[:_STEM] for word in vocabulary])


def results_of(equations: frozenset[str]) -> dict[str, frozenset[str]]:
    """Return the numbers that equations end in, each with the numbers that it is computed from.

    Args:
        equations: spelled `left=right`; of a chain, the number at its end counts.
    """
    if not equations:
        return {}
    pairs = [(left, right) for left, _, right in (pair.partition("=") for pair in equations)]
    lefts = {left for left, _ in pairs}
    operands = frozenset(number for left, _ in pairs for number in _NUMBER.findall(left))
    ends = {right for _, right in pairs if _NUMBER.fullmatch(right.lstrip("-")) and right not in lefts}
    return dict.fromkeys(ends, operands)


@lru_cache(maxsize=4)  # every attempt at a trace needs them
def links_of(trace: StudentTrace) -> Sequence[Link]:
    """Return the links of the student's summary, in order; none if it only states the answer."""
    question = plain(trace.question)
    known_equations, known_values = set(equations(question)), set(_NUMBER.findall(question))
    question_words = words(question.lower())
    links: list[Link] = []
    answer = answer_of(trace)
    before: Sequence[Unit] = ()
    told: list[Unit] = []
    for statement in _statements(trace.response):
        refers = _REFERS.match(statement[0].lower) or POINTS.search(statement[0].lower)
        group = [*before, *statement] if refers else statement
        before = statement
        text = _cleaned(group)
        lower = " ".join(unit.lower for unit in group)
        if checks(lower) or ALTERNATIVE.match(lower, opening(lower)):
            if any(answer.asserted_by(unit) for unit in told):
                break  # what follows derives the answer again
            continue
        if doubts(lower) or retracts(lower) or not text or not is_balanced(text):
            continue
        told += statement
        pairs = frozenset().union(*(unit.equations for unit in group))
        numbers = frozenset(_NUMBER.findall(" ".join(unit.plain for unit in group)))
        vocabulary = frozenset().union(*(unit.vocabulary for unit in group))
        new_pairs, new_values = pairs - known_equations, numbers - known_values
        if not (new_pairs or new_values or _argues(group, lower, vocabulary - question_words)):
            continue
        results = results_of(new_pairs)
        formulas = frozenset() if results else new_pairs
        links.append(Link(text, results, formulas, new_values, numbers, stems_of(vocabulary)))
        known_equations |= pairs
        known_values |= numbers
        before = ()
    return tuple(links)


def conclusion_of(trace: StudentTrace) -> str | None:
    """Return the sentence of the summary that concludes the answer; None if it is a bare answer."""
    for group in reversed([*_statements(trace.response)]):
        text = _cleaned(group)
        if _CONCLUDES.search(group[-1].text) and PROSE.search(text) and is_balanced(text):
            return text
    return None


def underived_values(question: str, text: str) -> list[str]:
    """Return the numbers of a text that come from nowhere, if they are many; none otherwise.

    A number of two or more characters comes from somewhere if the question has it or it is computed.
    """
    given = set(_NUMBER.findall(plain(question)))
    spelled = " ".join(unit.plain for unit in units(text))
    new = {value for value in _NUMBER.findall(spelled) if len(value) > 1} - given
    pairs = (pair.partition("=") for pair in equations(spelled) if not _NAMES.match(pair))
    computed = {value for _, _, right in pairs for value in _NUMBER.findall(right)}
    underived = sorted(new - computed)
    return underived if len(underived) > 1 and len(underived) > _UNDERIVED * len(new) else []


def whole_summary(trace: StudentTrace) -> str | None:
    """Return the summary as a thinking: its statements without headings and boxes; None if unreadable."""
    text, end = "", 0
    for group in _statements(trace.response):
        cleaned = _cleaned(group, keep_marker=True)
        if text and "\\boxed" in group[-1].text and not _STATES.search(cleaned):
            continue  # the bare answer, which the response gives
        text += (separator(trace.response[end : group[0].start], cleaned) if text else "") + cleaned
        end = group[-1].start + len(group[-1].text.rstrip())
    return text if is_balanced(text) else None


def _statements(summary: str) -> Iterator[list[Unit]]:
    """Yield the units of each statement: a sentence, an announcement with what it announces, or a table."""
    group: list[Unit] = []
    for unit in units(summary):
        if DECORATION.match(unit.body) or (_HEADING.match(unit.body) and not _TELLING.search(unit.body)):
            if group:
                yield group
            group = []
            continue
        if group and not _belongs(group, unit):
            yield group
            group = []
        group.append(unit)
    if group:
        yield group


def _belongs(group: Sequence[Unit], unit: Unit) -> bool:
    """Whether a unit goes on with a statement: a line after a colon, a row, an item without result."""
    last = group[-1]
    if _is_announcement(last):
        return not _HEADING.match(unit.body)
    if unit.body.startswith(("\\[", "$$")):
        return last.body[-1:].isalpha()  # "… the vertices are \\[ … \\]"
    if last.text.startswith("|"):
        return unit.text.startswith("|")
    is_list = len(group) > 1 and _is_announcement(group[0]) and _is_plain_item(last)
    return is_list and _is_plain_item(unit) and unit.paragraph == last.paragraph


def _is_announcement(unit: Unit) -> bool:
    return unit.body.rstrip("* ").endswith(":") and not _HEADING.match(unit.body)


def _is_plain_item(unit: Unit) -> bool:
    return ITEM.match(unit.text) is not None and not results_of(unit.equations) and len(unit.body) <= _ITEM


def is_plan(lower: str) -> bool:
    """Whether a statement, in lower case, says what is to be done."""
    return _PLAN.search(lower) is not None


def _argues(group: Sequence[Unit], lower: str, new_words: frozenset[str]) -> bool:
    """Whether a statement without new numbers is more than a plan, the question or the conclusion."""
    if any(_CONCLUDES.search(unit.text) for unit in group) or is_plan(lower) or restates(lower):
        return False
    return len(new_words) >= _FEWEST_WORDS or _CASE.match(lower, opening(lower)) is not None


def _cleaned(group: Sequence[Unit], *, keep_marker: bool = False) -> str:
    """Return the text of a statement without boxes, bold type and, unless kept, the marker of a list."""
    parts = []
    for unit in group:
        text = unit.body
        if not keep_marker and (marker := _MARKER.match(text)):
            text = text[marker.end() :]
        parts.append(_BOX.sub(r"\1", text).replace("**", "").strip("# \n"))
    return "\n".join(part for part in parts if part)
