"""Take answers apart: options, times of the day, ratios, numerals in a base, named values, lists, tuples.

Sets and intervals are taken apart like lists and tuples. All functions read the notation of `notation.plain`.
"""

import re
from dataclasses import dataclass, field
from fractions import Fraction

from drp.grading.notation import LABEL
from drp.grading.number_words import number_in_words

_OPTION = re.compile(
    r"(?P<open>\(?)(?P<letter>[A-Ja-j])(?P<close>\)?[.:]?)(?:(?<=[).:])\s?(?P<text>(?!and\b|or\b)[^\s,;&].{0,300}))?",
    re.DOTALL,
)
_OPTIONS = re.compile(r"(?:\(?[A-J]\)?(?:\s?(?:,|and|&)?\s?)){2,10}")
_TIME = re.compile(
    rf"(?P<hour>\d{{1,2}}):(?P<minute>[0-5]\d)(?::(?P<second>[0-5]\d))?"
    rf"[\s{LABEL}]{{0,3}}(?P<half>[ap]\.?\s?m\.?)?",
    re.IGNORECASE,
)
_RATIO = re.compile(r"\d{1,20}(?:\.\d{1,20})?(?:\s?:\s?\d{1,20}(?:\.\d{1,20})?){1,5}")
_NUMERAL = re.compile(
    rf"(?P<sign>-?)(?P<digits>\d[\dA-Za-z]{{0,400}})\s?_\s?(?:(?P<base>\d{{1,2}})|\{{[\s{LABEL}]*(?P<named>\w{{1,12}})\s?\}})"
)
# What an answer may be the value of: x, x_1, f(x), (x,y), A:B, \alpha .
_NAMED = re.compile(
    r"(?P<name>\\?[A-Za-z]{1,12}(?:_\{?\w{1,8}\}?|'){0,2}(?:\([A-Za-z](?:,[A-Za-z]){0,3}\))?"
    r"|\([A-Za-z]\w?(?:,[A-Za-z]\w?){1,5}\)"
    r"|[A-Z][\w{}]{0,8}:[A-Z][\w{}]{0,8}|\|?[A-Z]{1,3}\|?|P\([^()=]{1,30}\))"
    r"\s?(?:=|\\in(?![a-z])|\\approx|:=)\s?(?P<value>[^=<>]{1,2000})",
    re.DOTALL,
)
# x = 5 + 6 = 11 \approx 11.0: the last exact value counts.
_CHAIN = re.compile(
    r"(?P<name>[^=]{1,60})=(?:[^=]{1,300}=){0,8}(?P<value>[^=]{1,300}?)(?:\\approx.{1,60})?", re.DOTALL
)
_SEPARATOR = re.compile(
    rf"\s?(?:,|;)\s?(?:{LABEL}?\s?(?:and|or)\b)?|\s?{LABEL}\s?(?:and|or)\b"
    rf"|(?<![A-Za-z])\s?(?:and|or)\b|\s(?:and|or)\b"
    r"|\\(?:lor|vee)(?![a-z])"
)
_THOUSANDS = re.compile(r"[-+$]?\s?\d{1,3}(?:,\d{3})+(?:\.\d+)?%?")
_DECIMAL_COMMA = re.compile(r"-?\d{1,9},(?:\d{1,2}|\d{4,9})")
_OPEN, _CLOSE = "([{", ")]}"
_NAMES = {"\\{": "{", "\\}": "}", "\\left": "", "\\right": "", "\\langle": "(", "\\rangle": ")"}


@dataclass(frozen=True)
class Option:
    """One or several options of a multiple-choice question, with the text of the option if it is given.

    Attributes:
        letters: the letters in upper case, sorted.
        text: what stands after the letter.
        sure: it is written like an option: in upper case, in brackets or with a text.
    """

    letters: str
    text: str
    sure: bool


@dataclass(frozen=True)
class TimeOfDay:
    """A time of the day; `afternoon` is None without a.m. or p.m."""

    minutes: Fraction
    afternoon: bool | None
    may_be_ratio: bool


@dataclass(frozen=True)
class Numeral:
    """A whole number in a base: its digits in upper case without leading zeros, the base, and its value."""

    digits: str
    base: int
    value: int


@dataclass(frozen=True)
class Items:
    """The items of a list and its brackets.

    Attributes:
        opening, closing: the brackets; empty for a plain list.
        items: the text of each item.
        decimal: the number, if the list may be one with a decimal comma.
    """

    opening: str
    closing: str
    items: list[str] = field(default_factory=list)
    decimal: str = ""

    @property
    def brackets(self) -> str:
        """Both brackets; a set and a plain list are alike."""
        return "" if self.opening == "{" else self.opening + self.closing

    @property
    def ordered(self) -> bool:
        """Whether the order counts: in tuples and intervals, and in sequences that go on."""
        return self.opening in ("(", "[") or any("\\ldots" in item for item in self.items)


def option(text: str) -> Option | None:
    """Return the option that `text` names: `B`, `(B)`, `(B) 12`, `A, C`."""
    text = text.replace(LABEL, " ").strip()
    if match := _OPTION.fullmatch(text):
        letter, written = match["letter"], match["text"] or ""
        return Option(letter.upper(), written, letter.isupper() or bool(match["open"] or match["close"]))
    if _OPTIONS.fullmatch(text):
        letters = re.findall(r"[A-J]", text)
        if len(set(letters)) == len(letters):
            return Option("".join(sorted(letters)), "", sure="(" in text or "," in text)
    return None


