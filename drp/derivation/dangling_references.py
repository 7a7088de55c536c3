"""Dangling references: to an equation, a case or a step that a revision does not have."""

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache

from drp.derivation.faults import DerivationFault, quoted
from drp.derivation.original_trace import StatementIndex, aligned
from drp.derivation.statements import Statement

_ROMAN = {
    "i": 1,
    "ii": 2,
    "iii": 3,
    "iv": 4,
    "v": 5,
    "vi": 6,
    "one": 1,
    "two": 2,
    "three": 3,
    "four": 4,
    "five": 5,
}
_HEAD = re.compile(  # the beginning of one of a series: "Step 4:", "**Case 2**", "5. "
    r"[\s#*_>-]{0,8}(?:(?:the )?(step|case|part|method|possibility|scenario|situation) "
    r"\(?(\d{1,2}|[ivIV]{1,4}|one|two|three|four|five)\b\)?(?=\s*(?:[:.,;)*—–-]|$))"
    r"|()\(?(\d{1,2})[.)]\**\s)",
    re.I,
)
_LABEL = re.compile(  # a reference to the number of an equation
    r"(?:\b(?:equations?|eqs?\.?|from|using|in|into|by|of|and) ?)\((\d{1,2})\)(?![\w^(])"
    r"|\b(?:equations?|eqs?\.?) (\d{1,2})\b(?![\^*/+=(])"
)
_TAG = re.compile(  # the number of an equation, where it stands
    r"\((\d{1,2})\)\W*$|tag(\d{1,2})\W*$|^\W*\((\d{1,2})\)|\b(?:equation|eq\.?) \(?(\d{1,2})\)?\W*(?::|$)"
    r"|^\W*(\d{1,2})[.)]"
)
_NOUN = (
    r"(equations?|inequalit(?:y|ies)|expressions?|formulas?|identit(?:y|ies)|relations?|systems?"
    r"|congruences?|cases?|roots?|solutions?|factors?|conditions?|possibilit(?:y|ies)|options?)"
)
_WHICH = (
    r"(?:this|that|these|those|both|the (?:above|first|second|third|last|latter|former|previous|preceding|two"
    r"|three|resulting|other))(?: (?:last|first|second|two|three|above|new|latter|same|quadratic|linear))?"
)
_FOUND = "(?:result|number|total|value|amount|sum|product|difference)"
_OPENING = re.compile(  # what a derivation cannot begin with: it points to what was said or found before
    r"(?:so|then|and|now|next|thus|hence|therefore|here)?,? ?(?:"
    r"it (?:simplifies|reduces|factors|becomes|yields|gives|follows from (?:this|that))\b"
    r"|(?:this|that|which) (?:gives|leaves|means|implies|yields|simplifies|reduces|factors|becomes|equals"
    r"|follows|shows|makes|(?:in )?turn|would (?:mean|give|imply|make|be)|happens|occurs|rules out"
    r"|is (?:because|equivalent|equal|true|why|the same)"
    rf"|(?:last )?(?:equation|expression|inequality|{_FOUND}))\b"
    r"|these (?:give|are|have|must|two|three|values|equations|numbers|results)\b"
    r"|both (?:of (?:these|them)|values|roots|solutions|are|have)\b"
    r"|their (?:sum|product|difference|average|ratio)\b"
    r"|(?:substituting|adding|subtracting|multiplying|dividing|combining|plugging|using|solving|simplifying) "
    r"(?:this|these|that|those|them|it)\b|in the same way\b|similarly\b|likewise\b"
    r"|the (?:last|above|latter|former|previous|resulting) \w+)"
)
_RESULT_BEFORE = re.compile(  # "the previous result", "the number we just found", "that total"
    rf".{{0,28}}\b(?:the (?:previous|above|preceding|last|resulting) {_FOUND}"
    rf"|the {_FOUND} (?:above|from (?:above|before)"
    r"|(?:we|i) (?:just )?(?:found|got|computed|calculated|obtained))"
    rf"|(?:from|of|by|to|with) (?:that|this) {_FOUND}|(?:the|that) same (?:amount|number|total|result)"
    r"|that (?:number|total|amount|result)|the other (?:amount|number|total))\b"
)
_BACK = re.compile(rf"\b(?:{_WHICH} {_NOUN}\b|{_NOUN} above\b|either case\b)")
_MATHEMATICAL = re.compile(r"[=≤≥<>≡+*/^]|\d")
_EQUATION_LIKE = re.compile(
    r"equation|inequalit|identit|relation|system|congruence|formula|root|solution|condition"
)
_FACTORED = re.compile(r"\bfactor|\)\(")
_NAMED = re.compile(r"root|solution|factor|condition|possibilit|option")  # a question may have named them
_ALTERNATIVES = re.compile(r"case|possibilit|option")
_CASE = re.compile(r"\b(?:cases?|possibilit|scenario|if|when|suppose|assume|otherwise|either)\b")
_RELATION = re.compile(r"[=≤≥<>≡]")
_CLAIM = 3  # words that the question does not have: a sentence with so many claims something
_REACH = 3  # statements before a reference in which its antecedent is looked for
"""A reference such as "this equation" points at most this far back."""


