"""Find the expression that a text ends with, if it is clear which one it is: `final_expression(text)`."""

import re
from dataclasses import dataclass
from itertools import pairwise

from drp.grading.denied_answers import is_denied
from drp.grading.modified_numbers import is_modified

_TAIL = 4_000
_LONGEST_LEFT = 80
"""Most characters of the left side of an equation in prose."""
_MATH = re.compile(
    r"\$\$(?P<a>[^$]{1,1000})\$\$|(?<!\\)\$(?P<b>[^$\n]{1,300}?)(?<!\\)\$(?!\d)|\\\((?P<c>.{1,300}?)\\\)"
    r"|\\\[(?P<d>.{1,1000}?)\\\]",
    re.DOTALL,
)
_BOLD = re.compile(r"\*\*([^*\n]{1,200})\*\*")
# A remark in brackets that is about the text: (I checked this in 3 ways.)
_REMARK = re.compile(r"(?<!\S)\([^()$\\]{0,200}[A-Za-z]{3,}[^()$\\]{0,200}\)")
_BREAK = re.compile(r"(?<=[.!?。!?])(?=\s|$)|(?<=[。])|\n+")
# Where a clause draws a conclusion.
_CLAUSE = re.compile(
    r"[,;:]?\s(?:so|then|therefore|thus|hence|which (?:means|gives|is)|giving|making|for a total of|in total|"
    r"that is)\b[ ,:]*|\\(?:implies|Rightarrow)|[⇒→]",
    re.IGNORECASE,
)
_NUMBER = (
    r"[-−]?\s?\\?\$?\s?-?(?:\d{1,3}(?:,\d{3})+(?!\d)|\d{1,3}(?:[ '\u202f]\d{3})+(?!\d)|\d{1,400})"
    r"(?:\.\d{1,400}|,\d{1,2}(?![\d,]))?"
    r"(?:[eE][+-]?\d{1,4})?"
)
_TERM = rf"(?:√?\(?{_NUMBER}\)?(?:[²³]|\^\d{{1,3}})?\s?[%°!π]?|√\(?\d{{1,20}}\)?|π)"
_RUN = re.compile(
    rf"(?<![\w.,/^])(?:(?:minus|negative)\s)?(?:{_TERM})(?:(?:\s?[:/]\s?|\s[-+*×·÷]\s|[*×·÷^])(?:{_TERM})){{0,20}}"
    rf"(?:\s?[ap]\.?m\b\.?|\s(?:hundred|thousand|million|billion|trillion|dozen)s?\b)?"
    r"(?![\w^]|\+(?!\d))",
    re.IGNORECASE,
)
_UNIT = re.compile(
    r"\s?(?:(?:(?:square|cubic|sq\.?|cu\.?)\s)?(?:km|kilometers?|kilometres?|cm|centimeters?|mm|m|meters?|"
    r"metres?|"
    r"in(?=\.?\s*$|[,;])|inch(?:es)?|ft|feet|foot|yards?|yd|miles?|mph|kg|kilograms?|g|grams?|mg|lbs?|"
    r"pounds?|ounces?|oz|tons?|liters?|litres?|ml|L|gallons?|s|sec|seconds?|min|minutes?|h|hr|hours?|days?|"
    r"weeks?|months?|years?|dollars?|cents?|percent|degrees?|units)"
    r"(?:\s?(?:/|per)\s?(?:s|h|hour|second|minute|min|m|kg|day))?"
    r"(?:\s?\^\s?\{?[23]\}?|[²³]|\s(?:squared|cubed))?)(?![\w/])"
)
_NAME = re.compile(
    r"(?:[A-Za-z](?:_\{?\w{1,4}\}?)?|[A-Za-z]\([A-Za-z]\))\s?=\s?$"
    r"|(?:(?<![\w\\])[A-Za-z]\s?)?(?:[<>≤≥≠]=?|!=)\s?$"
)
# The left side of an equation for something else than its unknown: 2x = 56, |x| = 56, x + 3 = 56.
_EQUATION = re.compile(
    r"(?<![\w\\^])(?:\d{0,9}\s?[A-Za-z](?:[²³]|\^\{?\d\}?)?(?![A-Za-z])|\|[A-Za-z]\||\d{1,9})"
    r"(?:\s?[-+*/]\s?(?:\d{0,9}[A-Za-z](?![A-Za-z])|\d{1,9})){0,4}\s?=\s?$"
)
_LIST_JOINT = re.compile(r"\s?,?\s?(?:,|and|or|&)\s?")
_EQUALS = re.compile(r"=(?!=)|\\approx|≈")
_SEPARATOR = re.compile(r",(?!\d{3})|;|\b(?:and|or)\b")
_PLAIN_LEFT = re.compile(
    r"[^=]*?(?:[A-Za-z]{3,}|\\text)[^=]*|\s*[A-Za-z]'?(?:_\{?\w{1,4}\}?)?(?:\([^()=]{0,30}\))?\s*"
    r"|[-+*/\\\d\s.,()^{}×·÷$%!_timescdfrac]*"
)


