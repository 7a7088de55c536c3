"""All checks of one revision."""

from collections.abc import Sequence
from dataclasses import replace

from drp.derivation.contradictions import contradictions
from drp.derivation.dangling_references import dangling_references
from drp.derivation.faults import DerivationFault
from drp.derivation.hollow import derives
from drp.derivation.missing_links import missing_links
from drp.derivation.original_trace import StatementIndex, index_of
from drp.derivation.statements import Statement, statements
from drp.derivation.withdrawn_steps import withdrawn_steps


def derivation_faults(
    question: str, original: str, revision: str, summary: str = "", response: str = ""
) -> list[DerivationFault]:
    """Return the faults of a revision as a derivation, in their order; empty if it has none.

    A fault is one that the revision has and the original has not: a text is a sound revision of itself.

    Args:
        question: the problem.
        original: the student's thinking.
        revision: the shortened thinking.
        summary: the student's response after the thinking, which may be empty.
        response: the revised response after the thinking, which may be empty. It must not contradict the
            revision or the student; such a fault has an empty span at the end of the revision.
    """
    kept = statements(revision)
    source = index_of(original)
    answer = index_of(summary) if summary.strip() else None
    stated = [*source.statements, *(answer.statements if answer else ())]
    faults = [
        replace(
            fault,
            start=len(revision),
            end=len(revision),
            detail=f"in the response, {fault.detail}",
            source=None,
        )
        for fault in contradictions([*stated, *kept], statements(response))
    ]
    if original.strip() != revision.strip():
        faults += [
            *_lost_links(question, source, answer, kept),
            *contradictions(stated, kept, revision),
            *withdrawn_steps(source, answer, kept),
        ]
        if is_hollow(question, original, revision):
            nothing = "no sentence of the revision computes or deduces anything"
            faults.append(DerivationFault("hollow", 0, len(revision), nothing))
    return sorted(faults, key=lambda fault: (fault.start, fault.kind))


def _lost_links(
    question: str, source: StatementIndex, summary: StatementIndex | None, kept: Sequence[Statement]
) -> list[DerivationFault]:
    """Missing links and dangling references.

    What the revision took from the summary is compared with it; other sentences stand as in the original.
    """
    asked = statements(question)
    own = [*missing_links(asked, source, kept), *dangling_references(asked, source, kept)]
    if summary is None:
        return own
    copied = {statement.unit.start for statement in kept if statement.key not in source.by_key}
    if not copied:
        return own
    found = (*missing_links(asked, summary, kept), *dangling_references(asked, summary, kept))
    known = {(fault.kind, fault.start, fault.subject) for fault in own}
    return own + [
        replace(fault, source=None)
        for fault in found
        if fault.start in copied and (fault.kind, fault.start, fault.subject) not in known
    ]


def is_hollow(question: str, original: str, revision: str) -> bool:
    """Whether a revision has lost the whole derivation; not if the original has none either."""
    asked = statements(question)
    return not derives(asked, statements(revision)) and derives(asked, statements(original))
