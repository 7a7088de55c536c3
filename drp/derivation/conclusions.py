"""Conclusions of a text: the numbers that it states as the answer."""

import re
from collections.abc import Iterator

from drp.derivation.statements import Statement

_ASKED = r"(?:asked(?: for)?|requested|required|wanted|sought|desired)"
_ANSWER = re.compile(
    r"\b(?:answer|(?:final|end) (?:result|value|number)"
    rf"|(?:value|number|amount|quantity|result) (?:(?:that|which) (?:is|was) )?{_ASKED}"
    rf"|{_ASKED} (?:value|number|amount|quantity|result)) ?(?:is|=|:|(?:should|must|would|will) be|comes to)[ :]*"
    r"\(?\$?(-?\d+(?:\.\d+)?(?:/\d+)?)(?![\w^*/+(-])"
)
_SIGNALS = ("answer", "final", "end ", "asked", "request", "require", "want", "sought", "desire")
_BOXED = re.compile(r"\\(?:boxed|fbox)\s?\{((?:[^{}]|\{(?:[^{}]|\{[^{}]*\})*\})*)\}")
_CONCLUDING = frozenset(
    "so therefore hence thus finally consequently overall altogether in total all end final result answer outcome "
    "value number amount quantity this that it which the a we i conclude gives give get obtain yields makes means "
    "leaves is are be must comes out at to as of for asked requested required wanted sought desired".split()
)
"""Words of a sentence that only concludes: nothing in it says what a number would be, if not the answer."""
_ONLY_NUMBER = re.compile(r"([a-z ,:'’]*[a-z:]),? ?(-?\d+(?:\.\d+)?(?:/\d+)?)(?: [a-z]+){0,3}[ .!]*")
_WORD = re.compile(r"[a-z]+")


def answers(statement: Statement) -> Iterator[str]:
    """Yield what a statement calls the answer or puts into a box."""
    body = statement.unit.text
    if "boxed" in body or "fbox" in body:
        for match in _BOXED.findall(body):
            yield match.strip().replace("\\$", "").replace(",", "").strip("$ ")
    lower = statement.unit.lower
    if any(map(lower.__contains__, _SIGNALS)):
        yield from _ANSWER.findall(lower)


def bare_conclusion(statement: Statement) -> str | None:
    """Return the number of a statement such as "in total, this comes to 12"; None for any other."""
    found = _ONLY_NUMBER.fullmatch(statement.unit.lower)
    if found is None or not _CONCLUDING.issuperset(_WORD.findall(found[1])):
        return None
    return found[2]
