"""Assemble the revised thinking from kept and rewritten steps."""

from collections.abc import Sequence

from drp.core import Decision, Step
from drp.traces.segmentation import separator


def joined(thinking: str, steps: Sequence[Step], decisions: Sequence[Decision]) -> str:
    """Return the revised thinking: the spans of kept steps and the new texts of compressed ones.

    The pieces are separated as in the student's layout: by a blank line or a line break if the original has
    one between them, otherwise by a space. Return `""` if nothing is left.
    """
    text = ""
    end = 0
    for step, decision in zip(steps, decisions, strict=True):
        raw = thinking[step.char_start : step.char_end]
        part = (raw if decision.action == "KEEP" else decision.revised_text or "").strip()
        if not part:
            continue
        start = step.char_start + len(raw) - len(raw.lstrip())
        text += separator(thinking[end:start], part) + part if text else part
        last = steps[max((decision.step_index, *decision.merged_with))]
        end = last.char_start + len(thinking[last.char_start : last.char_end].rstrip())
    return text
