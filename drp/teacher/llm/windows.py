"""Cut a long trace into windows that fit into one request each, and put the windows' results together.

Windows consist of whole units (or of whole steps, once the trace has steps), and neighbours share a few of
them. A rule says where the results of two neighbours meet, so that the steps cover the trace exactly:

- They meet at the first boundary of steps that both have in the shared part, with no merge across it. Before
  it the earlier window counts, after it the later one.
- Without such a boundary the later window counts from its first unit on. A step or merge of the earlier one
  that reaches over this place has a text for more than is left of it, so the rest of it is kept as it is.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import accumulate

from drp.core import Decision, Draft, Step

OVERLAP = 8
"""Units or steps that neighbouring windows share, at most a quarter of a window."""
MARGIN = 1.5
"""A window is so small that a reply of this many times the expected length fits."""
_ALWAYS = 500
"""Expected tokens of a reply that do not depend on the length of the window."""


@dataclass(frozen=True)
class TraceWindow:
    """One part of a draft; `number` counts from 1."""

    number: int
    count: int
    start: int
    """Where it begins in the thinking, in code points."""
    draft: Draft
    """The part as a separate draft: its text is all of its thinking, and its steps are counted anew."""

    @property
    def is_last(self) -> bool:
        """Whether the trace ends with this window."""
        return self.number == self.count


@dataclass(frozen=True)
class Capacity:
    """What one request can take, in tokens; None if the profile does not say."""

    context: int | None
    output: int

    def share(self, prompt: int, trace: int, reply: int) -> float:
        """Return the share of a trace that fits into one request; 1 for all of it.

        Args:
            prompt: expected tokens of the prompt with the whole trace.
            trace: tokens of the trace.
            reply: expected tokens of the reply to it.
        """
        context = float("inf") if self.context is None else self.context
        if MARGIN * reply <= min(self.output, context - prompt):
            return 1.0
        for_reply = (self.output / MARGIN - _ALWAYS) / max(1, reply)
        for_both = (context - (prompt - trace) - MARGIN * _ALWAYS) / max(1, trace + MARGIN * reply)
        return min(1.0, for_reply, for_both)


def windows(
    draft: Draft, ends: Sequence[int], sizes: Sequence[int], share: float, overlap: int
) -> list[TraceWindow]:
    """Cut a draft into windows.

    Args:
        draft: the draft; its steps, if any, are the pieces.
        ends: where each piece ends; the last one ends with the thinking.
        sizes: tokens of each piece.
        share: the share of all tokens that one window may have. Nothing fits if it is not positive, and then
            the draft stays whole: the provider's own words say more.
        overlap: pieces that neighbours share.
    """
    if share >= 1.0 or share <= 0.0 or len(ends) < 2:
        return [TraceWindow(1, 1, 0, draft)]
    ranges = _ranges(sizes, share * sum(sizes), overlap)
    starts = (0, *ends)
    return [
        TraceWindow(number, len(ranges), starts[first], _part(draft, starts[first], ends[last - 1]))
        for number, (first, last) in enumerate(ranges, start=1)
    ]


def _ranges(sizes: Sequence[int], most: float, overlap: int) -> list[tuple[int, int]]:
    """Return the first piece of each window, and the one after its last."""
    before = (0, *accumulate(sizes))
    ranges: list[tuple[int, int]] = []
    first = 0
    while True:
        last = first + 1
        while last < len(sizes) and before[last + 1] - before[first] <= most:
            last += 1
        ranges.append((first, last))
        if last == len(sizes):
            return ranges
        first = last - min(overlap, (last - first) // 4)


def _part(draft: Draft, start: int, end: int) -> Draft:
    steps = tuple(
        replace(step, char_start=step.char_start - start, char_end=step.char_end - start)
        for step in draft.steps
        if start <= step.char_start and step.char_end <= end
    )
    return replace(draft, trace=replace(draft.trace, thinking=draft.trace.thinking[start:end]), steps=steps)


def merged(parts: Sequence[tuple[int, Draft]]) -> tuple[tuple[Step, ...], tuple[Decision, ...]]:
    """Return the steps of a whole trace and, if the parts have them, its decisions.

    Args:
        parts: where each window begins, and its draft with steps and perhaps decisions, in order.
    """
    whole = _Cut((), ())
    for start, draft in parts:
        steps = (
            replace(step, char_start=step.char_start + start, char_end=step.char_end + start)
            for step in draft.steps
        )
        whole = _met(whole, _Cut(tuple(steps), tuple(draft.decisions)), start)
    return whole.steps, whole.decisions


@dataclass(frozen=True)
class _Cut:
    """Steps in a row, with their decisions or none; decisions are counted from the first step."""

    steps: tuple[Step, ...]
    decisions: tuple[Decision, ...]

    def is_merge_across(self, place: int) -> bool:
        return any(
            self.steps[min(members)].char_start < place <= self.steps[max(members)].char_start
            for decision in self.decisions
            if decision.merged_with
            for members in [(decision.step_index, *decision.merged_with)]
        )

    def before(self, place: int) -> "_Cut":
        """Return the steps before `place`; what reaches over it, in part, is kept as it is."""
        steps = tuple(
            replace(step, char_end=min(step.char_end, place))
            for step in self.steps
            if step.char_start < place
        )
        shortened = {index for index, step in enumerate(steps) if step != self.steps[index]}
        decisions = []
        for decision in self.decisions[: len(steps)]:
            members = {decision.step_index, *decision.merged_with}
            is_changed = bool(members & shortened) or max(members) >= len(steps)
            if is_changed and decision.action not in {"KEEP", "DELETE"}:
                decision = Decision(decision.step_index, "KEEP", None, decision.reason)
            decisions.append(decision)
        return _Cut(steps, tuple(decisions))

    def since(self, place: int) -> "_Cut":
        """Return the steps from `place` on, where a step begins."""
        skipped = sum(step.char_start < place for step in self.steps)
        return _Cut(self.steps[skipped:], tuple(_moved(d, -skipped) for d in self.decisions[skipped:]))

    def followed_by(self, other: "_Cut") -> "_Cut":
        count = len(self.steps)
        moved = tuple(_moved(decision, count) for decision in other.decisions)
        return _Cut(self.steps + other.steps, self.decisions + moved)


def _moved(decision: Decision, by: int) -> Decision:
    merged_with = tuple(member + by for member in decision.merged_with)
    return replace(decision, step_index=decision.step_index + by, merged_with=merged_with)


def _met(earlier: _Cut, later: _Cut, start: int) -> _Cut:
    """Return the steps of two neighbours; the later one begins at `start`."""
    ends = {step.char_end for step in earlier.steps}
    common = (step.char_start for step in later.steps if step.char_start in ends)
    places = (p for p in common if not earlier.is_merge_across(p) and not later.is_merge_across(p))
    place = next(places, start)
    return earlier.before(place).followed_by(later.since(place))
