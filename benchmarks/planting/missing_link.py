"""A needed sentence is taken out: what it introduces is used later and given nowhere else."""

import itertools
import random
import re

from benchmarks.planting import text
from benchmarks.planting.fault import Fault, Planter, cut
from benchmarks.planting.sources import Revision

_SYMBOL = re.compile(
    r"\b[Ll]et (?:the [a-z ]{3,30} be )?\$?\\?\(?\s?(?P<symbol>[a-zA-Z](?:_\w)?)\s?\\?\)?\$?(?=[ ,.=$(])"
)
_SOLVED = re.compile(r"(?<![a-zA-Z\\])(?P<symbol>[a-zA-Z])\s*=\s*(?P<value>-?\d+)\s*[$.\\)\]]*\s*$")
_FORMULA = re.compile(
    r"\b(?:formula|theorem|identity|property that|definition of|is given by|defined as)\b", re.I
)
_GIVEN = re.compile(r"formula|[Dd]efine|\([a-z](?:, ?[a-z])*\)\s*=")
"""A question that gives a formula itself."""
_PLUGGED = re.compile(
    r"\b(?:[Pp]lug(?:ging)?|[Ss]ubstitut(?:e|ing)) (?:in |these|those|the (?:given "
    r"|known )?values|into (?:the|this) formula)"
    r"|\b(?:this|the) (?:formula|theorem|identity|property)\b"
)
_CASE = re.compile(r"(?im)^[ \t*#\-•\d.]*(?:\*\*)?case (?P<number>\d|i{1,3}|one|two|three)\b")
_ITEM = re.compile(r"(?m)^[ \t]*(?:[-*•]|\d\.)\s+(?P<item>[^\n]+)\n")


def _unknown(number: str, revision: Revision, before: str) -> bool:
    """Whether neither the question nor the text so far gives a number."""
    return number not in text.numbers(revision.question) and number not in text.numbers(before)


_WORDS = {
    "dozen": {"12", "144", "24", "36", "48", "60"},
    "half": {"50"},
    "quarter": {"25", "75"},
    "week": {"14", "21", "28"},
    "hour": {"60", "120"},
    "percent": {"100"},
    "foot": {"36"},
    "yard": {"36", "72"},
}
"""Numbers that a word of the question gives."""


def _in_words(number: str, question: str) -> bool:
    """Whether a word of the question gives the number."""
    return any(word in question.lower() and number in values for word, values in _WORDS.items())


def value(rng: random.Random, revision: Revision) -> Fault | None:
    """The sentence that calculates a number which a later one calculates with."""
    options = []
    sentences = text.units(revision.revised)
    for _index, unit in enumerate(sentences[:-1]):
        before, after = revision.revised[: unit.start], revision.revised[unit.end :]
        states = re.findall(
            r"(?:=|\bis|\bare|gives?|get|equals|≈)\s*[\\($]*(\d[\d,]*)(?![\d.]*[\d%/^(])", unit.text
        )
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
                and not _computed_anyway(unit.text, number, before + after)
            ):
                options.append(unit)
    if not options:
        return None
    unit = rng.choice(options)
    return cut(revision.revised, unit.start, unit.end, "taken out, its value is used later")


def _own(sentence: str, number: str) -> bool:
    """Whether a sentence does not go on calculating with the number that it introduces: only one result."""
    return sentence.count("=") <= 3 and text.numbers(sentence)[-1] == number


def _bare(passage: str) -> str:
    """A passage without blanks and marks, to compare formulas."""
    passage = re.sub(r"\\[dt]?binom", "¤", passage)
    return re.sub(r"\\left|\\right|\\d?frac|[\s${}()*\\]", "", passage)


def _computed_anyway(sentence: str, number: str, elsewhere: str) -> bool:
    """Whether what the number results from also stands elsewhere, so that only a calculation is skipped."""
    rest = _bare(elsewhere + " ")
    for piece in re.split(rf"\b{number}\b", sentence)[0].split("=")[:-1]:
        bare = re.split(r"[,:;→]|[a-zA-Z]{7,}", _bare(piece))[-1]
        if len(bare) >= 3 and bare in rest:
            return True
    return "!" in sentence


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
        verbs = r"(?:\b[Ll]et|\bwhere|\b[Ii]f|\b[Cc]all|denotes?|represents?)"
        again = rf"{verbs} [^.]{{0,12}}{letter}\b|\b{letter}\$? (?:is|be|are) (?:the|a|an)\b"
        given = alone.search(_math_only(revision.question)) or alone.search(
            _math_only(revision.revised[: unit.start])
        )
        if given or len(alone.findall(_math_only(after))) < 2 or re.search(again, after):
            continue
        return cut(revision.revised, unit.start, unit.end, f"taken out, it says what {letter} is")
    return None


