"""Numbers written as English words: `number_in_words("twenty-one")` is 21."""

import re
from fractions import Fraction

_SMALL = (
    *("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven"),
    *("twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen"),
)
_TENS = ("twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
_UNITS = {word: number for number, word in enumerate(_SMALL)} | {
    word: 10 * number for number, word in enumerate(_TENS, start=2)
}
_SCALES = {
    "hundred": 100,
    "thousand": 1_000,
    "million": 10**6,
    "billion": 10**9,
    "trillion": 10**12,
}
_PARTS = {"half": 2, "halves": 2, "quarter": 4, "quarters": 4} | {
    name + ending: number
    for number, name in enumerate(
        ("third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth"), start=3
    )
    for ending in ("", "s")
}
NUMBER_WORDS = frozenset({*_UNITS, *_SCALES, *_PARTS, "dozen"})
_SEPARATOR = re.compile(r"[\s-]+")
_MOST_WORDS = 20


def number_in_words(text: str) -> Fraction | None:
    """Return the number that `text` spells, such as `two thirds` or `minus one hundred and five`, or None."""
    words = _SEPARATOR.split(text.strip().casefold())
    if len(words) > _MOST_WORDS:
        return None
    if words[0] in {"minus", "negative"}:
        value = number_in_words(" ".join(words[1:])) if len(words) > 1 else None
        return None if value is None else -value
    if words[-1] in _PARTS:
        return _parts(words[:-1], Fraction(1, _PARTS[words[-1]]))
    return _whole(words)


def scale_of(word: str) -> int | None:
    """Return what a word such as `million` or `dozen` multiplies a number by, or None."""
    singular = word.casefold().removesuffix("s")
    return 12 if singular == "dozen" else _SCALES.get(singular)


def _parts(words: list[str], part: Fraction) -> Fraction | None:
    """`three and a half`, `two thirds`, `a half`, `half`."""
    if not words or words in (["a"], ["one"]):
        return part
    if "and" in words:
        cut = len(words) - 1 - words[::-1].index("and")
        whole, count = _whole(words[:cut]), _parts(words[cut + 1 :], part)
        return None if whole is None or count is None else whole + count
    count = _whole(words)
    return None if count is None else count * part


def _whole(words: list[str]) -> Fraction | None:
    total = group = 0
    last = 1_000_000
    for word in words:
        if word == "and" and total + group:
            continue
        if word in _UNITS:
            value = _UNITS[word]
            if last < 20 or (last < 100 and value >= 10) or (value == 0 and len(words) > 1):
                return None  # two three, twenty thirty
            group, last = group + value, value
        elif word == "hundred" and 0 < group < 10:
            group, last = group * 100, 100
        elif word in _SCALES and word != "hundred" and group:
            total, group, last = total + group * _SCALES[word], 0, 1_000
        else:
            return None
    return Fraction(total + group) if words else None
