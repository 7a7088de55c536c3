"""Withdrawn steps: sentences that a revision keeps although the student takes them back."""

import re
from collections.abc import Iterator, Mapping, Sequence

from drp.derivation.faults import DerivationFault, quoted
from drp.derivation.source import Source, aligned
from drp.derivation.statements import Statement

_TAKES_BACK = re.compile(  # at the beginning of the next sentence
    r"(?:(?:but|so|oh|ah|hmm?|um|and|okay|well)\b[,. …—-]{0,4}){0,3}(?:"
    r"(?:wait|hold on|hang on|oops|no\b(?! (?:matter|need|problem|doubt))|nope|actually|scratch that|correction|sorry|not quite)\b"
    r"|(?:wait[,. ]{0,3})?(?:that|this|it)(?:'s| is| was| seems| must be)? (?:not (?:right|correct|true|possible|valid|what)|wrong|incorrect|impossible"
    r"|a mistake|an error|a contradiction|(?:can't|cannot|can not|couldn't) be|(?:doesn't|does not|didn't) (?:make sense|work|match|seem|hold|fit|add))"
    r"|(?:i|we) (?:think i |think we |must have |might have |may have |have |just |clearly )?"
    r"(?:made (?:a|an|some)|misread|miscalculated|misunderstood|miscounted|messed|forgot|confused|was wrong|mis\w+)"
    r"|my (?:mistake|error|bad)|let me (?:correct|fix|redo|re-?do|recompute|recalculate|start over)|there(?:'s| is) (?:a|an) (?:mistake|error))"
)
_AGREES = re.compile(r"\b(?:that's|that is|this is|it's|yes|which is) (?:right|correct|fine|good)\b|\bmakes sense\b")
_BETWEEN = re.compile(r"[\s,;]")
_REACH = 3
"""Sentences before a withdrawal that it may take back."""


def withdrawn_steps(source: Source, summary: Source | None, revision: Sequence[Statement]) -> Iterator[DerivationFault]:
    """Yield the kept sentences whose content the student never comes back to after taking it back."""
    places = aligned(source, revision)
    kept = {place for place in places if place is not None}
    last = _last_uses(source.statements)
    affirmed = _marks(summary.statements) if summary else frozenset()
    withdrawn: dict[int, Statement] = {}
    for turn in source.statements[1:]:
        if not _TAKES_BACK.match(turn.unit.lower) or turn.index in kept:
            continue
        for before in reversed(source.statements[max(0, turn.index - _REACH) : turn.index]):
            if before.unit.paragraph < turn.unit.paragraph - 1 or _TAKES_BACK.match(before.unit.lower):
                break
            verdict = _is_withdrawn(source, before, turn.index, last, affirmed)
            if verdict is False or (verdict is None and before.index < turn.index - 1):
                break
            if verdict:
                withdrawn[before.index] = turn
    for statement, place in zip(revision, places, strict=True):
        turn = withdrawn.get(place) if place is not None else None
        if turn is not None:
            yield DerivationFault(
                "withdrawn_step",
                statement.unit.start,
                statement.unit.end,
                f"{quoted(statement.unit.body)} is kept, but the student takes it back: {quoted(turn.unit.body)}",
                statement.unit.body,
                (turn.unit.start, turn.unit.end),
            )


def _is_withdrawn(
    source: Source, before: Statement, turn: int, last: Mapping[str, int], affirmed: frozenset[str]
) -> bool | None:
    """Whether what a statement claims never comes back after the turn; None if it claims nothing new."""
    claim = _claim(before.unit.plain)
    if claim is None:
        news = source.news(before.index)
        return not any(last[mark] > turn or mark in affirmed for mark in news) if news else None
    name, result = claim
    equation = f"{name}={result}"
    if last.get(equation, -1) > turn or equation in affirmed:
        return False
    if last.get(result, -1) <= turn and result not in affirmed:
        return True
    return any(index > turn for index in source.gives(name))


def _claim(spelled: str) -> tuple[str, str] | None:
    """Return the two sides of the last equation of a statement."""
    for chain in reversed(_BETWEEN.split(spelled)):
        if "=" in chain:
            *_, name, result = ("", *(side.strip(".?!:*") for side in chain.split("=")))
            if name and result:
                return name, result
    return None


def _marks(statements: Sequence[Statement]) -> frozenset[str]:
    return frozenset().union(*(statement.unit.marks for statement in statements))


def _last_uses(statements: Sequence[Statement]) -> dict[str, int]:
    return {mark: statement.index for statement in statements for mark in statement.unit.marks}
