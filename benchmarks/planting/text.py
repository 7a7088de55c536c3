"""Sentences, numbers and equations of a solution, as the planting of faults needs them."""

import hashlib
import random
import re
from collections.abc import Iterable, Iterator
from fractions import Fraction
from typing import NamedTuple

_DISPLAY = r"\\\[.*?\\\]|\$\$.*?\$\$|\\begin\{(align|eqnarray|aligned|cases)\*?\}.*?\\end\{\1\*?\}"
# A dollar sign opens a formula if no blank follows it. It closes one between a
# character that is not blank and one that is no digit.
_INLINE = r"\\\(.*?\\\)|(?<![\\\d])\$(?=\S)(?:[^$\\\n]|\\.|\n(?![A-Z]))*(?<=\S)\$(?!\d)"
_MATH = re.compile(f"{_DISPLAY}|{_INLINE}", re.S)
_END = re.compile(r"(?<=[.?!])[*)\"]*\s+(?=[A-Z\\$*\"(✅#-])|\s*\n\s*")
_DISPLAY_END = re.compile(r"(?:\\\]|\$\$|\\end\{[a-z]+\*?\})[.,]?\s*(?=[A-Z])")
_BULLET = re.compile(r"\s*(?:[-*•]|#+|\(?\d{1,2}[.)]|\*\*)\s*$")
NUMBER = re.compile(
    r"(?<![\d.])(?<!\d,)(?:\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?)(?![\d])(?!,\d{3}(?!\d))"
)
_OPERATOR = r"\+|-|−|–|\*|×|·|x(?=\s?\$?\d)|\\times|\\cdot|/|÷|\\div"
EQUATION = re.compile(
    r"(?<![\d.,+\-−–*×·/÷^(=x{}\\])(?P<left>\d+(?:,\d{3})*(?:\.\d+)?)(?P<s1>\s*)(?P<op>"
    + _OPERATOR
    + r")(?P<s2>\s*\$?)"
    r"(?P<right>\d+(?:,\d{3})*(?:\.\d+)?)(?P<eq>\s*=\s*\$?)(?P<value>-?\d+(?:,\d{3})*(?:\.\d+)?)(?![\d%/^!.]*[\d%/^!])"
)
COMMON = {
    "0",
    "1",
    "2",
    "7",
    "10",
    "12",
    "16",
    "24",
    "30",
    "52",
    "60",
    "90",
    "100",
    "180",
    "360",
    "365",
    "1000",
}
"""Numbers that a reader knows without being told: days of a week, degrees of a triangle, per cent."""


class Unit(NamedTuple):
    """A sentence with its display formula or list marker: `text[start:end]`, blanks included."""

    start: int
    end: int
    text: str


def units(text: str) -> list[Unit]:
    """Cut a text into sentences that join to the text again."""
    masked = _MATH.sub(lambda match: "M" * (match.end() - match.start()), text)
    cuts = {match.end() for match in _END.finditer(masked)}
    for match in _DISPLAY_END.finditer(text):
        if masked[match.start()] == "M":
            cuts.add(match.end())
    result: list[Unit] = []
    start = 0
    for cut in sorted(cuts | {len(text)}):
        piece = text[start:cut]
        complete = not _BULLET.fullmatch(piece) and not piece.rstrip().endswith((":", ",", "="))
        following = text[cut:].lstrip()
        continues = following.startswith(("\\[", "$$", "\\begin")) or following[:1].islower()
        if cut == len(text) or (piece.strip() and complete and not continues):
            result.append(Unit(start, cut, piece))
            start = cut
    return [unit for unit in result if unit.text]


def without(text: str, spans: Iterable[tuple[int, int]]) -> str:
    """Return the text without the spans."""
    for start, end in sorted(spans, reverse=True):
        text = text[:start] + text[end:]
    return text


def numbers(text: str) -> list[str]:
    """All numbers of a text as they are spoken: `1,200` and `1200` are equal."""
    return [spoken(match.group()) for match in NUMBER.finditer(text.replace(",\\!", ""))]


def spoken(number: str) -> str:
    """A number without separators and idle zeros."""
    plain = number.replace(",", "").rstrip(".")
    return plain.rstrip("0").rstrip(".") if "." in plain else plain


def value_of(number: str) -> Fraction:
    """The value of a number as the equations here write it."""
    return Fraction(number.replace(",", "").rstrip("."))


