"""The heuristic teacher: rules instead of a language model. Free, offline, deterministic, pure Python.

It reads what any teacher may read of a trace, never the gold answer. It is a baseline: an LLM teacher that
does not beat it is not worth its price. It refuses a trace that it cannot prune well.
"""

from collections.abc import Iterable, Iterator
from dataclasses import replace

from drp.config import DecompositionKind
from drp.core import Draft, Refusal
from drp.teacher.heuristic.decompose import decompose
from drp.teacher.heuristic.revise import revise
from drp.teacher.heuristic.synthesise import synthesise

MAX_CHARACTERS = 300_000
"""Longer thinking is refused at once: even of traces a tenth as long hardly any can be pruned."""


class HeuristicTeacher:
    """Implements `drp.teacher.protocol.Teacher`, one draft at a time."""

    name = "heuristic"
    prompt_version = "heuristic-2"

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


def _revised(draft: Draft) -> Draft:
    decisions = revise(draft.trace, draft.steps)
    if isinstance(decisions, Refusal):
        return replace(draft, refusal=decisions)
    revision = synthesise(draft.trace, draft.steps, decisions)
    if isinstance(revision, Refusal):
        return replace(draft, decisions=tuple(decisions), refusal=revision)
    return replace(draft, decisions=tuple(decisions), revision=revision)