def time_of_day(text: str) -> TimeOfDay | None:
    """Return the time that `text` writes, such as `7:32` or `3:45 p.m.`."""
    match = _TIME.fullmatch(text.strip())
    if not match or int(match["hour"]) > 24:
        return None
    hour = int(match["hour"])
    afternoon = match["half"].casefold().startswith("p") if match["half"] else None
    if afternoon is not None:
        hour = hour % 12 + 12 * afternoon
    elif hour > 12:
        afternoon = True
    minutes = Fraction(60 * hour + int(match["minute"])) + Fraction(int(match["second"] or 0), 60)
    return TimeOfDay(minutes, afternoon, not match["half"])


def numeral(text: str) -> Numeral | None:
    """Return the numeral with a base that `text` is: `204_5`, `1A_{16}`, `101_{two}`."""
    match = _NUMERAL.fullmatch(text)
    if not match:
        return None
    named = match["base"] or match["named"]
    base = int(named) if named.isdecimal() else number_in_words(named)
    if base is None or base not in range(2, 37):
        return None
    digits = match["sign"] + (match["digits"].upper().lstrip("0") or "0")
    try:
        return Numeral(digits, int(base), int(digits, int(base)))
    except ValueError:  # a digit that the base does not have
        return None


def ratio(text: str) -> list[Fraction] | None:
    """Return the terms of a ratio such as `2:3` or `1 : 2.5 : 4`, if none is zero."""
    if not _RATIO.fullmatch(text.strip()):
        return None
    terms = [Fraction(term.strip()) for term in text.split(":")]
    return terms if all(terms) else None


def named(text: str) -> tuple[str, str] | None:
    """Return name and value of `x = 5`, `f(x) = x^2`, `(x,y) = (5,8)` or `x \\in [1,2]`."""
    text = text.replace(LABEL, " ").strip()
    if not re.search("[<>]", text) and not _top_level_separators(text) and (chain := _CHAIN.fullmatch(text)):
        text = f"{chain['name']}={chain['value']}"
    match = _NAMED.fullmatch(text)
    if not match or (_top_level_separators(match["value"]) and _NAMED.search(match["value"])):
        return None
    return match["name"].replace(" ", ""), match["value"].strip()


def items_of(text: str) -> Items | None:
    """Return the items of a list, set, tuple or interval; None for anything else."""
    text = text.strip()
    if _THOUSANDS.fullmatch(text):
        return None
    if "\\pm" in text:
        return _plus_and_minus(text)
    decimal = text.replace(",", ".") if _DECIMAL_COMMA.fullmatch(text) else ""
    opening, closing, inner = _bracketed(text)
    items = [item for item in _split(inner) if item]
    if not opening and len(items) < 2:
        return None
    if opening in ("(", "[") and len(items) < 2:
        return None
    name = named(items[0]) if not opening else None
    if name and all(not named(item) for item in items[1:]):  # n = 2, 5, 6
        items[0] = name[1]
    return Items(opening, closing, items, decimal)


def _plus_and_minus(text: str) -> Items | None:
    """Both values of `a \\pm b`; other signs go along with it."""
    if text.count("\\pm") > 2 or _top_level_separators(text):
        return None
    sides = [re.sub(r"\\pm\s?", sign, text) for sign in ("+", "-")]
    return Items("", "", [side.removeprefix("+") for side in sides])


def _bracketed(text: str) -> tuple[str, str, str]:
    """Return the brackets around the whole of `text` and what is between them."""
    for opening, closing in (("\\{", "\\}"), ("\\langle", "\\rangle")):
        if text.startswith(opening) and text.endswith(closing):
            inner = text[len(opening) : -len(closing)]
            if _balanced(inner):
                return _NAMES[opening], _NAMES[closing], inner
    if text[:1] in ("(", "[", "{") and text[-1:] in (")", "]", "}") and _balanced(text[1:-1]):
        return text[0], text[-1], text[1:-1]
    return "", "", text


def _balanced(text: str) -> bool:
    depth = 0
    for character in text:
        depth += (character in _OPEN) - (character in _CLOSE)
        if depth < 0:
            return False
    return depth == 0


def _split(text: str) -> list[str]:
    """Split at the separators that are in no brackets, at semicolons only if there are some."""
    items, start = [], 0
    for begin, end in _top_level_separators(text):
        items.append(text[start:begin])
        start = end
    items.append(text[start:])
    return [item.replace(LABEL, " ").strip() if _is_joint(item) else item.strip() for item in items]


def _is_joint(item: str) -> bool:
    return item.strip(f" {LABEL}") == ""


def _top_level_separators(text: str) -> list[tuple[int, int]]:
    depths, depth = [], 0
    for character in text:
        depth += (character in _OPEN) - (character in _CLOSE)
        depths.append(depth)
    found = []
    for match in _SEPARATOR.finditer(text):
        number = text[: match.start()][-4:], text[match.end() : match.end() + 4]
        if depths[match.start()] != 0:
            continue
        if match.group() == "," and re.search(r"\d$", number[0]) and re.match(r"\d{3}(?!\d)", number[1]):
            continue  # 1,234
        found.append(match.span())
    groups = [span for span in found if ";" in text[slice(*span)]]
    return groups or found
