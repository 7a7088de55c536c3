"""Decide whether two answers are equal: by their text, numbers and structure, and by algebra where needed.

`quick_verdict` never guesses: it returns None if only algebra can decide. `algebra_verdict` may take very
long, so it runs in a worker process with a limit (`drp.grading.worker`). Both follow the same rules. They
differ only in how two expressions without further structure are compared.
"""

import re
from collections.abc import Callable, Sequence
from typing import TypeAlias

from drp.core import Verdict
from drp.grading.answer_parts import Items, items_of, named, numeral, option, ratio, time_of_day
from drp.grading.extract_answer import extract_answer
from drp.grading.notation import LABEL, plain
from drp.grading.quantities import compare, parse_quantity

LONGEST_ANSWER = 4_000
"""A longer text is reduced to its extracted answer before it is compared."""
_MOST_DEPTH = 4

_HAS_CONTENT = re.compile(r"[^\W_]|\\(?:infty|emptyset)")
_BOUND = re.compile(r"\s?(<|>|\\(?:le|ge|ne)(?![a-z]))\s?(?=[^\s<>=])")
# A space that separates numbers: 1 2, or 32, 349 without brackets.
_SPACED_DIGITS = re.compile(r"\d \d|^[^(\[{]*\d, \d{3}", re.MULTILINE)
_WORDS = re.compile(r"[A-Za-z][A-Za-z']*(?:[\s-][A-Za-z'][A-Za-z']*){0,11}")

_SENTENCE = re.compile(
    r"(?:[A-Za-z]{2,40}[ ,]{1,3}){3}[A-Za-z]{2,40}|\b(?:is|are|answer|therefore|thus|so)\b"
    r"|[A-Za-z]{3}\s?:\s|[\u4e00-\u9fff]{4}",
    re.IGNORECASE,
)
"""What only sentences have, and no answer."""

Leaf: TypeAlias = Callable[[str, str], Verdict | None]
"""Compares two expressions by algebra; None if it cannot be decided here."""


def quick_verdict(gold: str, prediction: str) -> Verdict | None:
    """Return the verdict if text, numbers or structure decide it, otherwise None.

    An empty prediction is different from every gold answer. Without a gold answer the verdict is undecided.
    """
    return verdict_by(_no_algebra, gold, prediction)


def algebra_verdict(gold: str, prediction: str) -> Verdict:
    """Return the verdict, with algebra where it is needed; undecided if an answer cannot be parsed."""
    from drp.grading.algebra import compare_expressions

    return verdict_by(compare_expressions, gold, prediction) or "undecided"


def verdict_by(leaf: Leaf, gold: str, prediction: str) -> Verdict | None:
    """Compare two answers; `leaf` decides on what is left of them when their structure is taken apart."""
    if not gold.strip():
        return "undecided"
    if not prediction.strip():
        return "different"
    texts = gold, prediction
    gold, prediction = _answer_in(gold), _answer_in(prediction)
    if len(gold) > LONGEST_ANSWER or len(prediction) > LONGEST_ANSWER:
        return "undecided"
    verdict = _compare(leaf, gold, prediction, _MOST_DEPTH)
    if verdict == "equal" or texts == (gold, prediction) or max(map(len, texts)) > LONGEST_ANSWER:
        return verdict
    return leaf(*texts)


def _no_algebra(gold: str, prediction: str) -> Verdict | None:
    return None


def _answer_in(text: str) -> str:
    """Return the answer that a text of sentences states, or the text if it is an answer itself."""
    if len(text) <= LONGEST_ANSWER and "boxed" not in text and not _SENTENCE.search(text):
        return text
    extracted = extract_answer(text)
    return extracted.answer if extracted else text


def _compare(leaf: Leaf, gold: str, prediction: str, depth: int) -> Verdict | None:
    reference, candidate = plain(gold), plain(prediction)
    if reference == candidate:
        return "equal" if _HAS_CONTENT.search(reference) else "undecided"
    if reference.replace(LABEL, "").replace(" ", "") == candidate.replace(LABEL, "").replace(" ", ""):
        return None if _SPACED_DIGITS.search(f"{reference}\n{candidate}") else "equal"
    for rule in (_as_options, _as_bounds, _as_numerals, _as_quantities, _as_times, _as_words, _as_ratios):
        verdict = rule(reference, candidate)
        if verdict:
            return verdict
    if depth:
        names = named(reference), named(candidate)
        if any(names):
            verdict = _as_named(leaf, names, (reference, candidate), depth)
            if verdict:
                return verdict
        items = items_of(reference), items_of(candidate)
        if (items[0] or items[1]) and not _is_relation(reference) and not _is_relation(candidate):
            return _as_items(leaf, items, (reference, candidate), depth)
    return leaf(gold, prediction)


def _as_options(reference: str, candidate: str) -> Verdict | None:
    first, second = option(reference), option(candidate)
    if first and second and (first.sure or second.sure):
        if first.letters != second.letters:
            return "different"
        if first.text and second.text:
            return _same_text(first.text, second.text)
        return "equal"
    return None


def _same_text(first: str, second: str) -> Verdict:
    verdict = _compare(_no_algebra, first, second, _MOST_DEPTH)
    return verdict or "undecided"


