"""Find the form of each phrase in a trace of the small student: what the writer records, read from the text.

    [(phrase.form, thinking[phrase.start : phrase.end]) for phrase in phrases_of(thinking, FIRST)]

A trained student writes its own traces, so no record says what their phrases are. But it speaks the writer's
language: almost every phrase is a variant of one form with its braces filled in. `benchmarks.oracle_teacher`
measures for how many phrases that holds.
"""

import re
from collections.abc import Mapping, Sequence
from functools import cache
from typing import NamedTuple

from drp.student.small.trace_writer import VOICES, VoiceName
from drp.student.small.voice import Form

_EQUATION = r"\d+ [-+*/] \d+ = \d+"
_SENTENCE = r"[^.?!\n]+\."
_SLOTS = {
    "equation": _EQUATION,
    "right": _EQUATION,
    "inverse": _EQUATION,
    "equations": rf"{_EQUATION}(?:(?:,|;|, then) {_EQUATION})*",
    "other": r"\d+ [-+*/] \d+",
    "result": r"\d+",
    "answer": r"\d+",
    "unit": r"[a-z]+",
    "facts": rf"{_SENTENCE}(?: {_SENTENCE})*",
    "middle": r"(?:then [^.?!\n]+, )?",
}
"""Patterns of what fills the braces; all others are part of one sentence."""
_PART = r"[^.?!\n]+"
_BRACES = re.compile(r"\{(\w+)\}")
_SENTENCE_END = re.compile(r"[.?!](?=\s|$)")
_PARAGRAPH = re.compile(r"(?:(?!\n\s*\n).)+", re.DOTALL)


class Phrase(NamedTuple):
    """The span [start, end) of a phrase without the white space after it; no form if it is not recognised."""

    start: int
    end: int
    form: Form | None
    words: Mapping[str, str]
    """What fills its braces."""


class _Pattern(NamedTuple):
    form: Form
    expression: re.Pattern[str]


def voice_of(thinking: str) -> VoiceName:
    """Return the voice in which more sentences of a trace are recognised."""
    return min(VOICES, key=lambda name: sum(phrase.form is None for phrase in phrases_of(thinking, name)))


def phrases_of(thinking: str, voice: VoiceName) -> list[Phrase]:
    """Return the phrases of a trace in order; a sentence that no form matches is a phrase without a form."""
    phrases: list[Phrase] = []
    for paragraph in _PARAGRAPH.finditer(thinking):
        text = paragraph.group().rstrip()
        start = paragraph.start() + len(text) - len(text.lstrip())
        for phrase in _best_reading(text.lstrip(), voice):
            phrases.append(phrase._replace(start=phrase.start + start, end=phrase.end + start))
    return phrases


def _best_reading(paragraph: str, voice: VoiceName) -> Sequence[Phrase]:
    """Return the reading of a paragraph with the fewest unrecognised sentences, and the shortest phrases."""
    patterns = _patterns(voice)
    ends = [match.end() for match in _SENTENCE_END.finditer(paragraph)]
    if not ends or ends[-1] != len(paragraph):
        ends.append(len(paragraph))
    readings: dict[int, tuple[int, tuple[Phrase, ...]]] = {len(paragraph): (0, ())}
    starts = [0, *(end + len(paragraph[end:]) - len(paragraph[end:].lstrip()) for end in ends[:-1])]
    for index in reversed(range(len(starts))):
        start = starts[index]
        following = [*starts[index + 1 :], len(paragraph)]
        cost, rest = readings[following[0]]
        best = (cost + 1, (Phrase(start, ends[index], None, {}), *rest))
        for end, after in zip(ends[index:], following, strict=True):
            text = paragraph[start:end]
            cost, rest = readings[after]
            if cost >= best[0]:
                continue
            for form, expression in patterns:
                if match := expression.fullmatch(text):
                    best = (cost, (Phrase(start, end, form, match.groupdict()), *rest))
                    break
        readings[start] = best
    return readings[0][1]


@cache
def _patterns(name: VoiceName) -> Sequence[_Pattern]:
    voice = VOICES[name]
    reasons = [reason for variants in voice.reasons.values() for reason in variants]
    any_reason = "|".join(map(re.escape, reasons))
    variants = [(form, variant) for form, several in voice.phrases.items() for variant in several]
    return [
        _Pattern(form, re.compile(_expression(variant, {**_SLOTS, "reason": any_reason})))
        for form, variant in [*variants, *((Form.REASON, reason) for reason in reasons)]
    ]


def _expression(variant: str, slots: Mapping[str, str]) -> str:
    literals = _BRACES.split(variant)  # literal, name, literal, name, … literal
    parts = [
        re.escape(part) if index % 2 == 0 else f"(?P<{part}>{slots.get(part, _PART)})"
        for index, part in enumerate(literals)
    ]
    return "".join(parts)
