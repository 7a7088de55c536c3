"""Say what the form of a step does where its words show no skill: asks, plans, concludes, lists."""

import re
from collections.abc import Set

from drp.teacher.heuristic.label_conditions import (
    CONDITIONS,
    INTERJECTIONS,
    RESULT,
    UNKNOWN,
    StepText,
    reads_figure,
)
from drp.teacher.heuristic.label_formulas import (
    ASSIGNMENT,
    CASE_LINES,
    CONCLUDES,
    LETTER_TERM,
    PROSE,
    SOME_EQUATIONS,
    has_binomials,
    operation,
)
from drp.teacher.heuristic.label_moves import (
    Talk,
    most,
)
from drp.traces import Skill, skills

LONG_QUESTION = 30  # words; of such a one a text has many by chance
_RESTATED_LONG = 0.8
_RESTATED = 0.5  # share of words from the question
_FEWEST_MEMBERS = 4
_MEMBERS = re.compile(r"(?:\A|\n)\s*(?:[-*•|]|\(?\d{1,3}[.):])[^\n=]*")
_LISTED = re.compile(r"(?:\n\s*(?:[-*•|]|\d{1,2}[.)]|\([^)]+, ).*){3}|(?:[\d)}]+, ){4}|(?:\), ?\(.{1,12}){2}")
AGREES = re.compile(
    r"same (?:answer|result|thing)|matches|(?:all|both) (?:of (?:them|these) )?(?:lead|agree)"
    r"|consistent with|both (?:ways|methods|approaches)|another way"
    r"|\bsolid|makes sense|reasonable|checks out"
)
SEEKS = re.compile(
    rf"{INTERJECTIONS}(?:compute|find|sum|calculate|determine|subtract|add|divide|multiply|count|take"
    rf"|let's|let me"
    rf"|(?:we|i) (?:also )?(?:need|want))\b|.*how (?:many|much)\b"
)
_OPERATED = re.compile(rf"{LETTER_TERM.pattern}|\\frac|\d ?[+*/×·^] ?\d|\)\^|[²³√]")
_REMEMBERS = re.compile(
    rf"{INTERJECTIONS}(?:(?:i|we|let me|let's|should|need to|can) )*(?:recall"
    rf"|remember)\b"
)
DOUBTFUL = re.compile(
    r"\b(?:maybe|perhaps|possibly|might be|could be|may be|could it|what if|unless)\b|is there\b"
)
_INFERS = re.compile(
    r"\b(?:because|since|therefore|thus|hence|so|must|means?|implies|can't|cannot|only|if|then"
    r"|which is why|due to"
    r"|regardless|follows|always|either|unless|would)\b|⇒|→|\\implies"
)
_OBJECTS = re.compile(r"(?:hm+,? ?)?(?:wait,? (?:but|no)|but wait|no,? wait|but (?:earlier|hold on))\b")
_POWER_OF_NUMBER = re.compile(r"\d\)?(?:\^\{?\d+\}?|[²³]) ?[≈=] ?-?\d")
_WRITES = re.compile(r"writ|express|split|becomes|turn|as follows")
_DISPLAYED = re.compile(rf"(?:\\\[|:)\s*\n*\s*[^=\n]{{0,30}}{UNKNOWN}[^=\n]{{0,12}}[-+*/^][^=]{{0,80}}\Z")
_DISAGREES = re.compile(
    r"which (?:one )?is correct\?|went wrong|flawed|incorrect|mistake"
    r"|different from what"
)
SHORT = 120  # characters
_ASKED_VALUE = re.compile(r"= ?\?\Z")
_OTHER_WAY = re.compile(
    r"alternativ|(?:better|easier|simpler|smarter) (?:way|approach|method|to)\b|(?:another|different"
    r"|other) (?:way|approach|method|idea)"
)
_SATISFIED_WORDS = (
    *("thorough", "certain", "confident", "done", "sense", "straightforward", "seem", "solid", "that's"),
    *("cover", "got ", "n't ", "again"),
)
"""Each match of _SATISFIED has one of these; a search for them is cheaper."""
_SATISFIED = re.compile(
    r"thorough|certain|confident|\bdone\b|makes? sense|(?<!not )(?<!not be )straightforward"
    r"|seems? (?:right|good|fine"
    r"|plausible)|\bsolid|that's (?:it|all)\b"
    r"|cover(?:s|ed) (?:all|everything)|got (?:it|this)\b|n't (?:think|see|find) [^.]*(?:error|mistake"
    r"|issue|miss)|(?:comput|calculat"
    r"|count)\w* [^.]{0,30}again"
)
_NUMBER = re.compile(r"\d+")
_MANY_NUMBERS = 4
_PROPOSES = re.compile(
    rf"{INTERJECTIONS}(?:let me|let's|let us|i'll|we'll|i should|i can|we can|we could|i could)\b"
)
_AIMS = re.compile(
    rf"{INTERJECTIONS}(?:i|we)(?:'d| would| now| also| just| still| only)* (?:need|have"
    rf"|want) to\b"
)
_SUPPOSED = re.compile(rf"{INTERJECTIONS}(?:let|take|consider|when|with|where|here)\b[^=]*{UNKNOWN}_?\d? ?=")
_RESULT_LAST = re.compile(
    r"(?:\b(?:is|are|equals?|be|gives?|get)|that's|=|:|→) (?:\S+ )?[-$\\(]*\d\S*(?: \w+)?\W*\Z|=[^=]*\d\W*\Z"
)
WORDS = re.compile(r"[a-z]{2,}")
FEW_WORDS = 4
_WORDS_OF_FORMULA = 4  # for each equation


