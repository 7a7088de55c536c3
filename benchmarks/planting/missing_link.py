"""A needed sentence is taken out: what it introduces is used later, stands nowhere before and not in the question."""

import random
import re

from benchmarks.planting import text
from benchmarks.planting.fault import Fault, Planter, cut
from benchmarks.planting.sources import Revision

_SYMBOL = re.compile(r"\b[Ll]et (?:the [a-z ]{3,30} be )?\$?\\?\(?\s?(?P<symbol>[a-zA-Z](?:_\w)?)\s?\\?\)?\$?(?=[ ,.=$(])")
_SOLVED = re.compile(r"(?P<symbol>[a-zA-Z])\s*=\s*(?P<value>-?\d+)\s*[$.\\)\]]*\s*$")
_FORMULA = re.compile(r"\b(?:formula|theorem|identity|property that|definition of|is given by|defined as)\b", re.I)
_PLUGGED = re.compile(
    r"\b(?:[Pp]lug(?:ging)?|[Ss]ubstitut(?:e|ing)) (?:in |these|those|the (?:given |known )?values|into (?:the|this) formula)"
    r"|\b(?:this|the) (?:formula|theorem|identity|property)\b"
)
_CASE = re.compile(r"(?im)^[ \t*#\-•\d.]*(?:\*\*)?case (?P<number>\d|i{1,3}|one|two|three)\b")
_ITEM = re.compile(r"(?m)^[ \t]*(?:[-*•]|\d\.)\s+(?P<item>[^\n]+)\n")


def _unknown(number: str, revision: Revision, before: str) -> bool:
    """Whether neither the question nor the text so far gives a number."""
    return number not in text.numbers(revision.question) and number not in text.numbers(before)


def _in_words(number: str, question: str) -> bool:
    words = "dozen:12,144,24,36,48,60 half:50 quarter:25,75 week:14,21,28 hour:60,120 percent:100 foot:36 yard:36,72"
    return any(
        word in question.lower() and number in values.split(",")
        for word, values in (pair.split(":") for pair in words.split(" "))
    )


def value(rng: random.Random, revision: Revision) -> Fault | None:
    """The sentence that calculates a number which a later one calculates with."""
    options = []
    sentences = text.units(revision.revised)
    for index, unit in enumerate(sentences[:-1]):
        before, after = revision.revised[: unit.start], revision.revised[unit.end :]
        states = re.findall(r"(?:=|\bis|\bare|gives?|get|equals|≈)\s*[\\($]*(\d[\d,]*)(?![\d.]*[\d%/^(])", unit.text)
        for number in map(text.spoken, states):
            if (
                number.isdigit()
                and len(number) > 1
                and number not in text.COMMON
                and _unknown(number, revision, before)
                and not _in_words(number, revision.question)
                and text.operand(after, number)
                and number != text.spoken(revision.answer)
                and "Step" not in unit.text
                and _own(unit.text, number)
            ):
                options.append(unit)
    if not options:
        return None
    unit = rng.choice(options)
    return cut(revision.revised, unit.start, unit.end, "taken out, its value is used later")


def _own(sentence: str, number: str) -> bool:
    """Whether a sentence does not go on calculating with the number that it introduces: only one result."""
    return sentence.count("=") <= 3 and text.numbers(sentence)[-1] == number


def symbol(rng: random.Random, revision: Revision) -> Fault | None:
    """The sentence that says what a letter stands for."""
    for unit in text.units(revision.revised)[:-1]:
        found = _SYMBOL.search(unit.text)
        if not found or not re.search(r"\b(?:be|denote|represent|stand|equal)|=", unit.text):
            continue
        letter, after = found["symbol"], revision.revised[unit.end :]
        if letter in "aAI" and "$" not in found.group() and "\\(" not in found.group():
            continue
        alone = re.compile(rf"(?<![a-zA-Z\\]){letter}(?![a-zA-Z_])")
        again = rf"(?:\b[Ll]et|\bwhere|\bif|\bIf|\bcall|\bCall|denotes?|represents?) [^.]{{0,12}}{letter}\b|\b{letter}\$? (?:is|be|are) (?:the|a|an)\b"
        given = alone.search(_math_only(revision.question)) or alone.search(_math_only(revision.revised[: unit.start]))
        if given or len(alone.findall(_math_only(after))) < 2 or re.search(again, after):
            continue
        return cut(revision.revised, unit.start, unit.end, f"taken out, it says what {letter} is")
    return None


