"""Align steps that a teacher copied verbatim with the trace.

Only white space and the form of quotation marks may differ. An alignment is therefore exact or it fails: a
teacher that drops, repeats or rewords text instead of only splitting it is detected.
"""

import re
from collections.abc import Sequence

from drp.teacher.llm.reply_schemas import UnusableReplyError
from drp.traces import shown

_SOLID = re.compile(r"\S+")
_QUOTES = str.maketrans("‘’‛′“”„″´", "''''\"\"\"\"'")
_EXCERPT = 40  # characters of each text that a fault shows


def solid(text: str) -> str:
    """Return `text` normalized for comparison: without white space, with straight quotation marks."""
    return "".join(_SOLID.findall(shown(text))).translate(_QUOTES)


def aligned(thinking: str, texts: Sequence[str]) -> tuple[int, ...]:
    """Return where each of `texts` ends in `thinking`, in code points.

    White space between two steps belongs to the first one.

    Raises:
        UnusableReplyError: `uncovered`, with the first difference; `malformed` for an empty step.
    """
    trace = solid(thinking)
    starts: list[int] = []
    position = 0
    for number, text in enumerate(texts, start=1):
        step = solid(text)
        if not step:
            raise UnusableReplyError("malformed", f"step {number} is empty")
        if not trace.startswith(step, position):
            raise UnusableReplyError("uncovered", _difference(number, trace[position:], step))
        starts.append(position)
        position += len(step)
    if position < len(trace):
        rest = trace[position : position + _EXCERPT]
        raise UnusableReplyError("uncovered", f"the steps end before the trace does: {rest!r} is in no step")
    return (*_offsets(thinking, starts[1:]), len(thinking)) if starts else ()


def _difference(number: int, trace: str, step: str) -> str:
    """Describe where the normalized trace and step first differ."""
    first = next(
        (i for i, (a, b) in enumerate(zip(trace, step, strict=False)) if a != b), min(len(trace), len(step))
    )
    expected, actual = trace[first : first + _EXCERPT], step[first : first + _EXCERPT]
    if not expected:
        return f"step {number} goes on after the trace has ended: {actual!r}"
    return (
        f"step {number} is not the trace's own text: the trace has {expected!r} where the step has {actual!r}"
    )


def _offsets(thinking: str, positions: Sequence[int]) -> list[int]:
    """Return the offsets in `thinking` of characters of the normalized text; `positions` ascend."""
    offsets: list[int] = []
    passed = 0
    remaining = iter(positions)
    position = next(remaining, None)
    for run in _SOLID.finditer(thinking):
        while position is not None and position < passed + len(run.group()):
            offsets.append(run.start() + position - passed)
            position = next(remaining, None)
        passed += len(run.group())
    return offsets