@dataclass(frozen=True)
class Expression:
    """An expression as written, and whether it is a plain number."""

    text: str
    is_number: bool
    end: int

    def is_denied_in(self, sentence: str) -> bool:
        """Whether the sentence says that this expression of it is not so."""
        return is_denied(sentence, max(0, sentence.rfind(self.text, 0, self.end)), self.end)


def final_expression(text: str) -> Expression | None:
    """Return the expression of the last statement that has one; None if several could be meant."""
    offset = max(0, len(text) - _TAIL)
    tail = text[offset:]
    for start, end in reversed(statements(tail)):
        sentence = _REMARK.sub(lambda remark: " " * len(remark[0]), tail[start:end])
        found = expressions(sentence)
        if found:
            chosen = _chosen(sentence, found)
            if chosen is None:
                return None
            end = start + chosen.end
            first = max(start, tail.rfind(chosen.text, 0, end))
            if is_denied(tail, first, end) or is_modified(tail, first, end):
                return None
            return Expression(_value(chosen.text), chosen.is_number, offset + end)
    return None


def statements(text: str) -> list[tuple[int, int]]:
    """Split a text into sentences and lines; mathematics is not split."""
    spans = [match.span() for match in _MATH.finditer(text)]
    cuts = [
        match.end()
        for match in _BREAK.finditer(text)
        if not any(start < match.end() < end for start, end in spans)
    ]
    bounds = [0, *cuts, len(text)]
    return [(start, end) for start, end in pairwise(bounds) if text[start:end].strip()]


def expressions(sentence: str) -> list[Expression]:
    """Return the mathematics, the bold text that holds a number, and the numbers of a sentence, in order."""
    found: list[Expression] = []
    covered: list[tuple[int, int]] = []
    for match in _MATH.finditer(sentence):
        content = next(group for group in match.groups() if group)
        found.append(Expression(content.strip().rstrip(".,\\; ").strip(), False, match.end()))
        covered.append(match.span())
    for match in _RUN.finditer(sentence):
        if any(start < match.end() and match.start() < end for start, end in covered):
            continue
        first = max(0, match.start() - _LONGEST_LEFT)
        left = sentence[first : match.start()]
        name = _equation(left) or _NAME.search(left)
        unit = _UNIT.match(sentence, match.end())
        start = first + name.start() if name else match.start()
        end = unit.end() if unit else match.end()
        found.append(Expression(sentence[start:end].strip().rstrip("."), not name and not unit, end))
    return _lists(sentence, sorted(found, key=lambda each: each.end))


def _equation(before: str) -> re.Match[str] | None:
    match = _EQUATION.search(before)
    is_of_unknown = (
        match and re.search(r"[A-Za-z]", match[0]) and not re.fullmatch(r"[A-Za-z]\s?=\s?", match[0])
    )
    return match if is_of_unknown else None


def _lists(sentence: str, found: list[Expression]) -> list[Expression]:
    """Join expressions that only commas or `and` separate: they are one list."""
    joined: list[Expression] = []
    for each in found:
        if joined:
            start = each.end - len(each.text)
            between = sentence[joined[-1].end : max(start, joined[-1].end)].strip("$ \\()")
            if between and _LIST_JOINT.fullmatch(f" {between} "):
                joined[-1] = Expression(f"{joined[-1].text}, {each.text}", False, each.end)
                continue
        joined.append(each)
    return joined


def _chosen(sentence: str, found: list[Expression]) -> Expression | None:
    bold = list(_BOLD.finditer(sentence))
    if bold:
        inside = expressions(bold[-1][1])
        if len(inside) == 1:
            return Expression(inside[0].text, inside[0].is_number, bold[-1].end())
    clauses = [match.end() for match in _CLAUSE.finditer(sentence)]
    for start in (0, *clauses[-1:]):
        inside = [each for each in found if each.end > start]
        if len(inside) == 1:
            return inside[0]
    if (
        "=" in sentence
        and not sentence[found[-1].end :].strip(" .*\n")
        and _EQUALS.search(sentence[found[-2].end : found[-1].end])
    ):
        return found[-1]  # Total = 116 + 80 = 196
    return None


def _value(expression: str) -> str:
    """The right side of `P = 1/2 = 0.5`; an equation with an unknown stays whole."""
    sides = _EQUALS.split(expression)
    if any(_SEPARATOR.search(side) for side in sides[1:-1]):
        return expression  # x = 5, x = 32
    if len(sides) > 1 and _PLAIN_LEFT.fullmatch(sides[0]) and "<" not in expression and ">" not in expression:
        exact = _EQUALS.split(expression.partition("\\approx")[0].partition("≈")[0])
        return (exact[-1] if len(exact) > 1 else sides[-1]).strip()
    return expression
