"""From verdicts on units to one decision for every step, whatever the steps are.

A step whose units are all kept as they are is a KEEP, one without kept units a DELETE, one with fewer or
shorter sentences a SINGLE-STEP COMPRESS. Where the sentences of neighbouring steps become one, the steps
form a MULTI-STEP COMPRESS."""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass

from drp.core import Decision, Refusal, Step, StudentTrace
from drp.teacher.heuristic.compress import compressed
from drp.teacher.heuristic.decide import judge
from drp.teacher.heuristic.merge import joined
from drp.teacher.heuristic.signals import GOING_BACK
from drp.teacher.heuristic.verdicts import DecisionReason, UnitVerdict
from drp.traces import Unit, is_balanced, separator, units

_GROUP = 4  # steps that one merge may take in
_LEADS = frozenset({"restated_question", "repeated", "dangling"})
_UNSETTLED = 2  # more such statements make a trace too uncertain


@dataclass
class _Piece:
    """A kept sentence, maybe merged from several: its text, the step it starts in and the characters it
    stands for."""

    step: int
    start: int
    end: int
    paragraph: int
    text: str
    last_step: int
    reason: DecisionReason | None = None


def revise(trace: StudentTrace, steps: Sequence[Step]) -> list[Decision] | Refusal:
    """One decision for every step, in order; a trace that goes back on itself too often is refused."""
    boundaries = [step.char_end for step in steps]
    cut = units(trace.thinking, boundaries)
    verdicts = judge(trace, cut)
    if _unsettled(cut, verdicts) > _UNSETTLED:
        return Refusal("malformed", "statements it went back on could not be told from the derivation")
    members: list[list[int]] = [[] for _ in steps]
    for unit in cut:
        members[bisect_right(boundaries, unit.start)].append(unit.index)
    for indexes in members:
        _keep_lead_ins(cut, verdicts, indexes)
    pieces = [
        _piece(cut[index], step)
        for step, indexes in enumerate(members)
        for index in indexes
        if verdicts[index].keep
    ]
    groups, pieces = _merge(pieces, len(steps))
    pieces_of: list[list[_Piece]] = [[] for _ in steps]
    for piece in pieces:
        pieces_of[groups[piece.step][0]].append(piece)
    decisions = []
    for step, indexes in enumerate(members):
        others = tuple(other for other in groups[step] if other != step)
        if others:
            text = _laid_out(pieces_of[step], trace.thinking) if step == groups[step][0] else None
            reason = next(p.reason for p in pieces_of[groups[step][0]] if p.reason)
            decisions.append(Decision(step, "MULTI-STEP COMPRESS", text, reason, others))
        else:
            decisions.append(
                _alone(
                    step,
                    [cut[i] for i in indexes],
                    [verdicts[i] for i in indexes],
                    pieces_of[step],
                    trace.thinking,
                )
            )
    return decisions


def _unsettled(cut: Sequence[Unit], verdicts: Sequence[UnitVerdict]) -> int:
    """Kept units that the next one turned on, where only that next one is deleted: each may be wrong."""
    kept = (unit.index for unit in cut if verdicts[unit.index].keep)
    last = max((index for index in kept if verdicts[index].reason != "closing"), default=0)
    return sum(
        verdicts[unit.index - 1].keep
        and not verdicts[unit.index].keep
        and GOING_BACK.match(unit.lower) is not None
        for unit in cut[1 : last + 1]
    )


def _keep_lead_ins(cut: Sequence[Unit], verdicts: list[UnitVerdict], step: Sequence[int]) -> None:
    """Within a step, keep what leads up to a kept computation: torn from it the reasoning reads in jerks, as
    it does where single sentences are pruned (paper, section 6.1, appendix H)."""
    leading: list[int] = []
    for index in step:
        unit, verdict = cut[index], verdicts[index]
        if leading and cut[leading[-1]].paragraph != unit.paragraph:
            leading = []
        if verdict.keep and unit.equations:
            for place in leading:
                verdicts[place] = UnitVerdict(True, "lead_in")
            leading = []
        elif verdict.reason in _LEADS and not unit.body.endswith("?"):
            leading.append(index)
        elif not verdict.keep and verdict.reason != "meta_talk":
            leading = []


def _piece(unit: Unit, step: int) -> _Piece:
    shorter = compressed(unit.body)
    text = shorter if shorter and (is_balanced(shorter) or not is_balanced(unit.body)) else unit.body
    return _Piece(step, unit.start, unit.start + len(unit.text.rstrip()), unit.paragraph, text, step)


def _merge(pieces: Sequence[_Piece], count: int) -> tuple[list[tuple[int, ...]], list[_Piece]]:
    """The group of every step, and the pieces with neighbours merged into one where they can be."""
    groups: list[tuple[int, ...]] = [(step,) for step in range(count)]
    out: list[_Piece] = []
    for piece in pieces:
        before = out[-1] if out else None
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
        out.append(piece)
    return groups, out


def _laid_out(pieces: Sequence[_Piece], thinking: str) -> str:
    text = ""
    for place, piece in enumerate(pieces):
        text += (
            separator(thinking[pieces[place - 1].end : piece.start], piece.text) if place else ""
        ) + piece.text
    return text


def _alone(
    step: int,
    its_units: Sequence[Unit],
    verdicts: Sequence[UnitVerdict],
    pieces: Sequence[_Piece],
    thinking: str,
) -> Decision:
    """The decision on a step that is merged with no other."""
    if not pieces:
        longest = max(zip(its_units, verdicts, strict=True), key=lambda pair: len(pair[0].body))
        return Decision(step, "DELETE", None, longest[1].reason)
    text = _laid_out(pieces, thinking)
    removed = any(not verdict.keep for verdict in verdicts)
    merged = next((piece.reason for piece in pieces if piece.reason), None)
    if (
        not removed
        and not merged
        and text.split() == thinking[its_units[0].start : its_units[-1].end].split()
    ):
        reasons = [verdict.reason for verdict in verdicts]
        return Decision(
            step,
            "KEEP",
            None,
            next(
                (r for r in ("conclusion", "closing", "unresolved", "needed_later") if r in reasons),
                reasons[0],
            ),
        )
    return Decision(
        step, "SINGLE-STEP COMPRESS", text, "part_removed" if removed else merged or "filler_removed"
    )
