"""Faults planted into sound texts, for the development of the checks of `drp.derivation`.

    plant(kind, sound, random)  ->  the same sample with one fault of that kind, or None

A sound sample is a question, an original and a revision that can be followed. Each planter has variants:
numbers and symbols, prose and formulas, cases, steps and lists.
"""

import itertools
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from random import Random

from drp.traces import Unit, units

_NUMBER = re.compile(r"(?<![\w.])\d+(?:\.\d+)?(?![\w.]*\d)")
_SYMBOL_GIVEN = re.compile(r"\b(?:let|denote|call|suppose)\b[^.]{0,30}?\$?\\?\(?\s?([a-zA-Z])\b(?!')", re.I)
_REFERS = re.compile(
    r"\b(?:this|that|these|the above|the (?:first|second|last|previous)|both|two) "
    r"(?:equations?|expressions?|inequalit(?:y|ies)|formulas?|cases?|results?)\b"
    r"|\bequation \(?\d|\bcase (?:2|ii|two)\b|\(\d\) and \(\d\)",
    re.I,
)
_STEP = re.compile(r"\s*(?:[#*]+\s*)?(?:step|case|part) (\d+)\b|\s*(?:\*\*)?(\d)[.)] ", re.I)
_TAKES_BACK = re.compile(
    r"(?:(?:but|hmm|oh|so)[,. ]+)*(?:wait[,. ]+)?(?:no[,.] |actually,"
    r"|(?:wait, )?that(?:'s| is) (?:not right|wrong|not correct|incorrect)"
    r"|that (?:can't|doesn't|does not)|i made a mistake|i think i made)",
    re.I,
)


@dataclass(frozen=True)
class Sample:
    """A question, an original, a revision of it and the student's summary."""

    name: str
    question: str
    original: str
    revision: str
    summary: str = ""


def _ended(sentence: str) -> str:
    """Return a sentence with the white space that separates it from the next one."""
    return f"{sentence} " if sentence.endswith((".", "!")) else f"{sentence}\n"


def _without(text: str, unit: Unit) -> str:
    return text[: unit.start] + text[unit.end :]


def missing_value(sound: Sample, random: Random) -> Sample | None:
    """Take out the sentence that gives a number which a later sentence computes with."""
    parts = units(sound.revision)
    asked = set(_NUMBER.findall(sound.question))
    options = []
    for giver in parts[:-1]:
        before = " ".join(part.body for part in parts[: giver.index])
        for number in set(_NUMBER.findall(giver.body)) - asked - set(_NUMBER.findall(before)):
            if len(number) < 2:
                continue
            user = next((p for p in parts[giver.index + 1 :] if number in _NUMBER.findall(p.body)), None)
            if user and re.search(
                rf"(?<![\d.=]){re.escape(number)}[^=\n]{{0,40}}[-+*/×÷^·][^\n]*=|(?:[-+*/×÷·]|times|cdot)\s*{re.escape(number)}[^=\n]*=",
                user.body,
            ):
                options.append(giver)
    return replace(sound, revision=_without(sound.revision, random.choice(options))) if options else None


def missing_symbol(sound: Sample, random: Random) -> Sample | None:
    """Take out the sentence that says what a letter stands for."""
    parts = units(sound.revision)
    options = []
    for giver in parts[:-1]:
        for letter in _SYMBOL_GIVEN.findall(giver.body):
            used = re.compile(rf"(?<![a-zA-Z\\]){letter}(?![a-zA-Z'])")
            if (
                letter in "aAI"
                or used.search(sound.question)
                or any(used.search(p.body) for p in parts[: giver.index])
            ):
                continue
            if any(used.search(p.body) and "=" in p.body for p in parts[giver.index + 1 :]):
                options.append(giver)
    return replace(sound, revision=_without(sound.revision, random.choice(options))) if options else None


def orphaned_reference(sound: Sample, random: Random) -> Sample | None:
    """Take out the sentence before a reference to it."""
    parts = units(sound.revision)
    options = [u for u in parts[1:] if _REFERS.search(u.body) and "=" in parts[u.index - 1].body]
    if not options:
        return None
    user = random.choice(options)
    giver = parts[user.index - 1]
    return replace(sound, revision=_without(sound.revision, giver))


