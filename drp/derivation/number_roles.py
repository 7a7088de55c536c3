"""The numbers of a sentence, with their roles: computed with, stated as a result, or only mentioned.

Works on `Unit.plain`, in which LaTeX is gone and a formula has no spaces, so that the pieces between spaces
are either words or formulas.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from fractions import Fraction
from functools import lru_cache
from typing import Literal, NamedTuple, TypeAlias

QuantityRole: TypeAlias = Literal["operand", "coefficient", "result", "mention"]
"""`operand`: of an arithmetic expression before an equals sign; `coefficient`: of any other expression."""

_FORMULA = re.compile(r"(?<![^\s;])[^\s;]*\d[^\s;]*")  # a piece with a digit
_RELATION = re.compile(r"[=≈≡<>≤≥→⇒≠]")
_COMPUTES = re.compile(r"[\w)!%°][-+*/^](?=[\w(√-])|\d(?=[a-zA-Zα-ω(√])|\)(?=\()|√|\d!")
_NUMBER = re.compile(r"\d(?<![\w.]\d)\d*(?:\.\d+)?(?:/\d+(?![\d.]))?")
_LETTER = re.compile(r"[a-zA-Zα-ω]")
_DIGIT = re.compile(r"\d")
_WORKED_WITH = re.compile(  # "multiply 24 by", "the sum of 24 and", "substituting 24"
    r"\b(?:add(?:ing)?|subtract(?:ing)?|multipl(?:y|ying)|divid(?:e|ing)|plus|minus|times|sum of"
    r"|product of|substitut(?:e|ing)|plug(?:ging)?(?: in)?|squar(?:e|ing))\s(?:the )?\(?\Z"
)


class SpelledNumber(NamedTuple):
    """A number of a sentence: its text, its role, and where it stands in `Unit.plain`."""

    text: str
    role: QuantityRole
    start: int


def quantities(spelled: str) -> Iterator[SpelledNumber]:
    """Yield the unsigned numbers and plain fractions of a sentence in plain spelling, in order."""
    for piece in _FORMULA.finditer(spelled):
        is_after_value = False
        offset = piece.start()
        sides = _sides(piece.group())
        for index, side in enumerate(sides):
            is_sum = index + 1 < len(sides) and _LETTER.search(side) is None and "√" not in side
            computes = _COMPUTES.search(side) is not None
            for number in _NUMBER.finditer(side):
                start = offset + number.start()
                role: QuantityRole = "mention"
                if is_after_value:
                    role = "result"
                elif computes:
                    role = "operand" if is_sum else "coefficient"
                elif len(side) != len(piece.group()):
                    role = "result"
                elif _WORKED_WITH.search(spelled, max(0, start - 24), start):
                    role = "operand"
                yield SpelledNumber(number.group(), role, start)
            is_after_value |= _DIGIT.search(side) is not None
            offset += len(side) + 1


def numbers(spelled: str) -> list[str]:
    """Return the texts of `quantities`, without their roles."""
    return _NUMBER.findall(spelled)


def _sides(formula: str) -> list[str]:
    return _RELATION.split(formula)


@lru_cache(maxsize=8192)
def value(text: str) -> Fraction | None:
    """Return the exact value of a number or plain fraction; None if there is none."""
    if "_" in text:  # digits of another base; Python reads over it
        return None
    numerator, _, denominator = text.partition("/")
    try:
        return Fraction(numerator) / Fraction(denominator or 1)
    except (ValueError, ZeroDivisionError):
        return None


_COUNTED = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen "
    "seventeen eighteen nineteen twenty"
)
_PARTS = {"hal": 2, "third": 3, "quarter": 4, "fourth": 4, "fifth": 5, "sixth": 6, "eighth": 8, "tenth": 10}
_OTHERS = {"thirty": 30, "forty": 40, "fifty": 50, "sixty": 60, "seventy": 70, "eighty": 80, "ninety": 90}
_OTHERS |= {"hundred": 100, "thousand": 1_000, "million": 1_000_000, "dozen": 12}
_OTHERS |= {"once": 1, "twice": 2, "double": 2, "pair": 2, "triple": 3, "thrice": 3}
_WORDS: dict[str, Fraction] = {
    **{word: Fraction(number) for number, word in enumerate(_COUNTED.split())},
    **{word: Fraction(number) for word, number in _OTHERS.items()},
    **{
        word: Fraction(1, number)
        for part, number in _PARTS.items()
        for word in (("half", "halves") if part == "hal" else (part, f"{part}s"))
    },
}
_WORD = re.compile(r"[a-z]{3,9}")
COMMON = frozenset(map(Fraction, (*range(11), 12, 24, 30, 52, 60, 90, 100, 180, 360, 365, 1000)))
"""Values that need no source: small integers, and numbers of units of time, angle and currency."""

_ALWAYS = frozenset(map(Fraction, (0, 1, 2, 10, 100)))


@lru_cache(maxsize=1024)  # a revision is compared with the thinking and with the summary
def worded(lower: str) -> frozenset[Fraction]:
    """Return the values that a text in lower case has in words: "twice", "a dozen", "half"."""
    return frozenset(_WORDS[word] for word in _WORDS.keys() & _WORD.findall(lower))


@lru_cache(maxsize=512)
def _following(exact: Fraction) -> Sequence[Fraction]:
    """Return the values that a number follows from at sight."""
    forms = [exact * 100, exact / 100, 1 - exact, 100 - exact, exact + 1, exact - 1, exact * 2, exact / 2]
    return [*forms, 1 / exact] if exact else forms


class Known:
    """The values that a reader knows at a place of a text."""

    def __init__(self) -> None:
        self._values: set[Fraction] = set()
        self._texts: set[str] = set()  # of these values; a look-up by text is cheaper than one by value

    def add(self, *numbers: Fraction) -> None:
        """Add values."""
        self._values.update(numbers)

    def learn(self, texts: Iterable[str], lower: str) -> None:
        """Add the values of a sentence, its numbers and those in words; of a fraction also its parts."""
        for number in set(texts) - self._texts:
            self._texts.add(number)
            for part in (number, *(number.split("/") if "/" in number else ())):
                if (exact := value(part)) is not None:
                    self._values.add(exact)
        self._values |= worded(lower)

    def has(self, number: str) -> bool:
        """Whether exactly this value is known, or too common to need a source."""
        if number in self._texts:
            return True
        exact = value(number)
        return exact is None or exact in _ALWAYS or exact in self._values

    def suggests(self, number: str) -> bool:
        """Whether a number is known or common, or follows from a known one at sight (complement, percent)."""
        exact = value(number)
        if exact is None or self._follows(exact):
            return True
        numerator, _, denominator = number.partition("/")
        return bool(denominator) and all(self._follows(Fraction(part)) for part in (numerator, denominator))

    def _follows(self, exact: Fraction) -> bool:
        if exact in COMMON or exact in self._values:
            return True
        return not self._values.isdisjoint(_following(exact)) or self._is_square(exact)

    def _is_square(self, exact: Fraction) -> bool:
        if exact.denominator != 1 or exact < 0 or exact > 10**8:
            return False
        root = round(float(exact) ** 0.5)
        return root * root == exact and Fraction(root) in self._values
