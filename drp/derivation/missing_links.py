"""Missing links: values, symbols and cases that a revision uses and that only dropped sentences give."""

import re
from collections.abc import Iterator, Sequence

from drp.derivation.faults import DerivationFault, quoted
from drp.derivation.quantities import Known, value
from drp.derivation.source import Source, aligned
from drp.derivation.statements import Statement

_SYMBOL = re.compile(r"(?<![a-zA-Z'’\\°])[a-zA-Zα-ωΔΓΘΛΣΦΨΩ](?![a-zA-Z'’])")
_PROSE_LETTERS = frozenset("aAIsioO")
_DEFINES = re.compile(
    r"\b(?:let|denote|define|call|suppose|assume|say|set|represent\w{0,3}|where|stands? for|variables?|unknowns?"
    r"|integers?|numbers?|for (?:any|some|all|each|every)|there (?:is|are|exists?)|named?|given|consider|choose|pick|if|with"
    r"|point|line|circle|triangle|vector|matrix|function|constants?|angle|segment|formula|equations?|letters?)\b"
)
_GIVES = re.compile(r"(?:\b(?:let|denote|define|call|represents?|stands? for|set|say|suppose)\b)|\bbe the\b")


def missing_links(
    question: Sequence[Statement], source: Source, revision: Sequence[Statement]
) -> Iterator[DerivationFault]:
    """Yield the first use of every value and symbol that the question and the kept sentences do not give."""
    places = aligned(source, revision)
    yield from _values(question, source, revision, places)
    yield from _symbols(question, source, revision, places)


def _values(
    question: Sequence[Statement], source: Source, revision: Sequence[Statement], places: Sequence[int | None]
) -> Iterator[DerivationFault]:
    known = Known()
    for statement in question:
        known.learn(statement.unit.plain, statement.unit.lower)
    for statement, place in zip(revision, places, strict=True):
        for number in statement.quantities:
            if known.has(number.text):
                continue
            exact = value(number.text)
            if exact is not None:
                known.add(exact)
            giver = source.first_value.get(number.text)
            if giver is None or number.role == "result" or (place is not None and giver >= place):
                continue
            if place is None and number.role != "operand":
                continue
            given_as = next(q.role for q in source.statements[giver].quantities if q.text == number.text)
            if given_as == "operand" or (place is None and given_as != "result"):
                continue
            yield _fault(statement, number.text, source.statements[giver])
        known.learn(statement.unit.plain, statement.unit.lower)


def _symbols(
    question: Sequence[Statement], source: Source, revision: Sequence[Statement], places: Sequence[int | None]
) -> Iterator[DerivationFault]:
    known = _PROSE_LETTERS.union(*(symbols(statement) for statement in question))
    for statement, place in zip(revision, places, strict=True):
        fresh = symbols(statement) - known
        known |= fresh
        if not fresh or _DEFINES.search(statement.unit.lower):
            continue
        for symbol in sorted(fresh):
            if re.search(rf"(?<![\w)*+/^-]){symbol}(?:_?\w)?=", statement.unit.plain):
                continue
            giver = source.definition(symbol)
            if giver is None or (place is not None and giver >= place):
                continue
            yield _fault(statement, symbol, source.statements[giver])


def symbols(statement: Statement) -> frozenset[str]:
    """Return the single letters that a statement uses as symbols."""
    return frozenset(_SYMBOL.findall(statement.unit.plain))


def _fault(user: Statement, subject: str, giver: Statement) -> DerivationFault:
    return DerivationFault(
        "missing_link",
        user.unit.start,
        user.unit.end,
        f"{quoted(user.unit.body)} uses {subject}, which only the dropped sentence {quoted(giver.unit.body)} gives",
        subject,
        (giver.unit.start, giver.unit.end),
    )