def result(left: Fraction, operator: str, right: Fraction) -> Fraction | None:
    """The result of one operation; None if it has none."""
    if operator in ("+",):
        return left + right
    if operator in ("-", "−", "–"):
        return left - right
    if operator in ("/", "÷", "\\div"):
        return left / right if right else None
    return left * right


def equations(text: str) -> Iterator[re.Match[str]]:
    """The equations `a operator b = c` of a text that are not a part of a longer calculation."""
    for match in EQUATION.finditer(text):
        before, after = text[: match.start()].rstrip(" $"), text[match.end() :]
        goes_on = re.match(r"\s*(?:[+*×·÷/^]|[-−–]\s*\d|\\times|\\cdot|\\div)", after)
        if not goes_on and not re.search(r"(?:[-−–+*×·÷/^(]|\\times|\\cdot|\\div)$", before):
            yield match


def true_equations(text: str) -> Iterator[re.Match[str]]:
    """The equations `a operator b = c` of a text that hold."""
    for match in equations(text):
        if result(value_of(match["left"]), match["op"], value_of(match["right"])) == value_of(match["value"]):
            yield match


def operand(text: str, number: str) -> bool:
    """Whether a number is first used in a calculation, and not stated as a result."""
    text = text.replace("**", "  ")  # bold
    for match in NUMBER.finditer(text):
        if spoken(match.group()) != number:
            continue
        before, after = text[: match.start()].rstrip(" $({"), text[match.end() :].lstrip(" $)}")
        if re.search(r"(?:=|≈|\bis|\bare|equals|boxed|gives|get|total of)$", before):
            goes_on = re.match(r"[+*×·÷/]|[-−–]\s*\d|\\times|\\cdot|\\div", after)
            return bool(goes_on) and before.endswith("=")
        return bool(
            re.search(r"(?:\\times|\\cdot|\\div|\\d?frac|\\binom|\\sqrt|[+*×·÷/−–]|\d\s*-|\d\s?x)$", before)
            or re.match(r"[+*×·÷/]|[-−–]\s*\$?\d|\\times|\\cdot|\\div|x\s?\$?\d", after)
        )
    return False


def altered(rng: random.Random, number: str, forbidden: Iterable[str]) -> str | None:
    """Another number that could be meant: a digit off, two digits swapped, ten more or fewer."""
    plain = number.replace(",", "")
    if not re.fullmatch(r"-?\d+", plain):
        return None
    value, sign = abs(int(plain)), "-" if plain.startswith("-") else ""
    digits = str(value)
    options = {value + 1, value - 1, value + 2, value - 2}
    if value > 20:
        options |= {value + 10, value - 10}
    if len(digits) > 1 and digits[-1] != digits[-2] and digits[-1] != "0":
        options.add(int(digits[:-2] + digits[-1] + digits[-2]))
    if value > 200:
        options |= {value + 100, value - 100}
    taken = set(forbidden)
    usable = [option for option in sorted(options) if option > 1 and str(option) not in taken]
    if not usable:
        return None
    chosen = rng.choice(usable)
    return sign + (f"{chosen:,}" if "," in number else str(chosen))


def replaced(text: str, start: int, end: int, new: str) -> str:
    """Put `new` in place of `text[start:end]`."""
    return text[:start] + new + text[end:]


def lowered(sentence: str, names: str = "") -> str:
    """A sentence as it continues another one: without `So`, in lower case unless a name is first."""
    sentence = re.sub(
        r"^(?:So|Thus|Therefore|Then|Finally|Next|Now|First|Hence),? (?=[A-Za-z])", "", sentence
    )
    word = re.match(r"[A-Za-z]+", sentence)
    common = re.match(
        r"(?:The|There|This|It|He|She|They|We|In|After|Each|If|To|For|A|Since|His|Her|Out|With|On)\b",
        sentence,
    )
    if word and (common or (len(word.group()) > 1 and word.group() not in names)):
        return sentence[0].lower() + sentence[1:]
    return sentence


def seeded(seed: int, *words: object) -> random.Random:
    """Return a separate generator for each use, so that one more item changes no other."""
    return random.Random("/".join(map(str, (seed, *words))))  # noqa: S311


def is_tune(source: str) -> bool:
    """Half of all sources, by a hash."""
    return hashlib.sha256(source.encode()).digest()[0] % 2 == 0
