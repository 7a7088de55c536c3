"""The heuristic teacher: rules instead of a language model. Free, offline, deterministic, pure Python.

It reads what any teacher may read of a trace, never the gold answer. It is a baseline: an LLM teacher that
does not beat it is not worth its price. It refuses a trace that it cannot prune well.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import NamedTuple

from drp.config import DecompositionKind
from drp.core import Draft, Refusal, StudentTrace
from drp.derivation import DerivationFaultKind, derivation_faults
from drp.teacher.heuristic.decision_reasons import UnitVerdict
from drp.teacher.heuristic.decompose import decompose
from drp.teacher.heuristic.delete_digressions import drop_digressions
from drp.teacher.heuristic.fill_gaps import fill_gaps
from drp.teacher.heuristic.follow_summary import (
    is_sure,
    judge_as_fallback,
)
from drp.teacher.heuristic.keep_or_delete import Judge
from drp.teacher.heuristic.keep_referents import anchor
from drp.teacher.heuristic.revise import revise
from drp.teacher.heuristic.soundness import (
    cut_to_pieces,
    fault_refusal,
    is_long,
    refusal_of,
    unsettled,
)
from drp.teacher.heuristic.synthesise import synthesise
from drp.traces import Unit, units

MAX_CHARACTERS = 300_000
"""Longer thinking is refused at once: even of traces a tenth as long hardly any can be pruned."""
_REPAIRABLE: frozenset[DerivationFaultKind] = frozenset({"missing_link", "dangling_reference"})
_REPAIRS = 4  # most rounds in which lost links are restored


class HeuristicTeacher:
    """Implements `drp.teacher.protocol.Teacher`, one draft at a time."""

    name = "heuristic"
    prompt_version = "heuristic-5"

    def decompose(self, drafts: Iterable[Draft], kind: DecompositionKind) -> Iterator[Draft]:
        """Cut each trace into steps that cover `thinking`."""
        for draft in drafts:
            if draft.refusal:
                yield draft
            elif not draft.trace.thinking.strip():
                yield replace(draft, refusal=Refusal("malformed", "the thinking is empty"))
            elif len(draft.trace.thinking) > MAX_CHARACTERS:
                yield replace(
                    draft,
                    refusal=Refusal(
                        "teacher_long_search", f"the thinking is longer than {MAX_CHARACTERS:,} characters"
                    ),
                )
            else:
                yield replace(draft, steps=tuple(decompose(draft.trace, kind)))

    def revise(self, drafts: Iterable[Draft]) -> Iterator[Draft]:
        """Decide one action for every step and write the shorter trace, or refuse the draft."""
        for draft in drafts:
            yield draft if draft.refusal or draft.revision else _revised(draft)


class _Way(NamedTuple):
    """A way to tell the derivation from the rest."""

    verdicts: list[UnitVerdict] | Refusal
    must_agree: bool = True
    """Whether the revision must be short and say what the summary says, which may tell another way."""


def _revised(draft: Draft) -> Draft:
    """Return the first sound attempt; if there is none, the first attempt with its refusal."""
    pieces = units(draft.trace.thinking, [step.char_end for step in draft.steps])
    attempts: list[Draft] = []
    for way in _ways(draft.trace, pieces):
        attempt = _attempt(draft, pieces, way)
        if attempt.revision:
            return attempt
        attempts.append(attempt)
    return attempts[0]


def _ways(trace: StudentTrace, pieces: Sequence[Unit]) -> Iterator[_Way]:
    """Yield the ways to tell the derivation from the rest, in the order in which they are tried."""
    by_rules = _judged(trace, pieces)
    if isinstance(by_rules, Refusal):
        yield _Way(by_rules)
        yield _Way(judge_as_fallback(trace, pieces))
        return
    yield _Way([UnitVerdict(verdict.keep, verdict.reason) for verdict in by_rules])
    yield _Way(judge_as_fallback(trace, pieces))
    yield _Way(by_rules, must_agree=False)


def _judged(trace: StudentTrace, pieces: Sequence[Unit]) -> list[UnitVerdict] | Refusal:
    """Tell the derivation from the rest by rules; refuse a trace in which they leave too much open."""
    verdicts = Judge(trace, pieces).verdicts()
    drop_digressions(trace, pieces, verdicts)
    fill_gaps(pieces, verdicts)
    return unsettled(trace, pieces, verdicts) or cut_to_pieces(pieces, verdicts) or verdicts


def _attempt(draft: Draft, pieces: Sequence[Unit], way: _Way) -> Draft:
    """Revise a trace by these verdicts, and restore what its derivation needs from the thinking."""
    trace, verdicts = draft.trace, way.verdicts
    if isinstance(verdicts, Refusal):
        return replace(draft, refusal=verdicts)
    is_own = any(verdict.keep for verdict in verdicts)  # not the summary's text
    for _ in range(_REPAIRS):
        anchor(pieces, verdicts)
        decisions = tuple(revise(trace, draft.steps, pieces, verdicts))
        revision = synthesise(trace, draft.steps, decisions)
        if refusal := refusal_of(trace, revision, must_agree=way.must_agree):
            return replace(draft, decisions=decisions, refusal=refusal)
        if way.must_agree and is_own and is_long(trace, revision):
            long = Refusal("teacher_long_search", "it may be more than a derivation")
            return replace(draft, decisions=decisions, refusal=long)
        texts = trace.question, trace.thinking, revision.thinking, trace.response, revision.response
        faults = derivation_faults(*texts)
        sources = [fault.source for fault in faults if fault.source and fault.kind in _REPAIRABLE]
        lost = [
            unit.index
            for start, end in sources
            for unit in pieces
            if unit.start < end and start < unit.end and not verdicts[unit.index].keep
        ]
        if not lost or not is_own or not all(is_sure(pieces[index]) for index in lost):
            break
        for index in lost:
            verdicts[index] = UnitVerdict(True, "needed_later")
    if faults:
        return replace(draft, decisions=decisions, refusal=fault_refusal(faults[0]))
    return replace(draft, decisions=decisions, revision=revision)
