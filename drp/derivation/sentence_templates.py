"""Sentences of the same wording: which numbers, operators and units of measurement they fill it with."""

import re
from collections.abc import Iterable
from typing import NamedTuple

_UNITS = (
    "seconds?|minutes?|hours?|days?|weeks?|months?|years?|mm|cm|km|millimet(?:er|re)s?|centimet(?:er|re)s?|met(?:er|re)s?"
    "|kilomet(?:er|re)s?|inch(?:es)?|foot|feet|yards?|miles?|milligrams?|grams?|kg|kilograms?|ounces?|pounds?|tons?"
    "|ml|millilit(?:er|re)s?|lit(?:er|re)s?|cups?|pints?|quarts?|gallons?|cents?|dollars?|degrees?|radians?"
)
_SIGNED = r"(?:(?<![\w)\]%°!.])-)?(?<![\d.])\d+(?:\.\d+)?"
NUMBER = re.compile(_SIGNED)
"""A number with its sign; the minus of a difference is none."""

_SLOT = re.compile(
    rf"(?P<number>{_SIGNED})"
    r"|(?P<operator>(?<=[\d)]) ?[-+*/x×] ?(?=[\d(]))"
    rf"|\b(?P<unit>{_UNITS})\b"
)
_LABEL = re.compile(r"\(?\d{1,2}[.)]\W*")  # the number of a list item or an equation
_WORD = re.compile(r"[a-z]{3}")
_COMPUTED = re.compile(
    r"(?<![^\s,;:])[^\s,;:]{0,60}[-+*/x×][^\s,;:]{1,60}=(?=-?\d)"
)  # a calculation before its result
_MARKS = {"number": "#", "operator": "~", "unit": "@"}
_MARK = re.compile(r"[#~@]")  # what stands in a template for a number, an operator or a unit


class Wording(NamedTuple):
    """What sentences have in common that differ in their numbers, operators and units, and these."""

    template: str
    numbers: tuple[str, ...]
    operators: tuple[str, ...]
    units: tuple[str, ...]

    @property
    def words(self) -> int:
        """Number of words with at least three letters."""
        return len(_WORD.findall(self.template))


def wording(key: str, *, results_only: bool = False) -> Wording:
    """Return the wording of a sentence in lower case; `results_only` leaves out how a result is computed."""
    label = _LABEL.match(key)
    body = key[label.end() :] if label else key
    if results_only:
        body = _COMPUTED.sub("", body)
    found: dict[str, list[str]] = {"number": [], "operator": [], "unit": []}

    def replaced(match: re.Match[str]) -> str:
        slot = match.lastgroup or ""
        found[slot].append(match.group().strip())
        return _MARKS[slot]

    template = _SLOT.sub(replaced, body)
    return Wording(template, tuple(found["number"]), tuple(found["operator"]), tuple(found["unit"]))


class Outline:
    """How wordings begin and end: most sentences of another wording are told by that alone."""

    def __init__(self, templates: Iterable[str]) -> None:
        parts = [(_MARK.split(template), template) for template in templates]
        self._begins = tuple({words[0] for words, template in parts if not template.startswith(("#", "~"))})
        self._ends = tuple({words[-1] for words, template in parts if not template.endswith("#")})
        self._ends_in_number = any(template.endswith("#") for _, template in parts)

    def admits(self, key: str) -> bool:
        """Whether a sentence may have one of the wordings, perhaps without a calculation at its start."""
        if not key.endswith(self._ends) and not (self._ends_in_number and key[-1:].isdigit()):
            return False
        return key.startswith(self._begins) or not key[:1].isalpha() or "=" in key.partition(" ")[0]
