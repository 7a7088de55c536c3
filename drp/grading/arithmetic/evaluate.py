"""Evaluate one side of an equation exactly: a small recursive descent parser over its tokens.

Used by `drp.grading.arithmetic.check`. If notation has two customary readings, the caller chooses one
(`Reading`); if its meaning is uncertain, `Unevaluable` is raised.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import comb, factorial, isqrt
from typing import NamedTuple, TypeAlias

_MAX_DEPTH = 40
_MAX_BITS = 4_000
_MAX_EXPONENT = 1_000
_MAX_FACTORIAL = 100
_SUPERSCRIPTS = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹", "0123456789")
_SEPARATORS = str.maketrans("", "", ",\\!{} ")
_PARTNER = {"(": ")", "[": "]", "{": "}"}


Number: TypeAlias = Fraction | int
"""Whole numbers stay integers, because they are the common case and fractions are ten times slower."""


class Token(NamedTuple):
    """A lexical token; `start` and `end` are offsets into the text."""

    kind: str
    text: str
    start: int
    end: int


class Unevaluable(Exception):  # noqa: N818 - not an error: the usual outcome for most text
    """The tokens have no certain value."""


@dataclass(frozen=True)
class Reading:
    """How ambiguous notation is interpreted."""

    percent: bool = True
    """`5%` is 0.05; otherwise the sign is a unit, as in `30% + 20% = 50%` or `3/4 × 100 = 75%`."""
    mixed: bool = True
    """`3 1/2` written `3\\frac12` is a mixed number; otherwise a product."""
    in_order: bool = True
    """`6 / 2 × 3` is 9; otherwise everything after the slash is in the denominator."""


def evaluate(tokens: Sequence[Token], reading: Reading) -> Number:
    """Return the value of `tokens`.

    Raises:
        Unevaluable: they have no certain value.
    """
    parser = _Parser(tokens, reading)
    try:
        value = parser.sum(0)
    except (ZeroDivisionError, OverflowError) as error:
        raise Unevaluable from error
    if parser.at < len(tokens):
        raise Unevaluable
    return value


class _Parser:
    def __init__(self, tokens: Sequence[Token], reading: Reading) -> None:
        self.tokens = tokens
        self.reading = reading
        self.at = 0

    def kind(self) -> str:
        return self.tokens[self.at].kind if self.at < len(self.tokens) else ""

    def take(self) -> Token:
        if self.at >= len(self.tokens):
            raise Unevaluable
        self.at += 1
        return self.tokens[self.at - 1]

    def sum(self, depth: int) -> Number:
        if depth > _MAX_DEPTH:
            raise Unevaluable
        total = self.product(depth)
        while self.kind() in ("add", "sub"):
            sign = 1 if self.take().kind == "add" else -1
            total = _bounded(total + sign * self.product(depth))
        return total

    def product(self, depth: int) -> Number:
        value = self.signed(depth)
        divided = ""
        while True:
            kind = self.kind()
            if kind in ("mul", "div"):
                sign = self.take().text
                factor = self.signed(depth)
                if kind == "div":
                    if divided and sign != divided:  # 3 ÷ 3 / 12 ÷ 3
                        raise Unevaluable
                    divided = sign
                is_divisor = kind == "div" or (divided and not self.reading.in_order)
                value = _bounded(Fraction(value) / factor if is_divisor else value * factor)
            elif kind in ("open", "func", "half"):
                is_remark = kind == "open" and self.tokens[self.at].start - self.tokens[self.at - 1].end == 1
                if divided or is_remark:  # 6/2(1+2) is ambiguous; in 150 (30 games) nothing is multiplied
                    raise Unevaluable
                value = _bounded(value * self.power(depth))
            else:
                return value

    def signed(self, depth: int) -> Number:
        if self.kind() == "sub":
            self.take()
            return -self.power(depth)
        return self.power(depth)

    def power(self, depth: int) -> Number:
        base = self.postfix(depth)
        if self.kind() == "sup":
            exponent: Number = int(self.take().text.translate(_SUPERSCRIPTS))
        elif self.kind() == "pow":
            self.take()
            if depth > _MAX_DEPTH:
                raise Unevaluable
            sign = -1 if self.kind() == "sub" and self.take() else 1
            exponent = sign * self.postfix(depth + 1)
            if (
                self.kind() in ("pow", "sup") or exponent == -1
            ):  # 2^33^0 is LaTeX for 2³3⁰; 5^{-1} may be modular
                raise Unevaluable
        else:
            return base
        return _power(base, exponent)

    def postfix(self, depth: int) -> Number:
        value = self.atom(depth)
        while self.kind() in ("pct", "bang"):
            if self.take().kind == "bang":
                if value.denominator != 1 or not 0 <= value <= _MAX_FACTORIAL or self.kind() == "bang":
                    raise Unevaluable
                value = factorial(int(value))
            elif self.reading.percent:
                value = Fraction(value) / 100
        return value

    def atom(self, depth: int) -> Number:
        token = self.take()
        if token.kind == "num":
            return number(token.text) + self.mixed_part(depth)
        if token.kind == "half":
            numerator, denominator = (digit for digit in token.text if digit.isdigit())
            return Fraction(int(numerator), int(denominator))
        if token.kind == "open":
            value = self.sum(depth + 1)
            if self.take().text != _PARTNER[token.text]:
                raise Unevaluable
            return value
        if token.kind == "func":
            first = self.argument(depth)
            if "sqrt" in token.text or token.text == "√":
                return _root(first)
            second = self.argument(depth)
            if "frac" in token.text:
                return Fraction(first) / second
            if first.denominator != 1 or second.denominator != 1 or not 0 <= second <= first <= _MAX_EXPONENT:
                raise Unevaluable
            return comb(int(first), int(second))
        raise Unevaluable

    def mixed_part(self, depth: int) -> Number:
        """Return the fractional part of a mixed number, 0 if there is none."""
        if (
            not self.reading.mixed
            or self.kind() not in ("half", "func")
            or "frac" not in self.tokens[self.at].text
        ):
            return 0
        mark = self.at
        part = self.atom(depth + 1)
        if 0 < part < 1:
            return part
        self.at = mark
        return 0

    def argument(self, depth: int) -> Number:
        token = self.tokens[self.at] if self.at < len(self.tokens) else None
        if token is None or (token.kind == "num" and len(token.text) > 1) or token.text in ("(", "["):
            follows_root = self.tokens[self.at - 1].text == "√"
            if (
                token is None or not follows_root
            ):  # LaTeX reads only one digit of \sqrt12, which is not what is meant
                raise Unevaluable
        return self.atom(depth + 1)


def number(text: str) -> Number:
    """Return the value of a numeral, which may have thousands separators."""
    digits = text if text.isdigit() else text.translate(_SEPARATORS)
    try:
        return Fraction(digits) if "." in digits else int(digits)
    except ValueError as error:  # more digits than Python converts
        raise Unevaluable from error


def _bounded(value: Number) -> Number:
    if value.numerator.bit_length() > _MAX_BITS or value.denominator.bit_length() > _MAX_BITS:
        raise Unevaluable
    return value


def _power(base: Number, exponent: Number) -> Number:
    power = int(exponent)
    if power != exponent or abs(power) > _MAX_EXPONENT:
        raise Unevaluable
    bits = max(base.numerator.bit_length(), base.denominator.bit_length())
    if bits * abs(power) > _MAX_BITS:
        raise Unevaluable
    return base**power if power >= 0 else Fraction(base) ** power


def _root(value: Number) -> Number:
    if value < 0:
        raise Unevaluable
    numerator, denominator = isqrt(value.numerator), isqrt(value.denominator)
    if numerator * numerator != value.numerator or denominator * denominator != value.denominator:
        raise Unevaluable
    return Fraction(numerator, denominator)
