"""Find the unit that ends the derivation of the student's answer.

The first number that equals the answer is often a coincidence. The end must assert the answer as a result,
the student must conclude it or look back on it, and at least half of the results in the student's summary
must come before it.
"""

import re
from bisect import bisect_right
from collections.abc import Sequence
from fractions import Fraction
from functools import lru_cache

from drp.core import StudentTrace
from drp.teacher.heuristic.signals import ALTERNATIVE, CONCLUSION, SUPPOSED, checks, opening
from drp.traces import VALUE, Unit, equations, plain, words

_NEAR = 5  # units after a result in which the student may say what it means
_CLOSING = 120  # most characters of a sentence that only states the answer
_COVERED = 0.5  # share of the summary's results that must appear before the end
_NAMED = {
    "1": "one",
    "2": "two",
    "3": "three",
    "4": "four",
    "5": "five",
    "6": "six",
    "7": "seven",
    "8": "eight",
    "9": "nine",
    "10": "ten",
}
_UNIT_AFTER = re.compile(
    r"(?<=\d)\s?(?:°|%|degrees|[a-z. ]{3,40})$"
)  # "12 apples", "30°": the number is the answer
_VARIABLE_BEFORE = re.compile(r"^[a-zA-Z](?:\([a-z]\))?=")  # "x=5": the value is the answer
_IN_BRACKETS = re.compile(r"^\(([A-Z]|[^(),]{2,60})\)$")  # "(B)"
_ASSERTS = re.compile(  # text before a result
    r"(?:=|≡|≈|:|→|⇒|\b(?:is|are|be|was|get|gets|got|gives?(?: us| me)?|giving|equals?|equal "
    r"to|have|has|yields?|makes?|obtain|becomes|to|with|total of|as|then|so|means|leaves"
    r"|answer|there are|there's|that's|it's|exactly|just|only|option|choice|simplified|spends|costs"
    r"|needs|takes|of))"
    r"\s?(?:also |just |exactly |indeed |simply |about |the |a |an |only |still |option |choice |equal "
    r"to |actually )?[(\"'“]?\Z"
)
_RESULT = re.compile(
    r"=\s?\(?-?(\d+(?:\.\d+)?(?:/\d+)?)(?![\w(^*/])"
)  # a number that a summary states as a result
_ASKED = re.compile(
    r"(?:find|what is|what's|how many|how much|determine|compute|calculate|evaluate)\b([^.?!]{0,200})", re.I
)
_REFLECTS = re.compile(  # the student looks back on the result
    r"(?:but )?(?:wait|hold on)|hm+\b|let me (?:just )?(?:check|verify|double|confirm|make sure|see if)"
    r"|that (?:seems|makes|looks|matches)|is (?:that|this|there)|yes\b|yep|final answer|alternatively|just to"
    r"|to (?:make sure|be|double|verify)|but (?:let|just|is|hold)|i think (?:that's|that is|i)"
)
_TURNS = re.compile(
    r"(?:but )?(?:wait|hold on|hm+|alternatively|let me|just to|no\b|yes\b|yep|okay|that "
    r"(?:seems|makes|matches))"
)  # ends the derivation
_STATEMENT = re.compile(
    r"(?:so|therefore|thus|hence|comparing|which means|this means|that means|in conclusion|finally|the "
    r"answer|\\\[|the )"
)
_WHOLE = re.compile(
    r"\b(?:expression|result|value|sum|total|solution|whole|entire|everything|simplif\w{1,5}|evaluates?)\b"
)
_STATED = re.compile(
    r"(?:=|\bis|\bare) ?(\d+(?:\.\d+)?(?:/\d+)?)\b[^=\d]{0,40}\Z"
)  # the value that a sentence ends with
_DRAWN = re.compile(r"(?:so|therefore|thus|hence|the answer|then the total|in total)\b")
_LEANS = re.compile(  # refers to more than the derivation
    r"\b(?:both|either|methods?|ways?|approach\w{0,2}|again|check\w{0,3}|confiden\w{1,2})\b"
)
_ANSWER_WORD = re.compile(r"\banswer\b|\bfinal\b")


