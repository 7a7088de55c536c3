"""Contradictions: an equation or a conclusion of a revision that denies what the student states.

A value that is only different is none: an intermediate or a complementary result. What counts is two values
of one and the same expression, sentence or answer. Sentences that the student writes contradict nothing.
"""

import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from fractions import Fraction

from drp.derivation.conclusions import answers, bare_conclusion
from drp.derivation.faults import DerivationFault, quoted
from drp.derivation.number_roles import value
from drp.derivation.sentence_templates import NUMBER, Outline, Wording
from drp.derivation.statements import Statement
from drp.grading import false_equations

_CHAIN = re.compile(r"[^\s;,]+=[^\s;,]+")
_STATED = re.compile(r"(-?\(?\d[\d./]*\)?)(?:°|%)?")
_WORD = re.compile(r"(?!sin|cos|tan|log|gcd|lcm)[a-zA-Z]{3}")  # no part of an expression
_SUM = re.compile(r"[\d.()+*/^-]*\d[-+*/^][\d.()+*/^-]*")  # an expression of numbers only
_LETTERS = re.compile(r"(?<!\\)\b[a-zA-Z]{2,}")
_GOES_ON = re.compile(r"\s?(?:[a-zA-Zα-ω](?![a-zA-Z])|[\d(+*/^√\[-]|binom|sqrt)")  # the value is not complete
_OPERATION = re.compile(  # `a + b = c` that is no part of a longer calculation
    r"(?<![\w.)+*/^=x×-])(?<!\d )(\d+(?:\.\d+)?) ?([-+*/x×]) ?(\d+(?:\.\d+)?)"
    r"=(\d+(?:\.\d+)?)(?![\w^*/+(!-]|\.\d)"
)
_DIGIT = re.compile(r"\d")
_LONGEST_NAME = 60  # characters of an expression whose values are compared
_MOST_SIDES = 20  # sides of a chain of equations that are compared; the last is what is left of it
_FEW_NAMES = 50  # expressions that are looked for in a sentence before it is read
_MOST_ALIKE = 20  # sentences of one wording with which a sentence is compared


def contradictions(
    stated: Sequence[Statement], revision: Sequence[Statement], text: str = ""
) -> Iterator[DerivationFault]:
    """Yield the statements of a revision that contradict what is stated elsewhere, or one another.

    False calculations are looked for in `text`, which is the revision as a whole; not if it is empty.
    """
    keys = {statement.key for statement in stated}
    fresh = [statement for statement in revision if statement.key not in keys]
    if not fresh:
        return
    with_digits = [statement for statement in fresh if _DIGIT.search(statement.key)]
    faulty: set[int] = set()
    for fault in (
        *_altered(stated, fresh),
        *_equations(stated, with_digits),
        *_operations(stated, with_digits),
        *_conclusions(stated, with_digits),
        *_computed(text, with_digits),
    ):
        if fault.start not in faulty:
            faulty.add(fault.start)
            yield fault


def _altered(stated: Sequence[Statement], fresh: Sequence[Statement]) -> Iterator[DerivationFault]:
    """Yield sentences of the student in which a number or a unit is another one."""
    candidates = [
        (statement, own)
        for statement in fresh
        if len(statement.key) >= 8 and ((own := statement.wordings[0]).numbers or own.units)
    ]
    if not candidates:
        return
    has_number = all(own.numbers for _, own in candidates)
    outline = Outline(own.template for _, own in candidates)
    wordings: dict[str, list[tuple[Statement, Wording]]] = {}
    numbers = _StatedNumbers(stated)
    for statement in stated:
        key = statement.key
        if outline.admits(key) and (not has_number or _DIGIT.search(key)):
            for theirs in statement.wordings:
                wordings.setdefault(theirs.template, []).append((statement, theirs))
    for statement, own in candidates:
        for other, theirs in wordings.get(own.template, ())[:_MOST_ALIKE]:
            if why := _difference(own, theirs, numbers):
                yield _fault(statement, why[0], f"says {why[0]} where the student says {why[1]}", other)
                break


