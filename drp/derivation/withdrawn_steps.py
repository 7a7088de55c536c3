"""Withdrawn steps: sentences that a revision keeps although the student takes them back."""

import re
from collections.abc import Iterator, Mapping, Sequence

from drp.derivation.faults import DerivationFault, quoted
from drp.derivation.number_roles import value
from drp.derivation.original_trace import StatementIndex, repeated
from drp.derivation.statements import Statement

_LEAD = (
    r"(?:(?:but|so|oh|ah|hmm?|um|and|okay|well|wait|hold on|hang on|a (?:second|minute|moment))\b"
    r"[,. …—!-]{0,4}){0,5}"
)
_TAKES_BACK = re.compile(  # at the beginning of a sentence: what is before it is wrong
    _LEAD + r"(?:(?:oops|nope|scratch that|correction|sorry|not quite)\b"
    r"|no[,.—–]|no (?:that|it|this|wait|i|we)\b"
    r"|actually,? (?:no|that|it|i|the|we)\b"
    r"|(?:that|this|it)(?:'s| is| was| seems| must be|'s definitely)? "
    r"(?:not (?:right|correct|true|possible|valid|what)|wrong|incorrect|impossible|a mistake|an error"
    r"|a contradiction|(?:can't|cannot|can not|couldn't) be"
    r"|(?:doesn't|does not|didn't) (?:make sense|work|match|seem right|hold|fit|add))"
    r"|(?:i|we) (?:think i |think we |must have |might have |may have |have |just |clearly )?"
    r"(?:made (?:a|an|some) (?!sure)|misread|miscalculated|misunderstood|miscounted|messed|forgot|confused"
    r"|was wrong)"
    r"|my (?:mistake|error|bad)|let me (?:correct|fix|redo|re-?do|start over)"
    r"|there(?:'s| is) (?:a|an) (?:mistake|error))"
)
_HESITATES = re.compile(
    r"(?:(?:but|so|oh|ah|hmm?|um|and|okay|well)\b[,. …—-]{0,4}){0,3}(?:wait|hold on|hang on|actually)\b"
)
_DOUBTS = re.compile(  # may also begin what is only a remark
    r"(?:hm+|oh|ugh|no|not really|on second thoughts?|start (?:again|over)"
    r"|let me (?:re\w+|look|check|see|go back))\b"
)
_CORRECTS = re.compile(  # after a hesitation, anywhere in the sentence
    r"\b(?:wrong|incorrect|is invalid|mistakes?|errors?|slip(?:ped)?|mixed up|messed up|confused|nonsense"
    r"|no sense|mis(?:read|took|add|calculat|count|understood|multipl|interpret|plac|appl|remember)\w*"
    r"|nowhere|too (?:quick|hasty|fast|simple)|start (?:again|over)|not really|looks off|by accident"
    r"|nothing to do with|belongs elsewhere|has to go|leaves? out|skipped|overlooked|ignores"
    r"|should(?:n't| not| have (?:been|done|taken|\w+ed\b))|not what|not how"
    r"|(?:that|this|it)(?:'s| is| was)? (?:not (?:right|correct|true|the case)|can't be|cannot be)"
    r"|(?:don't|do not|doesn't|does not) (?:get|make sense|work|fit|match|belong|follow))\b"
)
_SOUND = re.compile(  # "no mistake", "let me make sure that nothing is wrong"
    r"\b(?:no|not|nothing|never|without|any|if|whether|where|sure|might|may|maybe|perhaps|could|easy|avoid)\b"
    r"[^.;:?!,]{0,30}\b(?:wrong|incorrect|mistakes?|errors?|mis[a-z]+|slip|overlooked|skipped|messed|mixed|confused)"
    r"|\balmost\b"
)
_COMPUTED_OR_NAMED = re.compile(r"[a-zA-Zα-ω]|\d[-+*/^]")
_POSES = re.compile(r"\b(?:if|whether|suppose)\b|\?$")  # asks for what a calculation gives
_CALCULATION = re.compile(r"[\d.()+*/^x-]*\d[-+*/^x)(]+\d[\d.()+*/^-]*")
_RESULT = re.compile(r"-?\d+(?:\.\d+)?(?:/\d+)?")
_NUMBER = re.compile(r"\d+(?:\.\d+)?")
_WORDS = re.compile(r"[a-z]{3}.*\b[a-z]{3}")
_BETWEEN = re.compile(r"[\s,;]")
_REACH = 3  # sentences before a withdrawal that it may take back
_SHORT = 32  # characters of a sentence that can only react to what is before it
_REDONE = 5  # sentences after a calculation in which it may be done again
_CORRECTION = 12  # sentences after it in which the same left side may get another value