def _as_quantities(reference: str, candidate: str) -> Verdict | None:
    first, second = parse_quantity(reference), parse_quantity(candidate)
    return compare(first, second) if first and second else None


def _as_bounds(reference: str, candidate: str) -> Verdict | None:
    """`> 56`, a bound without its variable, against another one or against a number."""
    first, second = _BOUND.match(reference), _BOUND.match(candidate)
    if first and second:
        if first[1] != second[1]:
            return "different"
        return _same_text(reference[first.end() :], candidate[second.end() :])
    if not first and not second:
        return None
    return "undecided" if _is_relation(candidate if first else reference) else "different"


def _as_numerals(reference: str, candidate: str) -> Verdict | None:
    """`12_5` against `12_7`. The same number in another base is undecided: the question may name the base."""
    first, second = numeral(reference), numeral(candidate)
    if not first or not second:
        other = candidate if first else reference
        return "undecided" if (first or second) and parse_quantity(other) else None
    if first == second:
        return "equal"
    return "undecided" if first.value == second.value else "different"


def _as_times(reference: str, candidate: str) -> Verdict | None:
    first, second = time_of_day(reference), time_of_day(candidate)
    if not first or not second:
        return None
    if first.afternoon is None or second.afternoon is None:
        same = first.minutes % 720 == second.minutes % 720
    else:
        same = first.minutes == second.minutes
    return "equal" if same else None if first.may_be_ratio and second.may_be_ratio else "different"


def _as_ratios(reference: str, candidate: str) -> Verdict | None:
    first, second = ratio(reference), ratio(candidate)
    if not first or not second:
        return None
    same = len(first) == len(second) and all(
        a * second[0] == b * first[0] for a, b in zip(first, second, strict=True)
    )
    if same and time_of_day(reference) and time_of_day(candidate):
        return "undecided"  # 2:10 and 4:20 are two times of the day, or one ratio
    return "equal" if same else "different"


def _as_words(reference: str, candidate: str) -> Verdict | None:
    texts = [text.replace(LABEL, " ").strip().casefold() for text in (reference, candidate)]
    if not all(_WORDS.fullmatch(text) for text in texts):
        return None
    if texts[0] == texts[1]:
        return "equal"
    if all(len(text) < 3 for text in texts) and LABEL not in reference + candidate:
        return None  # variables
    first, second = (set(text.split()) for text in texts)
    return "undecided" if first <= second or second <= first else "different"


def _as_named(
    leaf: Leaf, names: Sequence[tuple[str, str] | None], texts: Sequence[str], depth: int
) -> Verdict | None:
    """`x=5` against `5` or `x=5`; other equations are left to algebra."""
    first, second = names
    if first and second:
        if first[0] != second[0]:
            return None
        return _compare(leaf, first[1], second[1], depth - 1)
    values = [name[1] if name else text for name, text in zip(names, texts, strict=True)]
    if _is_relation(texts[1] if first else texts[0]):
        return None
    return _compare(leaf, values[0], values[1], depth - 1)


def _is_relation(text: str) -> bool:
    return re.search(r"[<>]|\\(?:le|ge|ne)(?![a-z])", text) is not None or (
        "=" in text and items_of(text) is None
    )


def _as_items(leaf: Leaf, items: Sequence[Items | None], texts: Sequence[str], depth: int) -> Verdict | None:
    """Compare lists, sets, tuples and intervals item by item."""
    first, second = (found or Items("", "", [text]) for found, text in zip(items, texts, strict=True))
    if first.brackets and second.brackets and first.brackets != second.brackets:
        return "different"
    if len(first.items) != len(second.items):
        return _of_other_length(first, second)
    if len(first.items) == 1 and not (first.brackets and second.brackets):
        return leaf(*texts)
    ordered = first.ordered or second.ordered
    if ordered:
        return _all_equal(
            [_compare(leaf, a, b, depth - 1) for a, b in zip(first.items, second.items, strict=True)]
        )
    return _matched(leaf, first.items, second.items, depth)


def _of_other_length(first: Items, second: Items) -> Verdict:
    """A list and a longer one differ, unless one of them repeats items or may be a number: `3,14`."""
    for one, other in ((first, second), (second, first)):
        if one.decimal and len(other.items) == 1:
            verdict = _compare(_no_algebra, one.decimal, other.items[0], 0)
            if verdict == "equal":
                return "equal"
    return "undecided" if set(map(plain, first.items)) == set(map(plain, second.items)) else "different"


def _all_equal(verdicts: Sequence[Verdict | None]) -> Verdict | None:
    if "different" in verdicts:
        return "different"
    if None in verdicts:
        return None
    return "undecided" if "undecided" in verdicts else "equal"


def _matched(leaf: Leaf, first: Sequence[str], second: Sequence[str], depth: int) -> Verdict | None:
    """Match the items of two sets, each with one of the other."""
    left = list(second)
    doubtful: list[str] = []
    unknown = False
    for item in first:
        verdicts = [_compare(leaf, item, other, depth - 1) for other in left]
        if "equal" in verdicts:
            del left[verdicts.index("equal")]
        elif None in verdicts:
            unknown = True
        elif "undecided" in verdicts:
            doubtful.append(item)
        else:
            return "different"
    if unknown:
        return None
    return "undecided" if doubtful else "equal"