class Answer:
    """The student's answer, in the spellings that may occur in the trace."""

    def __init__(self, trace: StudentTrace) -> None:
        forms = _forms(trace.answer)
        asked_for = " ".join(_ASKED.findall(trace.question)).lower()
        self.target = frozenset(sorted(words(plain(asked_for)))[:14])
        question = plain(trace.question)
        given = set(VALUE.findall(question))
        summary = plain(trace.response)
        self.results = frozenset(_RESULT.findall(summary)) - given
        self.stated = self.results | (equations(summary) - equations(question))
        self._numbers = [form for form in forms if form[0].isdigit()]
        self.numbers = frozenset(form.lstrip("-") for form in forms)
        is_short = any(len(form.lstrip("-")) == 1 for form in forms)
        self.is_common = is_short or bool(given & set(self._numbers))
        self._asserting: dict[str, bool] = {}  # of the sentences that have the answer
        alternatives = "|".join(re.escape(form) for form in forms)
        lower = {form.lower().replace("’", "'") for form in forms}  # as `Unit.lower` spells them
        # Where a form stands, those that are part of it stand too: the shortest are enough to look for.
        self._forms = [form for form in lower if not any(part in form for part in lower - {form})]
        self._pattern = (
            re.compile(
                rf"(?<![\w.^/*)+√-])(?:{alternatives})(?![\w^/*(√π!]|\.\d|,\d|=|[-+≤<]\(?[\w√]| is\b| "
                f"are\b| times\b| choose\b)",
                re.I if forms[0].isalpha() else 0,
            )
            if forms
            else None
        )

    def asserted_by(self, unit: Unit) -> bool:
        """Whether the unit states the answer as a result, not as an operand or a guess."""
        if self._pattern is None or not any(map(unit.lower.__contains__, self._forms)):
            return False
        spelled = unit.plain
        if spelled not in self._asserting:
            self._asserting[spelled] = any(
                _ASSERTS.search(spelled, max(0, m.start() - 40), m.start())
                for m in self._pattern.finditer(spelled)
            )
        return self._asserting[spelled]

    def is_contradicted_by(self, unit: Unit) -> bool:
        """Whether the unit concludes a different number for the question."""
        if len(unit.vocabulary & self.target) < max(2, min(3, len(self.target))) or unit.body.endswith("?"):
            return False
        stated = _STATED.search(unit.plain)
        if not stated or not _DRAWN.match(unit.lower) or self.asserted_by(unit):
            return False
        values = {fraction_of(form) for form in self._numbers if VALUE.fullmatch(form)}
        return bool(values) and fraction_of(stated[1]) not in values

    def taken_further_by(self, equations: frozenset[str]) -> bool:
        """Whether an equation computes the answer from a number that happens to equal it: 40 - 20 = 20."""
        return any(
            right == form
            and left != form
            and form in left
            and re.search(rf"(?<![\d.]){re.escape(form)}(?![\d.])", left)
            for left, _, right in (pair.partition("=") for pair in equations)
            for form in self._numbers
            if len(form) > 1
        )


@lru_cache(maxsize=16)  # used again when the revision of the trace is checked
def answer_of(trace: StudentTrace) -> Answer:
    """Return the answer of a trace."""
    return Answer(trace)


def _forms(answer: str) -> list[str]:
    """Return the spellings of an answer, longest first."""
    spelling = plain(answer).strip(" .")
    forms = {spelling, spelling.replace(" ", "")}
    for rule in (_UNIT_AFTER, _VARIABLE_BEFORE):
        forms |= {rule.sub("", form) for form in forms}
    forms |= {m[1] for form in forms if (m := _IN_BRACKETS.match(form))}
    forms |= {form.replace("*", "") for form in forms} | {_NAMED[form] for form in forms if form in _NAMED}
    forms |= {f"-({form[1:]})" for form in forms if form.startswith("-") and "/" in form}
    return sorted((form for form in forms if form.strip()), key=lambda form: (-len(form), form))


@lru_cache(maxsize=8192)  # the reading of a fraction is slow, and most numbers of a trace come again
def fraction_of(value: str) -> Fraction | None:
    """Return the value of a number or plain fraction; None if it is divided by zero."""
    numerator, _, denominator = value.partition("/")
    divisor = Fraction(denominator or 1)
    return Fraction(numerator) / divisor if divisor else None


def _names_answer(unit: Unit) -> bool:
    """Whether the unit says "answer" or "final", or has a box."""
    return _ANSWER_WORD.search(unit.lower) is not None or "\\boxed" in unit.text


def concludes(unit: Unit, answer: Answer) -> bool:
    """Whether the unit says that this is the answer, or concludes in the words of the question."""
    shared = len(unit.vocabulary & answer.target)
    is_drawn = CONCLUSION.search(unit.lower) is not None
    return _names_answer(unit) or (is_drawn and shared >= min(2, len(answer.target)) > 0)