def orphaned_series(sound: Sample, random: Random) -> Sample | None:
    """Take out the beginning of a series of cases, steps or items."""
    parts = units(sound.revision)
    heads = [(u, int(m[1] or m[2])) for u in parts if (m := _STEP.match(u.body))]
    first = next((u for u, n in heads if n == 1), None)
    later = [u for u, n in heads if first and n > 1 and u.start > first.start]
    if not first or not later:
        return None
    cut = random.choice(later[:3])
    return replace(sound, revision=sound.revision[: first.start] + sound.revision[cut.start :])


def altered_result(sound: Sample, random: Random) -> Sample | None:
    """Change the number that an equation or a conclusion states."""
    options = [
        m
        for m in re.finditer(r"(?:= ?|\bis |\bare |boxed\{)\$?\\?\(?(\d+)(?=[\s.,;$\\})]|$)", sound.revision)
        if len(m[1]) > 1 or m.group().startswith("boxed")
    ]
    if not options:
        return None
    match = random.choice(options)
    number = int(match[1])
    other = str(
        random.choice(
            [n for n in (number + 1, number + 2, number + 10, number * 2, max(0, number - 3)) if n != number]
        )
    )
    start, end = match.span(1)
    return replace(sound, revision=sound.revision[:start] + other + sound.revision[end:])


def second_conclusion(sound: Sample, random: Random) -> Sample | None:
    """Add a second, different conclusion."""
    answer = re.findall(r"\d+", sound.summary or sound.revision)
    if not answer:
        return None
    other = int(answer[-1]) + random.choice([1, 3, 7, 10])
    form = random.choice(
        ["So the answer is {}.", "Therefore, the final answer is \\boxed{{{}}}.", "Thus, the answer is ${}$."]
    )
    return replace(sound, revision=f"{sound.revision.rstrip()}\n\n{form.format(other)}")


def put_back(sound: Sample, random: Random) -> Sample | None:
    """Put a step back that the original takes back in its next sentence."""
    parts = units(sound.original)
    kept = {u.body: u for u in units(sound.revision)}
    options = [
        before
        for before, after in itertools.pairwise(parts)
        if _TAKES_BACK.match(after.lower)
        and before.body not in kept
        and not before.body.endswith("?")
        and "=" in before.body
    ]
    random.shuffle(options)
    for wrong in options:
        following = next((kept[p.body] for p in parts[wrong.index + 1 :] if p.body in kept), None)
        at = following.start if following else len(sound.revision)
        before = sound.revision[:at]
        gap = "" if not before or before[-1].isspace() else "\n"
        return replace(sound, revision=f"{before}{gap}{_ended(wrong.body)}{sound.revision[at:]}")
    return None


def wrong_attempt(sound: Sample, random: Random) -> Sample | None:
    """Write a wrong step and its withdrawal into the original, and the wrong step into the revision."""
    options = [u for u in units(sound.original) if re.search(r"= ?\d\d+\W*$", u.body)]
    options = [u for u in options if u.body in sound.revision]
    if not options:
        return None
    unit = random.choice(options)
    wrong = re.sub(r"\d+(?=\W*$)", lambda m: str(int(m.group()) + random.choice([1, 10, 4])), unit.body)
    form = random.choice(
        [
            "Wait, that's wrong.",
            "No, that's not right.",
            "Wait, actually, let me redo that.",
            "Hmm, no, I made a mistake.",
            "Wait, no.",
        ]
    )
    original = f"{sound.original[: unit.start]}{_ended(wrong)}{form} {sound.original[unit.start :]}"
    return replace(
        sound, original=original, revision=sound.revision.replace(unit.body, _ended(wrong) + unit.body, 1)
    )


Planter = Callable[[Sample, Random], Sample | None]
PLANTERS: dict[str, tuple[Planter, ...]] = {
    "missing_link": (missing_value, missing_symbol),
    "dangling_reference": (orphaned_reference, orphaned_series),
    "contradiction": (altered_result, second_conclusion),
    "withdrawn_step": (put_back, wrong_attempt),
}