def is_list(lower: str) -> bool:
    """Whether most of a text are the members of a list."""
    members = _MEMBERS.findall(lower) if lower.count("\n") >= _FEWEST_MEMBERS else ()
    return len(members) >= _FEWEST_MEMBERS and 2 * sum(map(len, members)) > len(lower)


def restates(text: StepText, asked: Set[str]) -> bool:
    """Whether most words are the question's."""
    used = text.words
    if len(used) < FEW_WORDS or text.equals >= SOME_EQUATIONS:
        return False
    least = _RESTATED if len(asked) < LONG_QUESTION else _RESTATED_LONG
    return len(used & asked) >= least * len(used)


def is_formula(lower: str, equals: int) -> bool:
    """Whether a text is made of equations with operations."""
    return 0 < len(WORDS.findall(lower)) <= _WORDS_OF_FORMULA * equals and _OPERATED.search(lower) is not None


def shown_by_form(text: StepText, talk: Talk | None, asked: Set[str]) -> Skill:
    """Return what the form of a text says that it does."""
    lower = text.lower
    if text.computes and (done := operation(text)):
        return done
    if text.equals and has_binomials(lower):
        return skills.BINOMIALS
    if restates(text, asked) and not CONCLUDES.match(lower):
        return skills.READING
    if _POWER_OF_NUMBER.search(lower):
        return skills.POWERS
    if _OTHER_WAY.search(lower):
        return skills.OTHER_METHOD
    if reads_figure(lower):
        return skills.FIGURE
    if _DISAGREES.search(lower):
        return skills.RECONSIDERING
    if len(lower) < SHORT and CONDITIONS[skills.RECONSIDERING].met(lower):
        return skills.RECONSIDERING
    if DOUBTFUL.search(lower) and most(text, DOUBTFUL):
        return skills.POSSIBILITY
    if lower.endswith("?") and 2 * len(text.sentences[-1]) > len(lower) and not _ASKED_VALUE.search(lower):
        return skills.QUESTION
    if "like terms" in lower:
        return skills.SIMPLIFYING
    if 3 * sum(match.end() - match.start() for match in _LISTED.finditer(lower)) > len(lower):
        return skills.LISTING
    if text.computes and LETTER_TERM.search(lower) and is_formula(lower, 2 * text.equals):
        return skills.ALGEBRA
    if _AIMS.match(lower) or (not text.equals and len(lower) < SHORT and SEEKS.match(lower)):
        return skills.SUBGOAL
    if talk and talk.plans:
        return skills.SUBGOAL if SEEKS.match(lower) else skills.METHOD
    if not text.equals and _DISPLAYED.search(lower):
        return skills.REWRITING if _WRITES.search(lower) else skills.ALGEBRA
    if is_formula(lower, text.equals):
        return skills.ALGEBRA if LETTER_TERM.search(lower) else skills.ARITHMETIC
    if CONCLUDES.match(lower):
        return skills.CONCLUDING
    if any(map(lower.__contains__, _SATISFIED_WORDS)) and most(text, _SATISFIED):
        return skills.CHECKING
    if (
        text.equals >= SOME_EQUATIONS
        and lower.count(" ") < PROSE * text.equals
        and "=" not in ASSIGNMENT.sub("", lower)
    ):
        return skills.VALUE
    if AGREES.search(lower):
        return skills.CHECKING
    if _REMEMBERS.match(lower):
        return skills.FACT
    if _INFERS.search(lower):
        return skills.INFERENCE
    if SEEKS.match(lower):
        return skills.SUBGOAL
    if _PROPOSES.match(lower):
        return skills.METHOD
    if _OBJECTS.match(lower):
        return skills.RECONSIDERING
    if CASE_LINES.search(lower):
        return skills.CASES
    if _SUPPOSED.match(lower):
        return skills.VALUE
    if text.equals and LETTER_TERM.search(lower):
        return skills.ALGEBRA if is_formula(lower, 2 * text.equals) else skills.RELATION
    if _RESULT_LAST.search(lower):
        return skills.RESULT
    if len(_NUMBER.findall(lower)) >= _MANY_NUMBERS and RESULT.search(lower):
        return skills.ARITHMETIC
    return skills.RELATION if text.equals else skills.SITUATION
