"""Read numbers with their units from an answer in plain notation, and compare them exactly.

compare(parse_quantity("3 hours 20 minutes"), parse_quantity("200 minutes"))    # equal
"""

import re
import struct
from dataclasses import dataclass
from fractions import Fraction

from drp.core import Verdict
from drp.grading.notation import LABEL
from drp.grading.number_words import NUMBER_WORDS, number_in_words, scale_of
from drp.grading.units import MeasurementUnit, parse_unit

ROUNDING = Fraction(1, 10**6)
"""A decimal may be the rounded form of a number that differs by at most this share."""
_TABLE_DIGITS = 9
"""A float32 that a table has widened to float64 shows at least this many significant digits."""

_NUMBER = re.compile(
    r"(?P<sign>[-+]?)\s?(?P<money>\$?)\s?(?P<sign2>-?)(?:"
    r"(?:(?P<mixed>\d{1,9})\s?)?\\frac\{(?P<over>-?\d{1,40})\}\{(?P<under>-?\d{1,40})\}"
    r"|(?:(?P<mixed2>\d{1,9})\s)?(?P<over2>\d{1,40})\s?/\s?(?P<under2>\d{1,40})"
    r"|(?P<number>\d{1,3}(?:,\d{3})+(?:\.\d{0,400})?|\d{1,400}(?:\.\d{0,400})?|\.\d{1,400})"
    r"(?:\s?\\(?:times|cdot)\s?10\^(?:\{(?P<power>-?\d{1,4})\}|(?P<power2>\d)))?"
    r")(?![\d^_!(\[\\])"
)
_WORDS = re.compile(r"[A-Za-z]+(?:[\s-]+[A-Za-z]+){0,20}")
_SCALE = re.compile(rf"\s?{LABEL}?\s?([A-Za-z]+)\b")
_JOINT = re.compile(rf"[\s,{LABEL}]*(?:and\b)?[\s{LABEL}]*")
# The text of a unit: up to the next number that is not its exponent.
_UNIT_TEXT = re.compile(r"(?:(?:\^|\*\*)\s?\{?-?\d\}?|[^\d,;=<>()+\[\]|\\])+")
_MOST_PARTS = 4


@dataclass(frozen=True)
class ShownNumber:
    """An exact number, with what its notation says about rounding.

    Attributes:
        value: as written.
        place: the power of ten of the last digit shown, if it is written as a decimal; otherwise None.
        others: values that the notation may also stand for: the shortest decimal of a float32.
    """

    value: Fraction
    place: int | None = None
    others: tuple[Fraction, ...] = ()

    def is_rounding_of(self, value: Fraction) -> bool:
        """Whether `value` is close and, rounded to the digits shown (half up or to even), this decimal."""
        if self.place is None or self.place >= 0 or abs(value - self.value) > ROUNDING * abs(value):
            return False
        step = Fraction(10) ** self.place
        quotient = value / step
        up = (abs(quotient) + Fraction(1, 2)) // 1 * (1 if quotient >= 0 else -1)
        return self.value in (up * step, round(quotient) * step)


@dataclass(frozen=True)
class Quantity:
    """A number with a unit, or several as in `5 feet 6 inches`.

    Attributes:
        parts: the numbers and their units.
        doubtful: the unit may be a variable, as in `5 m`.
        unscaled: the number without a word such as `million`, if there is one.
    """

    parts: tuple[tuple[ShownNumber, MeasurementUnit | None], ...]
    doubtful: bool = False
    unscaled: Fraction | None = None


def equal_numbers(first: ShownNumber, second: ShownNumber) -> bool:
    """Whether two numbers are equal: exactly, or one is a decimal to which the other rounds."""
    firsts, seconds = {first.value, *first.others}, {second.value, *second.others}
    if firsts & seconds:
        return True
    for decimal, exact in ((first, second), (second, first)):
        is_finer = exact.place is None or (decimal.place is not None and exact.place < decimal.place)
        if is_finer and decimal.is_rounding_of(exact.value):
            return True
    return False


