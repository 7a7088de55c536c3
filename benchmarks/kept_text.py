"""What a teacher's decisions leave of each part of a trace, and what other ways to delete as much leave."""

import re
from collections.abc import Sequence
from difflib import SequenceMatcher

import numpy as np
from numpy.typing import NDArray

from drp.core.records import Action, Draft
from drp.evaluation.intervals import Floats

_WORD = re.compile(r"\w+|[^\w\s]")


def kept_shares(draft: Draft, spans: Sequence[tuple[int, int]]) -> Floats:
    """Return the share of each span's characters, white space left out, that the decisions leave.

    The words of a compressed step, or of steps that are merged, are aligned with the words of the new text.
    What the teacher said in other words counts as deleted.

    Args:
        draft: a draft with steps and decisions.
        spans: offsets in the thinking, each with a visible character.
    """
    thinking = draft.trace.thinking
    kept = np.zeros(len(thinking), bool)
    for decision in draft.decisions:
        step = draft.steps[decision.step_index]
        if decision.action == "KEEP":
            kept[step.char_start : step.char_end] = True
        elif decision.revised_text:
            group = [draft.steps[index] for index in sorted({decision.step_index, *decision.merged_with})]
            words = [
                word.span()
                for part in group
                for word in _WORD.finditer(thinking, part.char_start, part.char_end)
            ]
            for first, last in _aligned(
                [thinking[a:b] for a, b in words], _WORD.findall(decision.revised_text)
            ):
                for start, end in words[first:last]:
                    kept[start:end] = True
    visible = np.array([not character.isspace() for character in thinking], bool)
    return np.array([kept[start:end][visible[start:end]].mean() for start, end in spans])


def _aligned(original: Sequence[str], revised: Sequence[str]) -> list[tuple[int, int]]:
    """Return the ranges of the original words that the revised words repeat, in order."""
    matcher = SequenceMatcher(
        None, [word.lower() for word in original], [word.lower() for word in revised], autojunk=False
    )
    return [(block.a, block.a + block.size) for block in matcher.get_matching_blocks() if block.size]


def actions(draft: Draft, spans: Sequence[tuple[int, int]]) -> list[tuple[Action, str]]:
    """Return for each span the action, and its reason, on the step that has most of it."""
    decisions = {decision.step_index: decision for decision in draft.decisions}
    found = []
    for start, end in spans:
        _, index = max(
            (min(end, step.char_end) - max(start, step.char_start), -index)
            for index, step in enumerate(draft.steps)
        )
        found.append((decisions[-index].action, decisions[-index].reason))
    return found


def deleted_in(order: NDArray[np.int64], sizes: Floats, target: float) -> Floats:
    """Return 1 for each span that is kept and 0 for each deleted one: `order` from its beginning is deleted.

    Args:
        order: a permutation of the spans.
        sizes: characters of each span.
        target: characters to delete; as few or many spans go as come closest to it.
    """
    deleted = np.concatenate([[0.0], np.cumsum(sizes[order])])
    kept = np.ones(len(sizes))
    kept[order[: int(np.argmin(np.abs(deleted - target)))]] = 0.0
    return kept
