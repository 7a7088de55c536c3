"""Number the atomic units of a trace, so that a teacher can refer to text without repeating it.

A unit is a sentence, a line or a display formula; mathematics is never split (`drp.traces.segmentation`).
The units cover the trace from first to last character. Offsets are in Unicode code points.
"""

import re
from collections.abc import Sequence
from itertools import pairwise

from drp.traces.segmentation import cut

MOST_UNITS = 4_000
"""Maximum number of units. If a trace has more (131,072 tokens are about 6,000 sentences), two or more
neighbours are merged into one unit, which keeps numbers and replies short."""

MARK = "§"
"""Precedes the number of a unit or step. It hardly ever occurs in mathematics and is a single token."""

_FAKE_MARKUP = re.compile(  # what a chat model's tokenizer, or the parser of our marks, takes for structure
    r"<(?=[|｜][\w▁ ]{2,40}[|｜]>|/?think>|(?:start|end)_of_turn>)|§(?=\d)|[\x00\ud800-\udfff]"
)
_WHITE_SPACE = re.compile(r"\s*")  # belongs to the preceding unit
_REPLACEMENTS = {"<": "‹", MARK: "¶"}


def shown(text: str) -> str:
    """Return `text` as it is shown to a teacher; its length, and so every offset, is unchanged.

    Template tokens and fake marks are defused by replacing their first character. Lone surrogates, which
    UTF-8 cannot encode, and NUL, which databases cannot store, become U+FFFD.
    """
    return _FAKE_MARKUP.sub(lambda match: _REPLACEMENTS.get(match.group(), "\ufffd"), text)


def unit_ends(thinking: str) -> tuple[int, ...]:
    """Return the end of each unit, `()` for an empty trace. A unit starts where the previous one ends."""
    if not thinking:
        return ()
    text = shown(thinking)  # so that units can be found again from the shown text alone
    ends = sorted({_WHITE_SPACE.match(text, end).end() for end, _ in cut(text)})  # type: ignore[union-attr]
    if not text[: ends[0]].strip() and len(ends) > 1:  # white space alone is not a unit
        del ends[0]
    group_size = -(-len(ends) // MOST_UNITS)
    return (*ends[group_size - 1 : -1 : group_size], ends[-1])


def letter(place: int) -> str:
    """Return the letter label of the skill at `place`, counted from 0: a to z, then aa to zz, then aaa."""
    prefix, place = divmod(place, 26)
    return (letter(prefix - 1) if prefix else "") + chr(ord("a") + place)


def numbered(thinking: str, ends: Sequence[int], labels: Sequence[str] = ()) -> str:
    """Return the trace with `§7 ` before piece 7, or `§7c ` if its label is c; nothing else is added.

    Args:
        thinking: the trace.
        ends: end offset of each piece; the pieces cover the trace.
        labels: one label per piece, or none at all.
    """
    text = shown(thinking)
    names = labels or [""] * len(ends)
    pieces = zip(pairwise((0, *ends)), names, strict=True)
    return "".join(
        f"{MARK}{n}{name} {text[start:end]}" for n, ((start, end), name) in enumerate(pieces, start=1)
    )
