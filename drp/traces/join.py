"""Putting a revised thinking together from what was kept and what was written anew."""

from collections.abc import Sequence

from drp.core import Decision, Step
from drp.traces.segmentation import separator


def joined(thinking: str, steps: Sequence[Step], decisions: Sequence[Decision]) -> str:
    """The revised thinking: spans of steps that are kept and the texts of those that are compressed.

    Between two of them stands the white space that the student's layout calls for: a paragraph where it had
    one between them, a line where it had one, else a blank. `""` when nothing is left.
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
