"""Tell what an equation with letters is for: it is set up, given, solved, or only transformed.

An equation with a letter that no equation before it has is set up there, and so is one whose numbers are all
from the question while its sentence says what it means in words. One that relates a known letter to a number
is solved. If only the name of the value is a letter ("E = 4 · 3"), the text computes with numbers.
"""

import re

from drp.traces import Skill, skills

_NAME = re.compile(r"(?<![a-z\\'’])([b-hj-z]|a(?= ?[=+*^²<>]))(?![a-z'’])")
_NUMBER = re.compile(r"\d+(?:\.\d+)?")
_WORD = re.compile(r"(?<!\\)\b[a-z]{3,}\b")
_VALUE = re.compile(r"[-\d.,/ $\\()%]+\Z")
_OPERATES = re.compile(
    r"\b(?:both|sides?|mov(?:e|ing)|subtract|divid|multipl|add|isolat|solv|rearrang|cancel|simplif|expand)"
)
_WORDY = 4  # words that make a sentence of an equation


def names(lower: str) -> set[str]:
    """Return the single letters that stand for quantities in a text in lower case."""
    return set(_NAME.findall(lower))


def role(lower: str, here: set[str], known: set[str], asked: set[str]) -> Skill | None:
    """Return the skill of an equation with letters; None if it is only transformed.

    Args:
        lower: the sentence.
        here: its letters.
        known: letters of the equations before it.
        asked: numbers of the question.
    """
    equals = lower.count("=")
    right = lower.rstrip(" .$\\)]").rpartition("=")[2].strip()
    is_value = equals == 1 and _VALUE.match(right) is not None
    fresh = not here <= known
    if is_value and len(here) == 1 and len(lower.partition("=")[0].split()) == 1:  # x = 3
        if not fresh:
            return skills.SOLVING
        return skills.QUANTITY if numbers(lower) <= asked else None
    if fresh or (
        numbers(lower) <= asked and len(_WORD.findall(lower)) >= _WORDY and not _OPERATES.search(lower)
    ):
        return skills.EQUATION if equals <= len(here) else None
    return skills.SOLVING if is_value else None


def numbers(text: str) -> set[str]:
    """Return the numbers of a text, as written."""
    return set(_NUMBER.findall(text))