def _difference(own: Wording, theirs: Wording, numbers: "_StatedNumbers") -> tuple[str, str] | None:
    """Return what two sentences of one wording say differently, if that denies the second sentence."""
    pairs = [
        (a, b) for a, b in zip(own.numbers, theirs.numbers, strict=True) if a != b and value(a) != value(b)
    ]
    if not pairs:
        units = [
            (a, b) for a, b in zip(own.units, theirs.units, strict=True) if a.rstrip("s") != b.rstrip("s")
        ]
        return units[0] if units and own.operators == theirs.operators else None
    is_same_sentence = own.words >= 3 and own.operators == theirs.operators and own.units == theirs.units
    if len(pairs) > max(1, len(own.numbers) // 3) and not is_same_sentence:
        return None
    return None if any(a in numbers for a, _ in pairs) else pairs[0]


class _StatedNumbers:
    """The numbers of a text with their signs, read when they are first asked for."""

    def __init__(self, stated: Sequence[Statement]) -> None:
        self._stated = stated
        self._numbers: frozenset[str] | None = None

    def __contains__(self, number: str) -> bool:
        if self._numbers is None:
            self._numbers = frozenset().union(*(NUMBER.findall(statement.key) for statement in self._stated))
        return number in self._numbers


def _equations(stated: Sequence[Statement], fresh: Sequence[Statement]) -> Iterator[DerivationFault]:
    """Yield equations that give an expression a value which the student never gives it."""
    claimed = [
        (statement, name, result) for statement in fresh for name, result in _pairs(statement.unit.plain)
    ]
    if not claimed:
        return
    names = {name for _, name, _ in claimed}
    is_worth_looking = len(names) <= _FEW_NAMES
    written: frozenset[str] | None = None
    values: dict[str, dict[str, Statement]] = {}
    for statement in stated:
        spelled = statement.unit.plain
        if "=" in spelled and (not is_worth_looking or any(map(spelled.__contains__, names))):
            for name, result in _pairs(spelled):
                if name in names:
                    values.setdefault(name, {}).setdefault(result, statement)
    for statement, name, result in claimed:
        others = values.get(name)
        exact = value(result)
        if not others or len(others) > 2:
            continue  # unknown, or takes several values: a case, an index, a guess
        if exact is None or any(value(other) in (exact, None) for other in others):
            continue
        other, at = next(iter(others.items()))
        is_opposite = len(others) == 1 and value(other) == -exact
        if written is None:
            written = frozenset().union(*(s.numbers for s in stated))
        if result.lstrip("-") in written and not (
            is_opposite and all(result != r for s in stated for _, r in _pairs(s.unit.plain))
        ):
            continue
        yield _fault(statement, name, f"gives {name} the value {result}, the student {other}", at)


def _pairs(spelled: str) -> Iterator[tuple[str, str]]:
    """Yield expression and value of every chain of equations: `a=b=5` gives (a, 5) and (b, 5)."""
    if "=" not in spelled:
        return
    for chain in _CHAIN.finditer(spelled):
        sides = [side.strip(".?!:$*") for side in chain.group().split("=", _MOST_SIDES)]
        if _GOES_ON.match(spelled, chain.end()):
            sides.pop()
        for result in filter(_STATED.fullmatch, sides[1:]):
            for side in sides:
                if side != result and _is_expression(side):
                    yield side, result.strip("()°%")


def _is_expression(side: str) -> bool:
    """Whether a side of an equation is an expression of numbers or with symbols: no number, no word."""
    if not side or len(side) > _LONGEST_NAME or _STATED.fullmatch(side) or _WORD.search(side):
        return False
    return _SUM.fullmatch(side) is not None or any(map(str.isalpha, side))


def _operations(stated: Sequence[Statement], fresh: Sequence[Statement]) -> Iterator[DerivationFault]:
    """Yield false calculations that are true with the student's operator."""
    claimed = [
        (statement, operation)
        for statement in fresh
        for operation in _OPERATION.findall(statement.unit.plain)
        if not _holds(*operation)
    ]
    if not claimed:
        return
    true: dict[tuple[str, str, str], tuple[str, Statement]] = {}
    for statement in stated:
        for left, operator, right, result in _OPERATION.findall(statement.unit.plain):
            if _holds(left, operator, right, result):
                true.setdefault((left, right, result), (operator, statement))
    for statement, (left, operator, right, result) in claimed:
        if found := true.get((left, right, result)):
            why = f"says {left} {operator} {right} = {result}, the student {left} {found[0]} {right}"
            yield _fault(statement, f"{left} {operator} {right}", why, found[1])


def _holds(left: str, operator: str, right: str, result: str) -> bool:
    a, b, c = Fraction(left), Fraction(right), Fraction(result)
    if operator in "+-":
        return c == (a + b if operator == "+" else a - b)
    return c * b == a if operator == "/" else c == a * b


def _conclusions(stated: Sequence[Statement], revision: Sequence[Statement]) -> Iterator[DerivationFault]:
    """Yield conclusions that differ from the student's."""
    claimed = [(s, answer) for s in revision for answer in answers(s)]
    bare = [(s, answer) for s in revision if (answer := bare_conclusion(s)) is not None]
    if not claimed and not bare:
        return
    known: dict[str, Statement] = {}
    for statement in stated:
        for answer in answers(statement):
            known.setdefault(answer, statement)
    numbers: set[str] = set()
    is_comparable = bool(known) and all(value(answer) is not None for answer in known)
    if bare or not is_comparable:
        numbers = {number for statement in stated for number in statement.numbers}
    if not is_comparable:  # no answer, or one that is no number and has many spellings
        known = _last_result(stated)
    elif numbers:  # what is nowhere in the student's text and can be nothing but the answer
        claimed += [(s, answer) for s, answer in bare if answer.lstrip("-") not in numbers]
    first: tuple[str, Statement] | None = None
    for statement, answer in claimed:
        exact = value(answer)
        if (
            exact is None
            or any(value(other) in (exact, exact * 100, exact / 100) for other in known)
            or (not is_comparable and numbers.issuperset(answer.lstrip("-").split("/")))
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


def _computed(text: str, fresh: Sequence[Statement]) -> Iterator[DerivationFault]:
    """Yield false equations that the student does not write."""
    if not text or not fresh:
        return
    ends = [statement.unit.end for statement in fresh]
    for equation in false_equations(text):
        index = bisect_right(ends, equation.span[0])
        if index == len(fresh) or fresh[index].unit.start > equation.span[0]:
            continue  # the student's own
        if not _LETTERS.search(equation.left + equation.right):  # units convert
            why = f"gives {equation.left} the value {equation.right}, which it has not"
            yield _fault(fresh[index], equation.left, why, None)


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
