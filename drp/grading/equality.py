"""Decide whether two answers are equal: by text or numbers if possible, otherwise with math-verify.

`quick_verdict` never guesses: it returns None if only computer algebra can decide. `algebra_verdict` may
never return, so it runs in a worker process with a time limit (`drp.grading.worker`).
"""

import re
from dataclasses import dataclass
from fractions import Fraction
from itertools import product
from typing import Any

from drp.core import Verdict
from drp.grading.extract_answer import extract_answer

_LONGEST_ANSWER = 4_000
"""A longer text is reduced to its extracted answer before it is parsed."""
_SHORT_PAIR = 120
"""Two texts whose total length is at most this are answers, not explanations."""
_FLOAT_PLACES = 6
"""Decimals with at least this many places are compared after rounding, as in math-verify; others exactly."""

# A thousands separator in LaTeX notation, which cannot be a list separator: 29,\!322  29{,}322  29\,322 .
_THOUSANDS = re.compile(r"(?<=\d)(?:,\\!\s?|\{,\}(?:\\!)?|\\,)(?=\d{3}(?!\d))")
# A number with separators that fills a pair of braces is not a list: \frac{1}{29,322,216}.
_BRACED_NUMBER = re.compile(r"(?<=\{)\d{1,3}(?:,\d{3}){1,8}(?=\})")
# A Unicode root and its radicand.
_UNICODE_ROOT = re.compile(r"√\s?(?:\(([^()]{1,60})\)|(\d{1,40}|[a-z]))")
_UNICODE = str.maketrans(
    {"−": "-", "π": "\\pi ", "×": "\\times ", "·": "\\cdot ", "≤": "\\le ", "≥": "\\ge ", "∞": "\\infty "}
)
# Commands that only change spacing, size or style.
_NO_SPACE = re.compile(r"\\!\s?|\\(?:left|right|displaystyle|textstyle|[bB]igg?[lr]?)(?![A-Za-z])")
_SPACING = re.compile(r"\\[,;: ]|\\q?quad(?![A-Za-z])|[~\u00a0]")
_STYLED = re.compile(r"\\(?:mathbf|boldsymbol|mathbb|textbf|bm|mathit)\s?\{([^{}]{0,80})\}")
_LABEL = re.compile(r"\\(?:text|mbox|textrm|textnormal|textit|mathrm)\s?\{([^{}]{0,200})\}")
_FRACTION = re.compile(r"\\[dtc]frac(?![A-Za-z])")
_SHORT_FRACTION = re.compile(r"\\frac\s?([1-9])\s?([1-9])(?!\d)")
_SHORT_ROOT = re.compile(r"\\sqrt\s?([0-9a-z])(?![0-9A-Za-z])")
_DEGREES = re.compile(r"\^\s?\{\s?\\circ\s?\}|\^\s?\\circ(?![a-z])|\\degree(?![a-z])|\^?°")
_DOLLAR = re.compile(r"\\?\$")
# White space that separates neither words nor numbers. In `32, 349` it shows that this is a list.
_LOOSE_SPACE = re.compile(r"(?<![0-9A-Za-z,])\s+|(?<=,)\s+(?!\d{3}\b)|\s+(?![0-9A-Za-z])")
_WRAPPINGS = (("$$", "$$"), ("$", "$"), ("\\(", "\\)"), ("\\[", "\\]"))
_MARK = "\x01"
"""Precedes what was a LaTeX label: a word after it is a unit, not a product of variables."""

