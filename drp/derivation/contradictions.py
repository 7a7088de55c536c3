"""Contradictions: an equation or a conclusion of a revision that denies what the student states.

A value that is only different is none: an intermediate or a complementary result. What counts is two values
of one and the same expression, sentence or answer.
"""

import re
from collections.abc import Iterable, Iterator, Sequence

from drp.derivation.faults import DerivationFault, quoted
from drp.derivation.quantities import value
from drp.derivation.source import StatementIndex
from drp.derivation.statements import Statement
from drp.grading import false_equations

_NUMBER = re.compile(r"\d+(?:\.\d+)?")
_CHAIN = re.compile(r"[^\s;,=]+=[^\s;,]+")
_STATED = re.compile(r"(-?\(?\d[\d./]*\)?)(?:°|%)?")
_NAME = re.compile(r"(?:[a-zA-Zα-ω]|∠[A-Z]{1,3})(?:_\(?\w{1,3}\)?|\d)?(?:\(\w{1,8}\))?")
_SUM = re.compile(r"[\d.()+*/^-]*\d[-+*/^][\d.()+*/^-]*")  # an expression of numbers only
_LETTERS = re.compile(r"(?<!\\)\b[a-zA-Z]{2,}")
_GOES_ON = re.compile(r"\s?(?:[a-zA-Zα-ω](?![a-zA-Z])|[\d(+*/^√\[-]|binom|sqrt)")  # the value is not complete
_ANSWER = re.compile(
    r"\banswer (?:is|=|:|should be|must be|would be)[ :]*\(?\$?(-?\d+(?:\.\d+)?(?:/\d+)?)(?![\w^*/+(-])"
)
_BOXED = re.compile(r"\\(?:boxed|fbox)\s?\{((?:[^{}]|\{(?:[^{}]|\{[^{}]*\})*\})*)\}")


def contradictions(
    sources: Sequence[StatementIndex], revision_text: str, revision: Sequence[Statement]
) -> Iterator[DerivationFault]:
    """Yield the statements of a revision that contradict the original, the summary or one another."""
    stated = [statement for source in sources for statement in source.statements]
    faulty: set[int] = set()
    for fault in (
        *_altered(stated, revision),
        *_equations(stated, revision),
        *_conclusions(stated, revision),
        *_computed(stated, revision_text, revision),
    ):
        if fault.start not in faulty:
            faulty.add(fault.start)
            yield fault