def parse_quantity(text: str) -> Quantity | None:
    """Return the number or quantity that fills `text` (in the notation of `notation.plain`), or None."""
    in_words = _in_words(text)
    if in_words:
        return in_words
    found: list[Quantity] = []
    at = 0
    while at < len(text):
        part = _part(text, at)
        if part is None or len(found) == _MOST_PARTS:
            return None
        found.append(part[0])
        at = part[1]
    if len(found) == 1:
        return found[0]
    units = [unit for each in found for _, unit in each.parts if unit and unit.known]
    if not found or len(units) < len(found) or len({unit.dimensions for unit in units}) > 1:
        return None
    return Quantity(tuple(part for each in found for part in each.parts))


def _part(text: str, at: int) -> tuple[Quantity, int] | None:
    """Return the number with its unit that begins at `at`, and where the next may begin."""
    match = _NUMBER.match(text, at)
    number = _number(match) if match else None
    if match is None or number is None:
        return None
    at, unscaled = match.end(), None
    scale = _SCALE.match(text, at)
    if scale and (factor := scale_of(scale[1])):
        unscaled = number.value
        number, at = ShownNumber(number.value * factor), scale.end()
    unit_text = _UNIT_TEXT.match(text, at)
    end = unit_text.end() if unit_text else at
    written = text[at:end]
    if end < len(text) and written.rstrip(f"{LABEL} ").endswith("-"):
        return None  # a subtraction follows
    unit = _unit(written, money=bool(match["money"]))
    if written.replace(LABEL, "").strip() and unit is None:
        return None
    doubtful = bool(unit and not match["money"] and _may_be_variable(written, unit))
    if doubtful and written.strip() == written:
        return None  # 5m: a product
    joint = _JOINT.match(text, end)
    return Quantity(((number, unit),), doubtful, unscaled), joint.end() if joint else end


def compare(gold: Quantity, prediction: Quantity) -> Verdict:
    """Compare two quantities. Units are converted; a missing unit is not an error."""
    if len(gold.parts) > 1 or len(prediction.parts) > 1:
        return _compare_compounds(gold, prediction)
    (number, unit), (other, other_unit) = gold.parts[0], prediction.parts[0]
    if unit is None and other_unit is None:
        return _scaled(gold, prediction, equal_numbers(number, other))
    if unit is None or other_unit is None:
        only = unit or other_unit
        assert only is not None  # noqa: S101 - one of them has a unit
        same = equal_numbers(number, other)
        if only.dimensions == (("share", 1),):
            share, plain = (number, other) if unit else (other, number)
            return _verdict(same or equal_numbers(_times(share, Fraction(1, 100)), plain))
        if same and (gold.doubtful or prediction.doubtful):
            return "undecided"
        return _scaled(gold, prediction, same)
    return _compare_with_units(number, unit, other, other_unit)


def _compare_with_units(
    number: ShownNumber, unit: MeasurementUnit, other: ShownNumber, other_unit: MeasurementUnit
) -> Verdict:
    same = equal_numbers(number, other)
    if unit.dimensions == other_unit.dimensions:
        return _verdict(equal_numbers(_times(number, unit.size), _times(other, other_unit.size)))
    names, other_names = ({name for name, _ in each.dimensions} for each in (unit, other_unit))
    powers, other_powers = (sum(power for _, power in each.dimensions) for each in (unit, other_unit))
    if unit.generic or other_unit.generic:  # 4 square units
        return _verdict(same and powers == other_powers)
    if unit.known and other_unit.known:
        return "different"
    if names <= other_names or other_names <= names:  # 9 apples, 9 red apples
        return _verdict(same)
    return "undecided" if same else "different"


def _compare_compounds(gold: Quantity, prediction: Quantity) -> Verdict:
    (_, unit), (_, other_unit) = gold.parts[0], prediction.parts[0]
    if unit and other_unit:
        return _verdict(unit.dimensions == other_unit.dimensions and _total(gold) == _total(prediction))
    compound, plain = (gold, prediction) if unit else (prediction, gold)
    totals = {_total(compound) / each.size for _, each in compound.parts if each}
    return "undecided" if plain.parts[0][0].value in totals else "different"