# A number with or without a unit. Bounded lengths keep every match attempt short.
_QUANTITY = re.compile(
    r"(?P<sign>[-+]?)\s?(?:"
    r"(?:(?P<mixed>\d{1,9})\s?)?\\frac\s?\{(?P<over>-?\d{1,40})\}\s?\{(?P<under>\d{1,40})\}"
    r"|(?:(?P<mixed2>\d{1,9})\s)?(?P<over2>\d{1,40})\s?/\s?(?P<under2>\d{1,40})"
    r"|(?P<number>(?:\d{1,3}(?:,\d{3})+(?!\d)|\d{1,400})?(?:\.\d{0,400})?)"
    r")\s?(?P<percent>%?)"
    r"(?P<unit>\x01[A-Za-z. ]{1,60}|\s[A-Za-z]{3}[A-Za-z. ]{0,60}|\s?(?:cm|mm|km|kg|ft|in|ml|mi|mph))?"
    r"(?:(?<=[A-Za-z])\s?\^\s?\{?[23]\}?|[²³])?"
)
_PERCENT_WORDS = frozenset({"percent", "pct", "percentage"})
# Words that scale a number: `3 million` is not 3.
_SCALE = re.compile(
    r"\b(?:hundred|thousand|million|billion|trillion|dozen|half|third|quarter|squared|cubed|mod)s?\b"
)
# One option of a multiple-choice question.
_OPTION = re.compile(r"\(?([A-Ja-j])[).]?")
_WORDS = re.compile(r"[A-Za-z][A-Za-z'-]{3,40}")
# Markup by which math-verify finds mathematics in a text.
_MARKUP = re.compile(r"\$|\\\(|\\\[|boxed")
# Two consecutive words outside of a LaTeX label.
_PROSE = re.compile(r"(?<![\\A-Za-z{])[A-Za-z]{2,40}[ ,]{1,3}[A-Za-z]{2,40}")
_HAS_CONTENT = re.compile(r"[^\W_]|∅|\\infty|\\emptyset")
# Numbers that math-verify recognises only outside of LaTeX: 1 000 and 1000,99 .
_EUROPEAN = re.compile(r"-?\d{1,3}(?: \d{3})+(?:[.,]\d+)?|-?\d+,\d\d")
# A numeral in a base: 204_5.
_BASE = re.compile(r"\d\s?_\s?\{?\s?\d")


@dataclass(frozen=True)
class _Quantity:
    value: Fraction
    places: int
    percent: bool
    unit: str


def quick_verdict(gold: str, prediction: str) -> Verdict | None:
    """Return the verdict if text or plain numbers decide it, otherwise None.

    An empty prediction is different from every gold answer. Without a gold answer the verdict is undecided.
    """
    if not gold.strip():
        return "undecided"
    if not prediction.strip():
        return "different"
    if len(gold) > _LONGEST_ANSWER or len(prediction) > _LONGEST_ANSWER:
        return None
    reference, candidate = _normalised(gold), _normalised(prediction)
    if reference == candidate:
        return "equal" if _HAS_CONTENT.search(reference) else "undecided"
    if len(gold) + len(prediction) <= _SHORT_PAIR and (
        set(_SCALE.findall(reference)) != set(_SCALE.findall(candidate))
        or bool(_BASE.search(reference)) != bool(_BASE.search(candidate))
    ):
        return "undecided"  # 3 million and 3, 204_5 and 204: algebra would ignore the difference
    quantities = _quantity(reference), _quantity(candidate)
    if quantities[0] and quantities[1]:
        return _compare(quantities[0], quantities[1])
    reference, candidate = reference.replace(_MARK, "").strip(), candidate.replace(_MARK, "").strip()
    if reference == candidate:
        return "equal"
    options = _OPTION.fullmatch(reference), _OPTION.fullmatch(candidate)
    if options[0] and options[1] and (reference + candidate).casefold() != reference + candidate:
        return "equal" if options[0].group(1).casefold() == options[1].group(1).casefold() else "different"
    if _WORDS.fullmatch(reference) and _WORDS.fullmatch(candidate):
        return "equal" if reference.casefold() == candidate.casefold() else "different"
    if _PROSE.search(prediction) and not _PROSE.search(gold):
        extracted = extract_answer(prediction)
        if (
            extracted
            and extracted.source != "last_number"
            and quick_verdict(gold, extracted.answer) == "equal"
        ):
            return "equal"
    return None