def dangling_references(
    question: Sequence[Statement], source: StatementIndex, revision: Sequence[Statement]
) -> Iterator[DerivationFault]:
    """Yield the references whose target the original has and the revision has lost."""
    yield from _series(source, revision)
    yield from _labels(question, source, revision)
    yield from _backward(question, source, revision)
    yield from _opening(question, source, revision)


def _heads(statements: Sequence[Statement]) -> Iterator[tuple[str, int, Statement]]:
    """Yield name and number of every statement that begins one of a series."""
    for statement in statements:
        head = _HEAD.match(statement.unit.body)
        if head is None:
            continue
        number = head[2] or head[4]
        yield (
            (head[1] or "").lower(),
            int(number) if number.isdigit() else _ROMAN.get(number.lower(), 0),
            statement,
        )


def _series(source: StatementIndex, revision: Sequence[Statement]) -> Iterator[DerivationFault]:
    """Yield series that begin after their beginning: the first "Step 4" without a step 3 before it."""
    heads = [*_heads(revision)]
    if all(number <= 1 for _, number, _ in heads):
        return
    first: dict[str, int] = {}
    givers: dict[tuple[str, int], Statement] = {}
    for name, number, statement in _heads(source.statements):
        first.setdefault(name, number)
        givers.setdefault((name, number), statement)
    seen: dict[str, set[int]] = {}
    for name, number, statement in heads:
        before = seen.setdefault(name, set())
        is_gap = name != "" and number - 1 not in before and (name, number - 1) in givers
        if number > 1 and number not in before and (is_gap if before else first.get(name) != number):
            what = f"{name} {number}" if name else f"item {number} of a list"
            why = f"nothing before it is {name or 'item'} {number - 1}"
            yield _fault(statement, what, why, givers.get((name, number - 1)))
        before.add(number)


def _labels(
    question: Sequence[Statement], source: StatementIndex, revision: Sequence[Statement]
) -> Iterator[DerivationFault]:
    """Yield references to the number of an equation that the original numbers and the revision does not."""

    def tags(statement: Statement) -> list[str]:
        return [next(filter(None, match)) for match in _TAG.findall(statement.unit.lower)]

    if not any(
        ("(" in lower or "eq" in lower) and _LABEL.search(lower)
        for lower in (statement.unit.lower for statement in revision)
    ):
        return
    seen = {tag for statement in question for tag in tags(statement)}
    numbered: dict[str, Statement] = {}
    for statement in source.statements:
        for tag in tags(statement):
            numbered.setdefault(tag, statement)
    for statement in revision:
        own = set(tags(statement))
        for match in _LABEL.findall(statement.unit.lower):
            label = next(filter(None, match))
            if label not in seen and label not in own and label in numbered:
                if numbered[label].key == statement.key:
                    continue
                own.add(label)
                yield _fault(
                    statement, f"({label})", f"no equation before it has the number {label}", numbered[label]
                )
        seen |= own


