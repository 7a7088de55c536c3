"""Missing links: values, symbols and cases that a revision uses and that only dropped sentences give."""

import re
from collections.abc import Iterator, Sequence
from fractions import Fraction
from itertools import combinations

from drp.derivation.faults import DerivationFault, quoted
from drp.derivation.number_roles import Known, SpelledNumber, value
from drp.derivation.original_trace import StatementIndex, aligned
from drp.derivation.statements import Statement

_PROSE_LETTERS = frozenset("aAIsioO")
_DEFINES = re.compile(
    r"\b(?:let|denote|define|call|suppose|assume|set|where|represents?|stands? for|be the"
    r"|for (?:any|some|all|each|every))\b"
)
_FORMULA = re.compile(r"\bformulas?\b|[a-z]!|binom")
_ONLY_ANSWER = re.compile(
    r"[^\w=]*(?:the )?(?:final )?(?:answer)?(?: is)?[^\w=]*(?:boxed)?[^\w=]*\d[\d./]*\W*", re.I
)


def missing_links(
    question: Sequence[Statement], source: StatementIndex, revision: Sequence[Statement]
) -> Iterator[DerivationFault]:
    """Yield the first use of every value and symbol that the question and the kept sentences do not give."""
    places = aligned(source, revision)
    yield from _values(question, source, revision, places)
    yield from _symbols(question, source, revision, places)


def _values(
    question: Sequence[Statement],
    source: StatementIndex,
    revision: Sequence[Statement],
    places: Sequence[int | None],
) -> Iterator[DerivationFault]:
    known = Known()
    for statement in question:
        known.learn(statement.numbers, statement.unit.lower)
    previous: list[Fraction] = []
    for statement, place in zip(revision, places, strict=True):
        is_new = not all(map(known.has, statement.numbers))
        if is_new and _ONLY_ANSWER.fullmatch(statement.unit.plain):
            is_new = False
        for number in statement.quantities if is_new else ():
            if known.has(number.text) or (place is None and known.suggests(number.text)):
                continue
            exact = value(number.text)
            giver = _giver(source, number, place)
            if giver is not None and (place is not None or not _combines(exact, previous)):
                yield _fault(statement, number.text, giver)
            if exact is not None:
                known.add(exact)
        known.learn(statement.numbers, statement.unit.lower)
        previous = [exact for number in statement.numbers if (exact := value(number)) is not None][:12]


def _giver(source: StatementIndex, number: SpelledNumber, place: int | None) -> Statement | None:
    """Return the dropped statement that gives a number; None if the use or the source is no clear one."""
    index = source.first_value(number.text)
    if index is None or number.role == "result" or (place is not None and index >= place):
        return None
    giver = source.statements[index]
    roles = {quantity.role for quantity in giver.quantities if quantity.text == number.text}
    if place is None or len(number.text) == 1:
        return giver if number.role == "operand" and "result" in roles else None
    return giver if roles & {"result", "mention"} else None


def _combines(exact: Fraction | None, numbers: Sequence[Fraction]) -> bool:
    """Whether a value is sum, difference, product or quotient of two numbers of the sentence before."""
    return exact is not None and any(
        exact in (a + b, a - b, b - a, a * b) or (b and exact * b == a) or (a and exact * a == b)
        for a, b in combinations(numbers, 2)
    )


def _symbols(
    question: Sequence[Statement],
    source: StatementIndex,
    revision: Sequence[Statement],
    places: Sequence[int | None],
) -> Iterator[DerivationFault]:
    known = _PROSE_LETTERS.union(*(statement.symbols for statement in question))
    for statement, place in zip(revision, places, strict=True):
        fresh = statement.symbols - known
        known |= fresh
        if not fresh or _DEFINES.search(statement.unit.lower):
            continue
        for symbol in sorted(fresh):
            giver = source.definition(symbol)
            if place is None or giver is None or giver >= place or _is_set(symbol, statement.unit.plain):
                continue
            yield _fault(statement, symbol, source.statements[giver])


def _is_set(symbol: str, spelled: str) -> bool:
    """Whether a statement gives a symbol its value, or is a general formula with its own letters."""
    first = re.search(rf"(?<![a-zA-Z]){symbol}(?![a-zA-Z])(=-?\d| is \d)?", spelled)
    return (first is not None and first[1] is not None) or _FORMULA.search(spelled) is not None


def _fault(user: Statement, subject: str, giver: Statement) -> DerivationFault:
    return DerivationFault(
        "missing_link",
        user.unit.start,
        user.unit.end,
        f"{quoted(user.unit.body)} uses {subject}, which only the dropped sentence "
        f"{quoted(giver.unit.body)} gives",
        subject,
        (giver.unit.start, giver.unit.end),
    )
