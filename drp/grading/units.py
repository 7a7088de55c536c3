"""Units of measurement: which dimension a unit has, and how many of its base unit it is."""

import re
from dataclasses import dataclass
from fractions import Fraction

_TABLE: dict[str, tuple[str, str]] = {
    # dimension: (its base unit, other units with their size)
    "time": ("second", "s=1 sec=1 minute=60 min=60 hour=3600 hr=3600 h=3600 day=86400 week=604800"),
    "calendar": ("month", "mo=1 year=12 yr=12"),
    "length": (
        "meter",
        "m=1 metre=1 km=1000 kilometer=1000 kilometre=1000 cm=1/100 centimeter=1/100 centimetre=1/100 "
        "mm=1/1000 millimeter=1/1000 millimetre=1/1000 dm=1/10 inch=254/10000 in=254/10000 foot=3048/10000 "
        "feet=3048/10000 ft=3048/10000 yard=9144/10000 yd=9144/10000 mile=1609344/1000 mi=1609344/1000",
    ),
    "mass": (
        "gram",
        "g=1 kg=1000 kilogram=1000 mg=1/1000 milligram=1/1000 tonne=1000000 pound=45359237/100000 "
        "lb=45359237/100000 ounce=45359237/1600000 oz=45359237/1600000",
    ),
    "volume": (
        "liter",
        "litre=1 l=1 ml=1/1000 milliliter=1/1000 millilitre=1/1000 gallon=3785411784/1000000000",
    ),
    "money": ("dollar", "$=1 usd=1 buck=1 cent=1/100"),
    "angle": ("degree", "deg=1"),
    "share": ("percent", "%=1 pct=1 percentage=1"),
}
_PLURALS = {"inches": "inch", "feet": "foot", "centuries": "century"}
_COMPOUNDS = {"mph": ("mile", "hour"), "kph": ("km", "hour"), "kmh": ("km", "hour")}
_SIZES: dict[str, tuple[str, Fraction]] = {}
for _dimension, (_base, _others) in _TABLE.items():
    _SIZES[_base] = (_dimension, Fraction(1))
    for _other in _others.split():
        _name, _, _size = _other.rpartition("=")
        _SIZES[_name] = (_dimension, Fraction(_size))

_POWERS = {"square": 2, "sq": 2, "squared": 2, "cubic": 3, "cu": 3, "cubed": 3}
_ATOM = re.compile(r"(?P<name>[A-Za-z$%\u4e00-\u9fff]+)(?:\s?(?:\^|\*\*)\s?\{?(?P<power>-?\d)\}?)?")
_JOINT = re.compile(r"[\s.*]*(?:\\cdot\s?|\\times\s?)?[\s.*]*")


@dataclass(frozen=True)
class MeasurementUnit:
    """A product of powers of dimensions, and its size in their base units; unknown words are dimensions."""

    dimensions: tuple[tuple[str, int], ...]
    size: Fraction
    known: bool

    @property
    def generic(self) -> bool:
        """Whether it is `units`, `square units` and the like."""
        return bool(self.dimensions) and all(name == "unit" for name, _ in self.dimensions)


def parse_unit(text: str) -> MeasurementUnit | None:
    """Return the unit that `text` writes, such as `m/s^2`, `square feet` or `red apples`, or None."""
    counts: dict[str, int] = {}
    size, known = Fraction(1), True
    sign, pending, at = 1, 1, 0
    text = text.strip().rstrip(".")
    while at < len(text):
        if text[at] == "/":
            sign, at = -1, at + 1
            continue
        atom = _ATOM.match(text, at)
        if not atom:
            return None
        name = atom["name"]
        joint = _JOINT.match(text, atom.end())
        at = joint.end() if joint else atom.end()
        if name.casefold() == "per":
            sign = -1
            continue
        if name.casefold() in _POWERS:
            power = _POWERS[name.casefold()]
            if name.casefold().endswith("ed"):  # meters squared
                last = next(reversed(counts), None)
                if last is None:
                    return None
                counts[last] *= power
            else:
                pending = power
            continue
        power = sign * pending * int(atom["power"] or 1)
        pending = 1
        for part, direction in zip(_COMPOUNDS.get(name.casefold(), (name,)), (1, -1), strict=False):
            dimension, each, is_known = _atom(part)
            known &= is_known
            size *= each ** (power * direction)
            counts[dimension] = counts.get(dimension, 0) + power * direction
    dimensions = tuple(sorted((name, power) for name, power in counts.items() if power))
    return MeasurementUnit(dimensions, size, known) if dimensions else None


def _atom(name: str) -> tuple[str, Fraction, bool]:
    for form in (name, name.casefold()):
        singular = _PLURALS.get(form, form.removesuffix("s") if len(form) > 2 else form)
        for each in (form, singular):
            if each in _SIZES and not (len(each) == 1 and each.isalpha() and form != name):
                dimension, size = _SIZES[each]
                return dimension, size, True
    word = name.casefold()
    word = word.removesuffix("s") if len(word) > 3 else word
    return word, Fraction(1), word == "unit"