def _altered(stated: Sequence[Statement], revision: Sequence[Statement]) -> Iterator[DerivationFault]:
    """Yield sentences of the student in which a number is another one."""
    wordings: dict[str, list[Statement]] = {}
    keys: set[str] = set()
    numbers: set[str] = set()
    for statement in stated:
        keys.add(statement.key)
        numbers.update(_NUMBER.findall(statement.key))
        wordings.setdefault(_NUMBER.sub("#", statement.key), []).append(statement)
    for statement in revision:
        if statement.key in keys or len(statement.key) < 8:
            continue
        own = _NUMBER.findall(statement.key)
        for other in wordings.get(_NUMBER.sub("#", statement.key), ())[:20]:
            pairs = [
                (a, b)
                for a, b in zip(own, _NUMBER.findall(other.key), strict=True)
                if a != b and value(a) != value(b)
            ]
            if pairs and len(pairs) <= max(1, len(own) // 3) and all(a not in numbers for a, _ in pairs):
                a, b = pairs[0]
                yield _fault(statement, a, f"says {a} where the student says {b}", other)
                break


def _equations(stated: Sequence[Statement], revision: Sequence[Statement]) -> Iterator[DerivationFault]:
    """Yield equations that give an expression a value which the student never gives it."""
    values: dict[str, dict[str, Statement]] = {}
    numbers: set[str] = set()
    for statement in stated:
        numbers.update(quantity.text for quantity in statement.quantities)
        for name, result in _pairs(statement.unit.plain):
            values.setdefault(name, {}).setdefault(result, statement)
    for statement in revision:
        for name, result in _pairs(statement.unit.plain):
            others = values.get(name)
            if not others or result.lstrip("-") in numbers:
                continue
            exact = value(result)
            if exact is None or any(value(other) in (exact, None) for other in others):
                continue
            if len(others) > 2:
                continue  # takes several values: a case, an index, a guess
            other, at = next(iter(others.items()))
            yield _fault(statement, name, f"gives {name} the value {result}, the student {other}", at)


def _pairs(spelled: str) -> Iterator[tuple[str, str]]:
    """Yield expression and value of every chain of equations: `a=b=5` gives (a, 5) and (b, 5)."""
    for chain in _CHAIN.finditer(spelled):
        sides = [side.strip(".?!:$*") for side in chain.group().split("=")]
        if _GOES_ON.match(spelled, chain.end()):
            sides.pop()
        for result in filter(_STATED.fullmatch, sides[1:]):
            for side in sides:
                if side != result and (
                    _NAME.fullmatch(side) or (_SUM.fullmatch(side) and not _STATED.fullmatch(side))
                ):
                    yield side, result.strip("()°%")


def _conclusions(stated: Sequence[Statement], revision: Sequence[Statement]) -> Iterator[DerivationFault]:
    """Yield conclusions that differ from the student's."""
    known: dict[str, Statement] = {}
    for statement in stated:
        for answer in _answers(statement):
            known.setdefault(answer, statement)
    numbers: set[str] = set()
    is_comparable = bool(known) and all(value(answer) is not None for answer in known)
    if not is_comparable:  # no answer, or one that is no number and has many spellings
        numbers = {quantity.text for statement in stated for quantity in statement.quantities}
        known = _last_result(stated)
    first: tuple[str, Statement] | None = None
    for statement in revision:
        for answer in _answers(statement):
            exact = value(answer)
            if (
                exact is None
                or any(value(other) == exact for other in known)
                or (not is_comparable and answer.lstrip("-") in numbers)
            ):
                first = first or (answer, statement)
                continue
            against = next(((other, at) for other, at in known.items() if value(other) is not None), first)
            if against:
                yield _fault(statement, answer, f"concludes {answer}, the student {against[0]}", against[1])


def _last_result(stated: Sequence[Statement]) -> dict[str, Statement]:
    """Return the last result of a student who names no answer."""
    for statement in reversed(stated):
        for quantity in reversed(statement.quantities):
            if quantity.role == "result":
                return {quantity.text: statement}
    return {}


def _answers(statement: Statement) -> Iterable[str]:
    body = statement.unit.text
    if "boxed" in body:
        yield from (
            match.strip().replace("\\$", "").replace(",", "").strip("$ ") for match in _BOXED.findall(body)
        )
    if "answer" in statement.unit.lower:
        yield from _ANSWER.findall(statement.unit.lower)


def _computed(
    stated: Sequence[Statement], text: str, revision: Sequence[Statement]
) -> Iterator[DerivationFault]:
    """Yield false equations that the student does not write."""
    wrong = false_equations(text)
    if not wrong:
        return
    written = {statement.key for statement in stated}
    for equation in wrong:
        at = next(s for s in revision if s.unit.end > equation.span[0])
        if _LETTERS.search(equation.left + equation.right):
            continue  # units convert
        if at.key not in written:
            yield _fault(
                at, equation.left, f"gives {equation.left} the value {equation.right}, which it has not", None
            )


def _fault(user: Statement, subject: str, why: str, other: Statement | None) -> DerivationFault:
    against = f": {quoted(other.unit.body)}" if other else ""
    return DerivationFault(
        "contradiction",
        user.unit.start,
        user.unit.end,
        f"{quoted(user.unit.body)} {why}{against}",
        subject,
        (other.unit.start, other.unit.end) if other else None,
    )