def _total(quantity: Quantity) -> Fraction:
    sign = -1 if quantity.parts[0][0].value < 0 else 1
    return sign * sum((abs(number.value) * unit.size for number, unit in quantity.parts if unit), Fraction(0))


def _scaled(gold: Quantity, prediction: Quantity, same: bool) -> Verdict:
    """`3` against `3 million` is undecided: the question may ask for millions."""
    if not same and (gold.unscaled is None) != (prediction.unscaled is None):
        scaled, plain = (gold, prediction) if gold.unscaled is not None else (prediction, gold)
        if scaled.unscaled == plain.parts[0][0].value:
            return "undecided"
    return _verdict(same)


def _verdict(same: bool) -> Verdict:
    return "equal" if same else "different"


def _times(number: ShownNumber, factor: Fraction) -> ShownNumber:
    if factor == 1:
        return number
    return ShownNumber(number.value * factor, others=tuple(value * factor for value in number.others))


def _in_words(text: str) -> Quantity | None:
    words = _WORDS.fullmatch(text.replace(LABEL, "").strip())
    if not words or words[0].casefold().split()[0].split("-")[0] not in NUMBER_WORDS | {
        "minus",
        "negative",
        "a",
    }:
        return None
    split = re.split(r"\s+", words[0])
    for end in range(len(split), 0, -1):
        value = number_in_words(" ".join(split[:end]))
        if value is not None:
            unit = parse_unit(" ".join(split[end:])) if end < len(split) else None
            return Quantity(((ShownNumber(value), unit),))
    return None


def _number(match: re.Match[str]) -> ShownNumber | None:
    part = match.groupdict()
    sign = -1 if (part["sign"] == "-") != (part["sign2"] == "-") else 1
    over, under = part["over"] or part["over2"], part["under"] or part["under2"]
    if over:
        if int(under) == 0:
            return None
        return ShownNumber(
            sign * (int(part["mixed"] or part["mixed2"] or 0) + Fraction(int(over), int(under)))
        )
    digits = part["number"].replace(",", "")
    power = int(part["power"] or part["power2"] or 0)
    if abs(power) > 1_000:
        return None
    value = sign * Fraction(digits.rstrip(".")) * Fraction(10) ** power
    if "." not in digits:
        return ShownNumber(value)
    shown = len(digits.replace(".", "").lstrip("0"))
    place = power - len(digits.partition(".")[2])
    return ShownNumber(value, place, _widened(value, shown) if shown >= _TABLE_DIGITS else ())


def _widened(value: Fraction, shown: int) -> tuple[Fraction, ...]:
    """The shortest decimal of a float32 that was printed as a float64: 0.1 for 0.10000000149011612."""
    try:
        double = float(value)
        single = struct.unpack("f", struct.pack("f", double))[0]
    except OverflowError:
        return ()
    if single != double or shown < len(repr(double).replace(".", "").lstrip("-0").partition("e")[0]):
        return ()
    for places in range(1, 10):
        short = f"{single:.{places}g}"
        if struct.unpack("f", struct.pack("f", float(short)))[0] == single:
            return (Fraction(short),)
    return ()


def _unit(written: str, *, money: bool) -> MeasurementUnit | None:
    text = written.replace(LABEL, " ").strip()
    unit = parse_unit(text) if text else None
    if money:
        return parse_unit("dollar") if not text or (unit and unit.dimensions == (("money", 1),)) else unit
    return unit


def _may_be_variable(written: str, unit: MeasurementUnit) -> bool:
    """Whether letters after a number may be variables and not a unit: `5 m`, `5 xy`, `5 ab`."""
    if LABEL in written or "%" in written or "$" in written:
        return False
    names = re.findall(r"[A-Za-z]+", written)
    return all(len(name) == 1 for name in names) or (not unit.known and any(len(name) < 3 for name in names))