def withdrawn_steps(
    source: StatementIndex, summary: StatementIndex | None, revision: Sequence[Statement]
) -> Iterator[DerivationFault]:
    """Yield the kept sentences whose content the student never comes back to after taking it back."""
    places = repeated(source, revision)
    kept = {place for place in places if place is not None}
    if not kept:
        return
    last = _last_uses(source.statements)
    affirmed = _marks(summary.statements) if summary else frozenset()
    withdrawn: dict[int, Statement] = {}
    for turn in source.statements[1:]:
        if turn.index in kept or kept.isdisjoint(range(turn.index - _REACH, turn.index)):
            continue
        following = source.statements[turn.index + 1 : turn.index + 3]
        is_clear = _TAKES_BACK.match(turn.unit.lower) is not None
        if not is_clear and _HESITATES.match(turn.unit.lower):
            # "Wait." alone: a later sentence has to say so, or to give another value
            is_clear = (
                _corrects(turn)
                or any(_TAKES_BACK.match(s.unit.lower) for s in following)
                or (_is_short(turn) and any(map(_corrects, following[:1])))
            )
        elif not is_clear:
            is_clear = _DOUBTS.match(turn.unit.lower) is not None and (
                _corrects(turn) or (_asks(turn) and any(map(_corrects, following[:1])))
            )
            if not is_clear:
                continue
        for before in reversed(source.statements[max(0, turn.index - _REACH) : turn.index]):
            if before.unit.paragraph < turn.unit.paragraph - 1 or _TAKES_BACK.match(before.unit.lower):
                break
            verdict = _is_withdrawn(source, before, turn.index, last, affirmed, is_clear)
            if verdict is False or (verdict is None and before.index < turn.index - 1):
                break
            if verdict:
                withdrawn[before.index] = turn
    for index in kept - withdrawn.keys():
        if again := _redone(source.statements, index, last, affirmed):
            withdrawn[index] = again
    for statement, place in zip(revision, places, strict=True):
        taken_back = withdrawn.get(place) if place is not None else None
        if taken_back is not None:
            yield DerivationFault(
                "withdrawn_step",
                statement.unit.start,
                statement.unit.end,
                f"{quoted(statement.unit.body)} is kept, but the student takes it back: "
                f"{quoted(taken_back.unit.body)}",
                statement.unit.body,
                (taken_back.unit.start, taken_back.unit.end),
            )


def _is_withdrawn(
    source: StatementIndex,
    before: Statement,
    turn: int,
    last: Mapping[str, int],
    affirmed: frozenset[str],
    is_clear: bool,
) -> bool | None:
    """Whether what a statement claims never comes back after the turn; None if it claims nothing new."""
    claim = _claim(before.unit.plain)
    if claim is None:
        news = source.news(before.index)
        if not news:
            return None
        return is_clear and not any(last[mark] > turn or mark in affirmed for mark in news)
    name, result = claim
    equation = f"{name}={result}"
    if last.get(equation, -1) > turn or equation in affirmed:
        return False
    if is_clear and before.index == turn - 1:
        return True
    is_corrected = _COMPUTED_OR_NAMED.search(name) is not None and any(
        turn <= index <= turn + _CORRECTION and other != result and value(other) is not None
        for index, other in source.gives(name)
    )
    if last.get(result, -1) <= turn and result not in affirmed:
        return is_clear or is_corrected
    return is_corrected and is_clear


def _is_short(statement: Statement) -> bool:
    return len(statement.unit.body) <= _SHORT


def _asks(statement: Statement) -> bool:
    return _is_short(statement) and statement.unit.lower.endswith(("?", "...", "…"))


def _corrects(statement: Statement) -> bool:
    lower = statement.unit.lower
    return not lower.endswith("?") and _CORRECTS.search(lower) is not None and _SOUND.search(lower) is None


def _redone(
    statements: Sequence[Statement], index: int, last: Mapping[str, int], affirmed: frozenset[str]
) -> Statement | None:
    """Return the statement soon after that does the same again with another result; None if there is none.

    It calculates the same, or it calculates otherwise with a number in common and says the same words.
    """
    statement = statements[index]
    if "=" not in statement.unit.plain or _POSES.search(statement.unit.lower):
        return None
    claim = _claim(statement.unit.plain)
    if claim is None or _CALCULATION.fullmatch(claim[0]) is None or _RESULT.fullmatch(claim[1]) is None:
        return None
    name, result = claim
    if name.count("(") != name.count(")"):
        return None  # the end of a longer expression
    if last.get(result, -1) > index or last.get(f"{name}={result}", -1) > index or result in affirmed:
        return None
    words = None
    for later in statements[index + 1 : index + 1 + _REDONE]:
        again = _claim(later.unit.plain) if "=" in later.unit.plain else None
        if again is None or _RESULT.fullmatch(again[1]) is None or value(again[1]) == value(result):
            continue
        if again[0] == name:
            return later
        if set(_NUMBER.findall(name)).isdisjoint(_NUMBER.findall(again[0])):
            continue
        words = words or _words(statement, name, result)
        if _WORDS.search(words) and words in _words(later, *again):
            return later
    return None


def _words(statement: Statement, name: str, result: str) -> str:
    """Return the wording of a statement with marks in place of its calculation and of its result."""
    rest = statement.key.replace(f"{name}={result}".lower(), "~")
    return re.sub(rf"(?<![\d.]){re.escape(result)}(?!\d|\.\d)", "~", rest)


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