def algebra_verdict(gold: str, prediction: str) -> Verdict:
    """Compare two answers or texts with math-verify; undecided if one cannot be parsed. May never return."""
    from math_verify import verify

    references, candidates = _parsed(gold), _parsed(prediction)
    failed = False
    compared = False
    for reference, candidate in product(references, candidates):
        compared = compared or not (isinstance(reference, str) or isinstance(candidate, str))
        try:
            if verify(reference, candidate, timeout_seconds=None, raise_on_error=True):
                return "equal"
        except Exception:  # SymPy raises arbitrary exceptions for values it cannot compare
            failed = True
    return "different" if compared and not failed else "undecided"


def _parsed(text: str) -> list[Any]:
    """Parse an answer with math-verify into SymPy expressions and their text."""
    from math_verify import parse

    if len(text) > _LONGEST_ANSWER:
        extracted = extract_answer(text)
        text = extracted.answer if extracted and len(extracted.answer) <= _LONGEST_ANSWER else ""
    text = _latex(text)
    if not (_MARKUP.search(text) or _PROSE.search(text) or _EUROPEAN.fullmatch(text.strip())):
        text = f"${text}$"
    return list(parse(text, parsing_timeout=None))


def _latex(text: str) -> str:
    """Rewrite Unicode mathematics as LaTeX and drop unambiguous thousands separators."""
    text = _UNICODE_ROOT.sub(
        lambda root: f"\\sqrt{{{root.group(1) or root.group(2)}}}", text.translate(_UNICODE)
    )
    return _BRACED_NUMBER.sub(lambda number: number.group().replace(",", ""), _THOUSANDS.sub("", text))


def _normalised(answer: str) -> str:
    """Return a normal form of an answer's notation; labels keep a mark before them."""
    answer = _latex(answer).strip().rstrip(".")
    for left, right in _WRAPPINGS:
        inner = answer[len(left) : len(answer) - len(right)]
        if answer.startswith(left) and answer.endswith(right) and inner and left not in inner:
            answer = inner
    if "\\" in answer or "°" in answer or "\u00a0" in answer:
        answer = answer.replace("\\%", "%").replace("\\{", "{").replace("\\}", "}")
        answer = _STYLED.sub(r"\1", _SPACING.sub(" ", _NO_SPACE.sub("", answer)))
        answer = _LABEL.sub(_MARK + r"\1", _DEGREES.sub("", answer))
        answer = _SHORT_FRACTION.sub(r"\\frac{\1}{\2}", _FRACTION.sub(r"\\frac", answer))
        answer = _SHORT_ROOT.sub(r"\\sqrt{\1}", answer)
    return _LOOSE_SPACE.sub("", _DOLLAR.sub("", answer).strip().rstrip("."))


def _quantity(answer: str) -> _Quantity | None:
    match = _QUANTITY.fullmatch(answer)
    if not match:
        return None
    part = match.groupdict()
    numerator, denominator = part["over"] or part["over2"], part["under"] or part["under2"]
    number = (part["number"] or "").replace(",", "")
    if numerator:
        if int(denominator) == 0:
            return None
        value = int(part["mixed"] or part["mixed2"] or 0) + Fraction(int(numerator), int(denominator))
    elif number.strip("."):
        value = Fraction(number.rstrip("."))
    else:
        return None
    words = (part["unit"] or "").replace(_MARK, "").replace(".", " ").casefold().split()
    unit = " ".join(word.rstrip("s") for word in words if word not in _PERCENT_WORDS)
    return _Quantity(
        value=-value if part["sign"] == "-" else value,
        places=len(number.partition(".")[2]),
        percent=bool(part["percent"]) or len(unit.split()) < len(words),
        unit=unit,
    )


def _compare(gold: _Quantity, prediction: _Quantity) -> Verdict:
    if gold.unit and prediction.unit and gold.unit != prediction.unit:
        return "undecided"  # 100 cm may equal 1 m, and 5 cm is not 5 m
    tolerance = Fraction(0)
    if max(gold.places, prediction.places) >= _FLOAT_PLACES:
        tolerance = Fraction(1, 2 * 10**_FLOAT_PLACES)
    scales = [Fraction(1)]
    if gold.percent != prediction.percent:
        scales.append(Fraction(1, 100) if prediction.percent else Fraction(100))
    same = any(abs(gold.value - prediction.value * scale) <= tolerance for scale in scales)
    return "equal" if same else "different"