def _math_only(passage: str) -> str:
    """What can hold symbols: formulas, and words of one letter other than `a` and `I`."""
    return re.sub(r"\\(?:text|mbox|mathrm)\{[^}]*\}|\\[a-zA-Z]+|[A-Za-z]{2,}|(?<![=+*/$(-])\b[aAI](?= [a-z])", " ", passage)


def solved(rng: random.Random, revision: Revision) -> Fault | None:
    """The sentence that finds the value of an unknown, which is then put in elsewhere."""
    for unit in text.units(revision.revised)[:-1]:
        found = _SOLVED.search(unit.text)
        if not found or found["value"] in {"0", "1"}:
            continue
        number, letter = found["value"].lstrip("-"), found["symbol"]
        before, after = revision.revised[: unit.start], revision.revised[unit.end :]
        if number == "2" or not _unknown(number, revision, before) or not text.operand(after, number):
            continue
        if re.search(rf"{letter}\s*=", after) or f"{letter}=" in revision.question.replace(" ", ""):
            continue
        return cut(revision.revised, unit.start, unit.end, f"taken out, the value of {letter} is put in later")
    return None


def formula(rng: random.Random, revision: Revision) -> Fault | None:
    """The sentence with the formula into which the next sentences put values."""
    sentences = text.units(revision.revised)
    for unit, following in zip(sentences, sentences[1:], strict=False):
        if not _FORMULA.search(unit.text) or len(re.findall(r"(?<![a-zA-Z\\])[a-zA-Z](?![a-zA-Z])", unit.text)) < 3:
            continue
        head = following.text.strip()
        if not _PLUGGED.search(head[:90]) or "=" not in unit.text and "binom" not in unit.text and "C(" not in unit.text:
            continue
        if _FORMULA.search(revision.revised[: unit.start]) or "formula" in revision.question:
            continue
        return cut(revision.revised, unit.start, unit.end, "taken out, values are put into its formula later")
    return None


def case(rng: random.Random, revision: Revision) -> Fault | None:
    """A whole case of a case distinction, whose result the total uses."""
    heads = list(_CASE.finditer(revision.revised))
    if len(heads) < 2 or len({head["number"].lower() for head in heads}) != len(heads):
        return None
    options = []
    for head, following in zip(heads, heads[1:], strict=False):
        part, after = revision.revised[head.start() : following.start()], revision.revised[following.start() :]
        results = [n for n in text.numbers(part)[-3:] if n.isdigit() and n not in text.numbers(revision.question)]
        sums = " ".join(re.findall(r"\d+(?:\s*\+\s*\d+)+", after))
        if any(n in text.numbers(sums) and n not in text.numbers(revision.revised[: head.start()]) for n in results):
            options.append((head.start(), following.start()))
    if not options:
        return None
    start, end = rng.choice(options)
    return cut(revision.revised, start, end, "case taken out, its result is in the total")


def item(rng: random.Random, revision: Revision) -> Fault | None:
    """An item of a list that gives the reason for a number of a later product or sum."""
    options = []
    for found in _ITEM.finditer(revision.revised):
        before, after = revision.revised[: found.start()], revision.revised[found.end() :]
        stated = [n for n in text.numbers(found["item"]) if n.isdigit() and int(n) > 2 and n not in text.COMMON - {"10"}]
        fresh = [n for n in stated if _unknown(n, revision, before) and text.operand(after, n)]
        if fresh and text.numbers(after).count(fresh[-1]) <= 2 and not re.match(r"\d\.", found.group().strip()):
            options.append(found)
    if not options:
        return None
    found = rng.choice(options)
    return cut(revision.revised, found.start(), found.end(), "item taken out, its number is used later")


PLANTERS: dict[str, Planter] = {
    "value": value, "symbol": symbol, "solved": solved, "formula": formula, "case": case, "item": item
}  # fmt: skip
