"""Turn verdicts on units into one decision for every step, for any kind of steps.

A step whose units are all kept unchanged is a KEEP. A step without kept units is a DELETE. A step with fewer
or shorter sentences is a SINGLE-STEP COMPRESS. Steps whose sentences are merged into one form a MULTI-STEP
COMPRESS.
"""

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from drp.core import Decision, Step, StudentTrace
from drp.teacher.heuristic.compress import compressed
from drp.teacher.heuristic.decision_reasons import DecisionReason, UnitVerdict
from drp.teacher.heuristic.merge import joined
from drp.traces import Unit, is_balanced, separator

_GROUP = 4  # most steps of one merge
_LEADS = frozenset({"restated_question", "repeated", "dangling"})
_MOST_LEADS = 2  # units before a computation that lead up to it


@dataclass(slots=True)
class _Piece:
    """A kept sentence, possibly merged from several."""

    step: int
    """Step that it begins in."""
    start: int
    """Offsets in the thinking of the text that it replaces."""
    end: int
    paragraph: int
    text: str
    last_step: int
    reason: DecisionReason | None = None


def revise(
    trace: StudentTrace, steps: Sequence[Step], all_units: Sequence[Unit], verdicts: list[UnitVerdict]
) -> list[Decision]:
    """Return one decision for every step, in order.

    Args:
        trace: the trace.
        steps: its steps.
        all_units: its units, none of which crosses the border of a step.
        verdicts: one for each unit; lead-ins of kept computations are kept too.
    """
    boundaries = [step.char_end for step in steps]
    units_of: list[list[int]] = [[] for _ in steps]
    for unit in all_units:
        units_of[bisect_right(boundaries, unit.start)].append(unit.index)
    for indexes in units_of:
        _keep_lead_ins(all_units, verdicts, indexes)
    pieces = [
        piece
        for step, indexes in enumerate(units_of)
        for index in indexes
        for piece in _pieces(all_units[index], verdicts[index], step)
    ]
    groups, pieces = _merge(pieces, len(steps))
    is_partly_removed = [len({verdicts[index].keep for index in indexes}) > 1 for indexes in units_of]
    _condense(groups, pieces, is_partly_removed)
    pieces_of: list[list[_Piece]] = [[] for _ in steps]
    for piece in pieces:
        pieces_of[groups[piece.step][0]].append(piece)
    decisions = []
    for step, indexes in enumerate(units_of):
        others = tuple(other for other in groups[step] if other != step)
        if others:
            text = _join(pieces_of[step], trace.thinking) if step == groups[step][0] else None
            reason = _telling_reason(pieces_of[groups[step][0]]) or "condensed"
            decisions.append(Decision(step, "MULTI-STEP COMPRESS", text, reason, others))
        else:
            decisions.append(
                _single_decision(
                    step,
                    [all_units[i] for i in indexes],
                    [verdicts[i] for i in indexes],
                    pieces_of[step],
                    trace.thinking,
                )
            )
    return decisions


def _telling_reason(pieces: Sequence[_Piece]) -> DecisionReason | None:
    """Return the reason of the first piece that has one."""
    return next((piece.reason for piece in pieces if piece.reason), None)


def _keep_lead_ins(all_units: Sequence[Unit], verdicts: list[UnitVerdict], step: Sequence[int]) -> None:
    """Within a step, keep the units that lead up to a kept computation.

    Without them the reasoning is disjointed, as it is when single sentences are pruned (paper, section 6.1,
    appendix H).
    """
    leading: list[int] = []
    for index in step:
        unit, verdict = all_units[index], verdicts[index]
        if leading and all_units[leading[-1]].paragraph != unit.paragraph:
            leading = []
        if verdict.keep and unit.equations:
            for lead_in in leading[-_MOST_LEADS:]:
                verdicts[lead_in] = UnitVerdict(True, "lead_in")
            leading = []
        elif verdict.reason in _LEADS and not unit.body.endswith("?"):
            leading.append(index)
        elif not verdict.keep and verdict.reason != "meta_talk":
            leading = []


