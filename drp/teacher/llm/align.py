"""Finding the steps that a teacher wrote out again in the trace they come from.

White space and the form of quotation marks may differ; nothing else may. So a span is certain or it is not
found: a teacher that drops, repeats or rewords text while it should only split is caught.
"""

import re
from collections.abc import Sequence

from drp.teacher.llm.reply_schemas import UnusableReplyError
from drp.traces import shown

_SOLID = re.compile(r"\S+")
_QUOTES = str.maketrans("‘’‛′“”„″´", "''''\"\"\"\"'")
_EXCERPT = 40  # characters of either text that a fault shows


def solid(text: str) -> str:
    """`text` as it is compared: without white space, quotation marks straight."""
    return "".join(_SOLID.findall(shown(text))).translate(_QUOTES)


def aligned(thinking: str, texts: Sequence[str]) -> tuple[int, ...]:
    """Where each of `texts` ends in `thinking`, in code points; white space goes with the step before it.

    Raises:
        UnusableReplyError: `uncovered` with the first place where they differ; `malformed` for an empty step.
    """
    whole = solid(thinking)
    starts: list[int] = []
    place = 0
    for number, text in enumerate(texts, start=1):
        piece = solid(text)
        if not piece:
            raise UnusableReplyError("malformed", f"step {number} is empty")
        if not whole.startswith(piece, place):
            raise UnusableReplyError("uncovered", _difference(number, whole[place:], piece))
        starts.append(place)
        place += len(piece)
    if place < len(whole):
        left = whole[place : place + _EXCERPT]
        raise UnusableReplyError("uncovered", f"the steps end before the trace does: {left!r} is in no step")
    return (*_offsets(thinking, starts[1:]), len(thinking)) if starts else ()


def _difference(number: int, trace: str, step: str) -> str:
    same = next(
        (i for i, (a, b) in enumerate(zip(trace, step, strict=False)) if a != b), min(len(trace), len(step))
    )
    has, says = trace[same : same + _EXCERPT], step[same : same + _EXCERPT]
    if not has:
        return f"step {number} goes on after the trace has ended: {says!r}"
    return f"step {number} is not the trace's own text: the trace has {has!r} where the step has {says!r}"


def _offsets(thinking: str, places: Sequence[int]) -> list[int]:
    """Offsets in `thinking` of the solid characters number `places`, which ascend."""
    offsets: list[int] = []
    passed = 0
    wanted = iter(places)
    place = next(wanted, None)
    for run in _SOLID.finditer(thinking):
        while place is not None and place < passed + len(run.group()):
            offsets.append(run.start() + place - passed)
            place = next(wanted, None)
        passed += len(run.group())
    return offsets