def _backward(
    question: Sequence[Statement], source: StatementIndex, revision: Sequence[Statement]
) -> Iterator[DerivationFault]:
    """Yield "this equation" and its like where the sentence that it points to is gone."""
    backs = [_back(statement.unit.lower) for statement in revision]
    if not any(backs):
        return
    places = aligned(source, revision)
    kept = {place for place in places if place is not None}
    equations: set[str] = set().union(*map(_relations, question))
    has_relation = any(_RELATION.search(statement.unit.plain) for statement in question)
    has_had_relation = any(_RELATION.search(statement.unit.plain) for statement in source.statements)
    asked = " ".join(statement.unit.lower for statement in question)
    for statement, place, back in zip(revision, places, backs, strict=True):
        noun = (back[1] or back[2] or "cases") if back else ""
        if (
            back
            and back.group() != "this case"
            and not (_NAMED.match(noun) and noun.rstrip("s") in asked)
            and not _has(noun, statement.unit.lower[: back.start()])
        ):
            if place is not None:
                for giver in _antecedents(source.statements, place, noun):
                    is_known = not _ALTERNATIVES.match(noun) and _relations(giver) & equations
                    if giver.index not in kept and not is_known:
                        yield _fault(statement, back.group(), "the sentence it points to is dropped", giver)
                        break
            elif (
                _EQUATION_LIKE.match(noun)
                and not _NAMED.match(noun)
                and has_had_relation
                and not has_relation
            ):
                yield _fault(statement, back.group(), "there is no equation before it", None)
        equations |= _relations(statement)
        has_relation = has_relation or _RELATION.search(statement.unit.plain) is not None


@lru_cache(maxsize=1024)  # a revision is compared with the thinking and with the summary
def _back(lower: str) -> re.Match[str] | None:
    return _BACK.search(lower)


def _relations(statement: Statement) -> set[str]:
    """Return its equations and inequalities."""
    if not _RELATION.search(statement.unit.plain):
        return set()
    pieces = (piece.strip(".,;:") for piece in statement.unit.plain.split())
    return {piece for piece in pieces if _RELATION.search(piece)} | statement.unit.equations


def _opening(
    question: Sequence[Statement], source: StatementIndex, revision: Sequence[Statement]
) -> Iterator[DerivationFault]:
    """Yield a first sentence that points to a result or a claim of a dropped one before it."""
    if not revision:
        return
    opening = revision[0]
    back = (
        _OPENING.match(opening.key)
        or _OPENING.match(opening.unit.lower)
        or _RESULT_BEFORE.match(opening.unit.lower)
    )
    asked = " ".join(statement.unit.lower for statement in question)
    if back is None or ("the other" in back.group() and "the other" in asked):
        return
    place = next((s.index for s in source.statements if opening.key in s.key), None)
    if place is None:  # in the teacher's words
        has_relation = any(_RELATION.search(statement.unit.plain) for statement in question)
        if not has_relation and source.statements and not _OPENING.match(source.statements[0].unit.lower):
            yield _fault(opening, f"“{back.group().strip()}”", "nothing is before it", None)
        return
    values = frozenset().union(*(statement.unit.marks for statement in question))
    words = frozenset().union(*(statement.unit.vocabulary for statement in question))
    is_inside = source.statements[place].key.find(opening.key) > 0
    for giver in reversed(source.statements[max(0, place - _REACH) : place + is_inside]):
        unit = giver.unit
        if unit.marks - values or len(unit.vocabulary - words) >= _CLAIM:
            yield _fault(opening, f"“{back.group().strip()}”", "the sentence it points to is dropped", giver)
            return


def _antecedents(statements: Sequence[Statement], place: int, noun: str) -> list[Statement]:
    """Return the statements that a reference at `place` points to: the nearest that have what it names."""
    near = statements[max(0, place - _REACH) : place]
    return [s for s in reversed(near) if _has(noun, s.unit.lower)][: 2 if noun.endswith("s") else 1]


def _has(noun: str, spelled: str) -> bool:
    if _ALTERNATIVES.match(noun):
        return _CASE.search(spelled) is not None
    if noun.startswith("factor"):
        return _FACTORED.search(spelled) is not None
    return (_RELATION if _EQUATION_LIKE.match(noun) else _MATHEMATICAL).search(spelled) is not None


def _fault(user: Statement, subject: str, why: str, giver: Statement | None) -> DerivationFault:
    gone = f": {quoted(giver.unit.body)}" if giver else ""
    return DerivationFault(
        "dangling_reference",
        user.unit.start,
        user.unit.end,
        f"{quoted(user.unit.body)} refers to {subject}, but {why}{gone}",
        subject,
        (giver.unit.start, giver.unit.end) if giver else None,
    )