def _pieces(unit: Unit, verdict: UnitVerdict, step: int) -> Iterator[_Piece]:
    end = unit.start + len(unit.text.rstrip())
    if verdict.keep:
        shorter = compressed(unit.body)
        is_usable = shorter == unit.body or (shorter and (is_balanced(shorter) or not is_balanced(unit.body)))
        text = shorter if is_usable else unit.body
        yield _Piece(step, unit.start, end, unit.paragraph, text, step)
    if verdict.added:
        yield _Piece(step, end, end, unit.paragraph, verdict.added, step, "fallback_from_summary")


def _merge(pieces: Sequence[_Piece], count: int) -> tuple[list[tuple[int, ...]], list[_Piece]]:
    """Merge neighbouring pieces where possible; return the group of every step, and the pieces."""
    groups: list[tuple[int, ...]] = [(step,) for step in range(count)]
    merged: list[_Piece] = []
    for piece in pieces:
        before = merged[-1] if merged else None
        group = groups[before.last_step] if before else ()
        if before and (piece.step in group or len(group) < _GROUP):
            both = joined(before.text, piece.text, same_paragraph=before.paragraph == piece.paragraph)
            if both and is_balanced(both[0]):
                before.text, before.reason = both
                before.end, before.paragraph, before.last_step = piece.end, piece.paragraph, piece.step
                if piece.step not in group:
                    group += (piece.step,)
                    for step in group:
                        groups[step] = group
                continue
        merged.append(piece)
    return groups, merged


def _condense(
    groups: list[tuple[int, ...]], pieces: Sequence[_Piece], is_partly_removed: Sequence[bool]
) -> None:
    """Make one step of neighbours in a paragraph of which a single sentence each is left."""
    count = Counter(piece.step for piece in pieces)
    for before, piece in pairwise(pieces):
        first, second = groups[before.step], groups[piece.step]
        is_one = len(second) == 1 and len(first) < _GROUP and piece.step == before.step + 1
        is_short = all(count[one.step] == 1 and is_partly_removed[one.step] for one in (before, piece))
        is_own = before.reason is None and piece.reason is None and before.paragraph == piece.paragraph
        if is_one and is_short and is_own:
            for step in (*first, piece.step):
                groups[step] = (*first, piece.step)


def _join(pieces: Sequence[_Piece], thinking: str) -> str:
    """Join pieces with the separators between them in the thinking."""
    text = ""
    for index, piece in enumerate(pieces):
        if index:
            text += separator(thinking[pieces[index - 1].end : piece.start], piece.text)
        text += piece.text
    return text


def _single_decision(
    step: int,
    step_units: Sequence[Unit],
    verdicts: Sequence[UnitVerdict],
    pieces: Sequence[_Piece],
    thinking: str,
) -> Decision:
    """Return the decision on a step that is not merged with another."""
    if not pieces:
        _, verdict = max(zip(step_units, verdicts, strict=True), key=lambda pair: len(pair[0].body))
        return Decision(step, "DELETE", None, verdict.reason)
    text = _join(pieces, thinking)
    original = thinking[step_units[0].start : step_units[-1].end]
    is_part_removed = any(not verdict.keep for verdict in verdicts)
    merge_reason = _telling_reason(pieces)
    if (
        not is_part_removed
        and not merge_reason
        and (text == original.strip() or text.split() == original.split())
    ):
        reasons = [verdict.reason for verdict in verdicts]
        telling = (r for r in ("conclusion", "closing", "unresolved", "needed_later") if r in reasons)
        return Decision(step, "KEEP", None, next(telling, reasons[0]))
    if merge_reason == "fallback_from_summary" or not is_part_removed:
        return Decision(step, "SINGLE-STEP COMPRESS", text, merge_reason or "filler_removed")
    return Decision(step, "SINGLE-STEP COMPRESS", text, "part_removed")
