"""See where words make something else of a number: `half of 56`, `less than 56`, `56 squared`.

What such words state is another value, or none. Words that may state the value itself are left alone: `a sum
of 56`, `at least 56` (are needed), `56 more than before`, `56 inches squared`.
"""

import re

from drp.grading.number_words import NUMBER_WORDS

_NEAR = 60
"""Most characters before a number in which such words may stand."""
_OF = (
    r"(?:half|third|quarter|fifth|sixth|seventh|eighth|ninth|tenth)s?|per\s?cent|%|percentage|\d/\d{1,4}"
    r"|root|square|cube|logarithm|log|sine|cosine|tangent|factorial"
)
_BEFORE = (
    rf"(?:(?:{_OF})\s(?:of|from)|half|twice|double|triple|thrice"
    r"|(?:more|less|fewer|greater|smaller|larger|higher|lower) than|(?<!left )over|under|above|below|beyond"
    r"|exceeds?)"
    r"\s(?:the |a |about |number ){0,2}"
)
_AFTER = r"\s?(?:(?:squared|cubed|factorial)|(?:\w{1,12} )?(?:below zero|or (?:more|less|fewer)))\b"
_MATH = r"[\s$\\(*]{0,4}"
_NUMBER = re.compile(r"[-−+$\\(\s]{0,6}\d[\d.,]*(?![\w^{\\])")
_BEFORE_NUMBER = re.compile(rf"(?<![\w%]){_BEFORE}{_MATH}(?:\\f?(?:boxed|box)\{{)?$", re.IGNORECASE)
_AFTER_NUMBER = re.compile(rf"[\s$\\)*}}]{{0,4}}{_AFTER}", re.IGNORECASE)
_IN_TEXT = re.compile(
    rf"(?<![\w%]){_BEFORE}{_MATH}-?\d|\d[$\\)]{{0,3}}{_AFTER}"
    rf"|(?<![\w-])(?:{'|'.join(sorted(NUMBER_WORDS))})s?(?![\w-])",
    re.IGNORECASE,
)


def is_modified(text: str, start: int, end: int) -> bool:
    """Return whether words around the expression `text[start:end]` make something else of it."""
    if not _NUMBER.match(text, start, end):
        return False  # `a root of x^2 - 4` may state the polynomial
    before = text[max(0, start - _NEAR) : start].rpartition("\n")[2]
    return bool(_BEFORE_NUMBER.search(before) or _AFTER_NUMBER.match(text, end))


def modifiers(text: str) -> set[str]:
    """Return the modified numbers and the number words of a text, in lower case."""
    return {match.group().casefold() for match in _IN_TEXT.finditer(text)}
