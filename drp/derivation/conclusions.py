"""Conclusions of a text: the numbers that it states as the answer."""

import re
from collections.abc import Iterator

from drp.derivation.statements import Statement

_ASKED = r"(?:asked(?: for)?|requested|required|wanted|sought|desired)"
_ANSWER = re.compile(
    r"\b(?:answer|(?:final|end) (?:result|value|number)"
    rf"|(?:value|number|amount|quantity|result) (?:(?:that|which) (?:is|was) )?{_ASKED}"
    rf"|{_ASKED} (?:value|number|amount|quantity|result))"
    r"(?: is|:| (?:should|must|would|will) be| comes to)[ :]*\(?\$?(-?\d+(?:\.\d+)?(?:/\d+)?)(?![\w^*/+(-])"
)
_SIGNALS = ("answer", "final", "end ", "asked", "request", "require", "want", "sought", "desire")
_BOXED = re.compile(r"\\(?:boxed|fbox)\s?\{((?:[^{}]|\{(?:[^{}]|\{[^{}]*\})*\})*)\}")
_CONCLUDES = re.compile(  # nothing in such a sentence says what its number would be, if not the answer
    r"(?:(?:so|therefore|hence|thus|finally|consequently|overall|altogether|in|total|all|end|final|result|answer"
    r"|outcome|value|number|amount|quantity|this|that|it|which|the|a|we|i|conclude|gives?|get|obtain|yields|makes"
    r"|means|leaves|is|are|be|must|comes|out|at|to|as|of|for|asked|requested|required|wanted|sought|desired)\b"
    r"[ ,:]{0,2}){1,20}(?P<number>-?\d+(?:\.\d+)?(?:/\d+)?)(?: [a-z]+){0,3}[ .!]{0,3}"
)


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
    found = _CONCLUDES.fullmatch(statement.unit.lower)
    return found["number"] if found else None
