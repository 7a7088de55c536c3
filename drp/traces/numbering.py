"""The atomic units of a trace, numbered, so that a teacher can speak of text without writing it again.

A unit is a sentence, a line or a display formula; mathematics is never cut (`drp.traces.segmentation`).
The units of a trace cover it from first to last character; offsets are in Unicode code points.
"""

import re
from collections.abc import Sequence
from itertools import pairwise

from drp.traces.segmentation import cut

MOST_UNITS = 4_000
"""A trace of 131,072 tokens has about 6,000 sentences. Where there are more than this, every two neighbours
(or three, …) are one unit: numbers stay short and a reply finite."""

MARK = "§"
"""Stands before the number of a unit or step; hardly ever in mathematics, and one token."""

_SHAM = re.compile(  # what the tokenizer of a chat model, or a reader of our marks, would take for structure
    r"<(?=[|｜][\w▁ ]{2,40}[|｜]>|/?think>|(?:start|end)_of_turn>)|§(?=\d)|[\x00\ud800-\udfff]"
)
_BLANKS = re.compile(r"\s*")  # belongs to the unit before it
_SHOWN = {"<": "‹", MARK: "¶"}


def shown(text: str) -> str:
    """`text` as a teacher is shown it: of the same length, so that offsets stay.

    Template tokens and sham marks lose their first character's meaning; what no UTF-8 can say (lone
    surrogates) or no database keep (NUL) becomes U+FFFD.
    """
    return _SHAM.sub(lambda found: _SHOWN.get(found.group(), "\ufffd"), text)


def unit_ends(thinking: str) -> tuple[int, ...]:
    """Where each unit of a trace ends; `()` for no text. A unit begins where the one before it ends."""
    if not thinking:
        return ()
    text = shown(thinking)  # whoever sees only this finds the same units
    ends = sorted({_BLANKS.match(text, end).end() for end, _ in cut(text)})  # type: ignore[union-attr]
    if not text[: ends[0]].strip() and len(ends) > 1:  # white space alone is no unit
        del ends[0]
    together = -(-len(ends) // MOST_UNITS)
    return (*ends[together - 1 : -1 : together], ends[-1])


def letter(place: int) -> str:
    """The letter of the skill at `place`, counted from 0: a to z, then aa to zz, then aaa."""
    before, place = divmod(place, 26)
    return (letter(before - 1) if before else "") + chr(ord("a") + place)


def numbered(thinking: str, ends: Sequence[int], labels: Sequence[str] = ()) -> str:
    """The trace with `§7 ` before piece 7, or `§7c ` where that has the label c; nothing else is changed.

    Args:
        thinking: the trace.
        ends: where each piece ends; the pieces cover the trace.
        labels: one for each piece, or none.
    """
    text = shown(thinking)
    names = labels or [""] * len(ends)
    pieces = zip(pairwise((0, *ends)), names, strict=True)
    return "".join(
        f"{MARK}{n}{name} {text[start:end]}" for n, ((start, end), name) in enumerate(pieces, start=1)
    )