def _math_only(passage: str) -> str:
    """What can hold symbols: formulas, and words of one letter other than `a` and `I`."""
    return re.sub(
        r"\\(?:text|mbox|mathrm)\{[^}]*\}|\\[a-zA-Z]+|[A-Za-z]{2,}|(?<![=+*/$(-])\b[aAI](?= [a-z])",
        " ",
        passage,
    )


def solved(rng: random.Random, revision: Revision) -> Fault | None:
    """The sentence that finds the value of an unknown, which is then put in elsewhere."""
    for unit in text.units(revision.revised)[:-1]:
        found = _SOLVED.search(unit.text)
        if not found or found["value"] in {"0", "1"} or "i.e." in unit.text or " or " in unit.text:
            continue
        number, letter = found["value"].lstrip("-"), found["symbol"]
        before, after = revision.revised[: unit.start], revision.revised[unit.end :]
        if number == "2" or not _unknown(number, revision, before) or not text.operand(after, number):
            continue
        if (
            _one_step(before, letter)
            or re.search(rf"{letter}\s*=", after)
            or f"{letter}=" in revision.question.replace(" ", "")
        ):
            continue
        return cut(
            revision.revised, unit.start, unit.end, f"taken out, the value of {letter} is put in later"
        )
    return None


def _one_step(before: str, letter: str) -> bool:
    """Whether the text so far ends with an equation like `2x = 14`, from which a reader sees the value."""
    last = re.findall(r"[^\s$\[\]]+(?: ?[-+=] ?[^\s$\[\]]+)*", before.replace("\\", " "))[-1:]
    return bool(last and "=" in last[0] and letter in last[0] and len(last[0].replace(" ", "")) <= 10)


def formula(rng: random.Random, revision: Revision) -> Fault | None:
    """The sentence with the formula into which the next sentences put values."""
    sentences = text.units(revision.revised)
    for unit, following in itertools.pairwise(sentences):
        if (
            not _FORMULA.search(unit.text)
            or len(re.findall(r"(?<![a-zA-Z\\])[a-zA-Z](?![a-zA-Z])", unit.text)) < 3
        ):
            continue
        head = following.text.strip()
        if not _PLUGGED.search(head[:90]) or (
            "=" not in unit.text and "binom" not in unit.text and "C(" not in unit.text
        ):
            continue
        if _FORMULA.search(revision.revised[: unit.start]) or _GIVEN.search(revision.question):
            continue
        return cut(revision.revised, unit.start, unit.end, "taken out, values are put into its formula later")
    return None


def case(rng: random.Random, revision: Revision) -> Fault | None:
    """A whole case of a case distinction, whose result the total uses."""
    heads = list(_CASE.finditer(revision.revised))
    if len(heads) < 2 or len({head["number"].lower() for head in heads}) != len(heads):
        return None
    options = []
    for head, following in itertools.pairwise(heads):
        part, after = (
            revision.revised[head.start() : following.start()],
            revision.revised[following.start() :],
        )
        results = [
            n for n in text.numbers(part)[-3:] if n.isdigit() and n not in text.numbers(revision.question)
        ]
        sums = " ".join(re.findall(r"\d+(?:\s*\+\s*\d+)+", after))
        if any(
            n in text.numbers(sums) and n not in text.numbers(revision.revised[: head.start()])
            for n in results
        ):
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
        stated = re.search(r"(?:=|:|→|\bis|\bare)[\s*$\\(]*(\d[\d,]*)\D*$", found["item"])
        number = text.spoken(stated[1]) if stated else "0"
        if int(number or 0) <= 10 or number in text.COMMON or not _unknown(number, revision, before):
            continue
        if not text.operand(after, number):
            continue
        if len(re.findall(r"[a-zA-Z]{3,}", found["item"])) < 4 or found.group().strip()[0].isdigit():
            continue
        if not _computed_anyway(found["item"], number, before + after):
            options.append(found)
    if not options:
        return None
    found = rng.choice(options)
    return cut(revision.revised, found.start(), found.end(), "item taken out, its number is used later")


PLANTERS: dict[str, Planter] = {
    "value": value,
    "symbol": symbol,
    "solved": solved,
    "formula": formula,
    "case": case,
    "item": item,
}