def refers_to_more(unit: Unit) -> bool:
    """Whether a unit refers to more than the derivation: "both ways give 12"."""
    return _LEANS.search(unit.lower) is not None


def _closing(units: Sequence[Unit], index: int, answer: Answer) -> int | None:
    """Return the unit that concludes the answer asserted at `index`; None if it is only mentioned there."""
    if SUPPOSED.search(units[index].lower[:70]) and not _names_answer(units[index]):
        return None
    end = _stated_at(units, index, answer)
    unit = units[end]
    if concludes(unit, answer):
        return end
    after = [following.lower for following in units[end + 1 : end + 3]]
    if after and not after[0].endswith("?"):  # "So is it 12?" asks about the result: look one unit further
        del after[1:]
    is_checked = any(map(checks, after))
    is_looked_back_on = (
        not after or is_checked or any(_REFLECTS.match(lower) or ALTERNATIVE.match(lower) for lower in after)
    )
    if answer.is_common:  # may be a coincidence: the sentence must also refer to the question
        refers_to_question = unit.vocabulary & answer.target or _WHOLE.search(unit.lower)
        is_result = refers_to_question or (is_checked and "=" in unit.plain)
        return end if is_looked_back_on and CONCLUSION.search(unit.lower) and is_result else None
    return end if is_looked_back_on else None


def _stated_at(units: Sequence[Unit], index: int, answer: Answer) -> int:
    """Return the last unit shortly after `index` that says what the result means, or `index` itself."""
    best = index
    for unit in units[index + 1 : index + 1 + _NEAR]:
        if checks(unit.lower) or _TURNS.match(unit.lower) or unit.body.endswith("?"):
            break
        if (_STATEMENT.match(unit.lower) or _names_answer(unit)) and answer.asserted_by(unit):
            best = unit.index
    return best


def _is_checked(units: Sequence[Unit], index: int, answer: Answer) -> bool:
    """Whether the answer computed at `index` is checked at once, or derived at once in another way.

    Then further results in the summary belong to that second derivation.
    """
    if not answer.is_common and not any("=" in unit.plain for unit in units[max(0, index - 1) : index + 1]):
        return False
    reach = 2 if answer.is_common else 4
    return any(
        checks(unit.lower) or ALTERNATIVE.match(unit.lower, opening(unit.lower))
        for unit in units[index + 1 : index + reach]
    )


def find_end(units: Sequence[Unit], answer: Answer) -> int | None:
    """Return the index of the unit that concludes the answer, or None if no unit does."""
    candidates = [
        unit.index
        for unit in units
        if not unit.body.endswith("?")
        and answer.asserted_by(unit)
        and (not checks(unit.lower) or _names_answer(unit))
    ]
    ends = [end for index in candidates if (end := _closing(units, index, answer)) is not None]
    if not ends:
        return candidates[-1] if candidates and candidates[-1] * 4 >= 3 * len(units) else None
    end = _covering(units, ends, answer)
    later = units[end + 1 : ends[-1] + 1]
    if not later:
        return end
    further = [unit for unit in later if answer.taken_further_by(unit.equations)]
    if further:
        known = frozenset().union(*(unit.equations for unit in units[: end + 1]))
        further = [unit for unit in further if answer.taken_further_by(unit.equations - known)]
    return next(index for index in ends if index >= further[-1].index) if further else end


def _covering(units: Sequence[Unit], ends: Sequence[int], answer: Answer) -> int:
    """Return the first end that is checked at once or has enough results of the summary before it."""
    if ends[0] == ends[-1]:
        return ends[-1]
    first_use: dict[str, int] = {}
    for unit in units[: ends[-1] + 1]:
        for value in unit.values & answer.results:
            first_use.setdefault(value, unit.index)
    places = sorted(first_use.values())
    return next(
        (
            end
            for end in ends
            if _is_checked(units, end, answer) or bisect_right(places, end) >= _COVERED * len(places)
        ),
        ends[-1],
    )


def find_closing(units: Sequence[Unit], end: int, answer: Answer) -> int | None:
    """Return the index of the last unit after `end` that states the answer; None if `end` states it already.

    Without this unit a trace would end with an ordinary computation, and from such traces a student learns to
    stop too early.
    """
    if concludes(units[end], answer):
        return None
    return next(
        (
            unit.index
            for unit in reversed(units[end + 1 :])
            if _names_answer(unit)
            and len(unit.body) <= _CLOSING
            and not refers_to_more(unit)
            and answer.asserted_by(unit)
        ),
        None,
    )
