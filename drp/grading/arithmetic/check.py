"""Find the false equations in a piece of reasoning: `false_equations(text)`.

Every `=` whose two sides can be evaluated is checked with exact fractions; a chain such as
`3 × 4 = 12 = 24/2` is checked link by link. Whatever cannot be evaluated with certainty (variables, moduli,
function values, ellipses, ranges, ratios) is skipped, because a false alarm rejects a good trace. The time is
linear in the text.
"""

import re
from collections.abc import Set
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from itertools import product

from drp.grading.arithmetic.equations import Side, equations
from drp.grading.arithmetic.evaluate import Reading, Unevaluable, evaluate

_CONTEXT = 60
"""Characters around an equation that are searched for words that qualify it (`remainder`, `is wrong`)."""
_ROUNDING_TOLERANCE = Fraction(1, 100)
"""Relative error allowed if a side computes with three or more decimals, which may be rounded."""

# Text after it that shows it is not a plain equation: a remainder, a modulus, a base, a rounding, a question.
_QUALIFIED = re.compile(
    r"remainder|\brem|\b[Rr]\s?\d|mod\b|modulo|\bbase\b|≠|\\neq?\b|approx|round|nearest|units? digit|"
    r"\bwait\b|maybe|\?",
    re.IGNORECASE,
)
# Text in the same clause that denies it.
_DENIED = re.compile(r"\bnot\b|n't\b|wrong|incorrect|false|\bno\b|contradict|impossible", re.IGNORECASE)
# Text before it that shows it is not a claim: a question, a denial, an approximation.
_NO_CLAIM = re.compile(
    r"\b(?:not|\w{1,10}n't|does|is it|whether|if|suppose|assum\w{1,9}|approx\w{0,9}|about|roughly|"
    r"round\w{0,9}|mod\w{0,9}|base|remainder)\b",
    re.IGNORECASE,
)
# The end of a sentence: text beyond it is not considered.
_SENTENCE_END = re.compile(r"[.;!](?=\s)|\n\n")

# Signs of modular arithmetic, which may have been introduced well before the equation.
_MODULAR = re.compile(r"\bmod|\\pmod|\\bmod|≡|\\equiv|\bbase\b")
_MODULAR_CONTEXT = 400
# The unit of the right side, after intervening markup.
_TRAILING_UNIT = re.compile(r"[ $)}\\*]{0,6}(?:text|mbox|textrm|mathrm)?[ {\\]{0,4}([A-Za-z]{2,20})")
# Brackets and spaces are ignored when the two sides are compared as text.
_BRACKETS = re.compile(r"[()\s]")
# `480-488` may be a range, and `3 * 2` an operation that the problem defines.
_RANGE = re.compile(r"\d+-\d+")
_DEFINED_OPERATION = re.compile(r"\$?\d+\*\d+")

# Units that convert into one another: an equation between two units of a family may be a conversion.
_FAMILIES = (
    "second sec minute min hour hr day week month year",
    "mm cm m km inch inche in foot feet ft yard yd mile mi meter metre centimeter millimeter kilometer",
    "dollar cent usd quarter dime nickel penny pennie euro pound $",
    "gram g kg kilogram mg lb pound oz ounce ton",
    "ml l liter litre cup pint quart gallon gal",
)
_AMBIGUOUS = (("pct",), ("func", "half"), ("div",))
"""Kinds of tokens with two customary readings, by the choice of `Reading` that they need."""
_READINGS = {choice: Reading(*choice) for choice in product((True, False), repeat=len(_AMBIGUOUS))}
_FAMILY = {unit: family for family in _FAMILIES for unit in family.split()}


@dataclass(frozen=True)
class FalseEquation:
    """A false equation: its two sides as written, and its span in code points."""

    left: str
    right: str
    span: tuple[int, int]


def false_equations(text: str) -> list[FalseEquation]:
    """Return the equations of `text` whose two sides have different values, in order.

    The check is exact for whole numbers and fractions; a decimal may be rounded or truncated in its last
    place. Approximations (`≈`) are not checked, and neither are equations that the sentence denies, asks or
    supposes.
    """
    return [*_false_equations(text)] if "=" in text else []


@lru_cache(maxsize=4)  # a teacher and the checks of a derivation read the same revision
def _false_equations(text: str) -> tuple[FalseEquation, ...]:
    return tuple(
        FalseEquation(text[left.start : left.end], text[right.start : right.end], (left.start, right.end))
        for left, right in equations(text)
        if _holds(left, right) is False and _is_claim(text, left, right)
    )


def _holds(left: Side, right: Side) -> bool | None:
    """Return whether both sides are equal under any customary reading; None if that is uncertain."""
    kinds = {token.kind for side in (left, right) for token in side.tokens}
    choices = ((True,) if kinds.isdisjoint(ambiguous) else (True, False) for ambiguous in _AMBIGUOUS)
    try:
        return any(_agree(left, right, _READINGS[choice]) for choice in product(*choices))
    except Unevaluable:
        return None


def _agree(left: Side, right: Side, reading: Reading) -> bool:
    a, b = evaluate(left.tokens, reading), evaluate(right.tokens, reading)
    if a == b:
        return True
    a, b = Fraction(a), Fraction(b)
    gap = abs(a - b)
    rounded = any(side.computes and max(side.places, default=0) >= 3 for side in (left, right))
    if rounded and gap <= _ROUNDING_TOLERANCE * max(abs(a), abs(b)):
        return True
    for decimal, exact in ((left, b), (right, a)):
        if decimal.computes or not decimal.places:
            continue
        percent = decimal.has("pct") and reading.percent
        unit = Fraction(1, 10 ** (decimal.places[0] + (2 if percent else 0)))
        if gap < unit and (exact / unit).denominator != 1 and (unit < 1 or exact >= 2):
            return True
    return False


def _is_claim(text: str, left: Side, right: Side) -> bool:
    """Return whether the text asserts the equation, and does so about plain numbers."""
    after = text[right.end : right.end + _CONTEXT]
    trailing = _TRAILING_UNIT.match(after)
    if stop := _SENTENCE_END.search(after):
        after = after[: stop.start()]
    before = _SENTENCE_END.split(text[max(0, left.start - _CONTEXT) : left.start])[-1]
    if _QUALIFIED.search(after) or _DENIED.search(after.partition(",")[0]) or _NO_CLAIM.search(before):
        return False
    if _MODULAR.search(text, max(0, left.start - _MODULAR_CONTEXT), right.end + _CONTEXT):
        return False
    trailing_unit = {trailing.group(1).lower()} if trailing and _family(trailing.group(1).lower()) else set()
    if _converts(left.units, right.units | trailing_unit):
        return False
    written, result = (_BRACKETS.sub("", text[side.start : side.end]) for side in (left, right))
    if right.computes and written.startswith(result):  # `1 + 19 + 168 = 1 + 19 is 20, plus 168`
        return False
    return not (_RANGE.fullmatch(written) or (right.computes and _DEFINED_OPERATION.fullmatch(written)))


def _converts(left: frozenset[str], right: Set[str]) -> bool:
    """Return whether the units make it a conversion: `1 hour = 2 × 30 minutes`, `4 daps / 3 dops = 1`."""
    families = {unit.rstrip("s"): _family(unit) for unit in left | right if _family(unit)}
    named = left - {"$"}, right - {"$"}  # a dollar sign may be a formula delimiter
    if len(set(families.values())) < len(families) or len(named[0]) > 1:
        return True
    return bool(named[0]) and bool(named[1] - named[0])


def _family(unit: str) -> str | None:
    return _FAMILY.get(unit.rstrip("s"))
