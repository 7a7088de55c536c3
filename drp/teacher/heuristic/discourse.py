"""Tell from its opening words what a sentence does, and whether something new begins with it.

What a sentence does (checks, plans, names a quantity) outranks what it mentions. Text is raw, in lower case.
"""

import re
from collections.abc import Mapping

from drp.teacher.heuristic.openers import FUNCTIONS, Function, opened_function
from drp.teacher.heuristic.signals import ALTERNATIVE, GOING_BACK, checks, confirms, opening, takes_back
from drp.traces import Skill, skills

_BEGINNING = 8  # first units of a trace, where nothing is derived yet
_STARTS = 4  # first units of a trace, where a goal is the question's

_TURN = re.compile(
    r"[*#_ ]*(?:(?:okay|ok|so|alright|and|but|hm+|oh|well|yes|yeah)\b[,. ]{1,3}){0,3}(?:(?P<sharp>"
    r"(?:wait|hold on|now|next|finally|lastly|moving on|alternatively|another|actually|going back"
    r"|on the other hand|in conclusion|case|part \d|(?:just )?to (?:recap|summarize|verify|confirm|check"
    r"|double"
    r"|be sure|make sure)"
    r"|(?:let(?:'s| me)|i(?:'ll| should| can| need to| want to)?) (?:just |also |quickly )*"
    r"(?:re-?|double[- ]?|cross-?)?"
    r"(?:check|verify|confirm|recap|test|try|make sure|be sure)"
    r"|(?:therefore,? )?(?:the )?(?:final )?answer)\b|\d{1,2}[.)] \*\*)"
    r"|(?P<ordinal>(?:(?:for the )?(?:first|second|third)(?:ly)?|step \d)\b)"
    r"|(?P<mild>(?:then|similarly|also|after that|let)\b))"
    r"|(?P<also_mild>(?:okay|ok|alright|but|hm+)\b)|\s{0,12}(?P<item>[-*•]|\(?\d{1,2}[.)]|\(?[a-z][.)])\s"
)
_BEFORE = (  # interjections before a lead-in
    r"(?:(?:okay|ok|alright|so|now|then|wait|hm+|well|but|and|first|next|oh|therefore|thus|"
    r"actually|hold on|a second|a minute|again)\b[,.! ]{0,3}){0,5}"
)
_WORK = (
    r"(?:compute|calculate|find|use|write|set|simplify|solve|check|verify|factor|rationalize|substitute|plug|expand"
    r"|apply|convert|express|list|add|multiply|divide|subtract|do|make sure|double[- ]?check|work|test|try"
    r"|evaluate|combine|distribute|isolate|rearrange|rewrite|prime|confirm|compare|determine|figure)"
)
_LEADS = re.compile(  # says only that the next sentence does something
    rf"{_BEFORE}(?:(?:let me|let's|let us)(?: just| now| also| first)? "
    r"(?!say|assume|suppose|denote|call|define|be\b|take)"
    r"|(?:i|we)(?:'ll| will| need to| have to| can| should| could| want to| must)"
    rf"(?: just| now| also| first)? {_WORK}\b"
    r")"
    r"[^:?!=]{0,60}[.!… ]*\Z"
)
_INTRODUCES = re.compile(rf"{_BEFORE}(?:similarly|for example|for instance)?[.,:!… ]*\Z")
_ATTACHES = re.compile(
    r"[-=+*/<>≤≥≈≡^)\]](?!\*| )|= |\\(?:implies|right|quad|end|times|cdot|le|ge|approx)"
    r"|(?:which|and|or|where|because)\b|right\?|correct\?"
)
_BARE = re.compile(r"(?:(?:so|then|thus|hence|therefore|and)[, ]+)?[-$\\(\[ ]*\d[\d.,/ ]*%?[)\]$\\. ]*\Z")
_SHAPE = re.compile(
    r"(?P<row>\|)|(?P<item>[-*•]|\(?\d{1,2}[.)]|\(?[a-z][.)]|\(?i{1,3}\))\s"
    r"|(?P<label>(?!(?:so|then|thus|hence|therefore|and|but|now|wait|okay|yes|no)\b)"
    r"(?:[\w'’()-]+ ){0,4}[\w'’()-]+ ?[:=])"
    r"|(?P<formula>[\d$\\(\[√-]|[a-z]\b)"
)
MEMBERS = ("row", "item", "label", "formula")
"""The shapes of the members of a list, a table or a system."""
_SHORT = 80  # characters
_LONGEST_LEAD = 160
_LONGEST_INTRODUCTION = 60
_COMPUTES = re.compile(r"\d[^=]*=[^=]*\d")
_DERIVES = re.compile(r"(?:since|because|so|that means|this means|which means|then)\b")
_PLANS = re.compile(r"\b(?:we|i) (?:can|could|should|might|need to|have to) (?:also |just )?(?:use|try)\b")
_PLAN_WORDS = (" use", " try")  # each match of _PLANS has one; a search for them is cheaper
_RECAP = re.compile(
    r"(?:just )?(?:to |let me |let's |i'll )?(?:recap|summari[sz]e)|in summary\b|summari[sz]ing\b"
)
_STATES = re.compile(  # "So the total is 12."
    r"(?:(?:okay|ok|and|yes|yeah|yep|hence|but)[,. ]{1,3})*(?:so|therefore|thus|hence),? "
    r"(?!if\b|let|when|for |since)[^?:;+*×÷^]{0,120}?"
    r"\b(?:is|are|be|equals?|has|have|needs?|makes?|takes?|gets?|gives?|remains?)\b"
    r"[^?:;+*×÷^=]{0,80}\d[^?:;+*×÷^=]{0,80}\Z"
)
_OTHER = re.compile(
    r"\b(?<!that's )(?<!is )(?:another|different) (?:way|approach|method|perspective)\b"
    r"|(?:from|consider|try) (?:another|a different) angle\b"
)
_DOUBTFUL = re.compile(r"(?:but|no|not|maybe|perhaps|if|i|we|that|this|is|are|does|what|how|why|let|in)\b")
_GOES_TO = re.compile(r"\b(?:let me|let's|i'll|i should)\b")
_WAIT = re.compile(r"wait\b|hold on\b|actually\b")
_CONDITION = re.compile(  # part of the derivation: "check if 143 is divisible by 11"
    r"\bcheck(?:ing)? (?:if|whether|for|each|all|divis|which)\b[^.?!]{0,60}(?:divis|prime|factor|multiple"
    r"|integer"
    r"|perfect|satisf|can be)|\bneed to be careful\b"
)


_ANSWERS = Function(skills.ANSWERING, 4.0)
ASKS = Function(skills.READING, 3.0)
"""A goal at the beginning, where it is the question's."""
READS = next(function for function in FUNCTIONS.values() if function.skill is skills.READING)
BEGINS = Function(skills.READING, 1.5)
"""The first sentence, if nothing else tells what it does: it is mostly about the question."""
CONCLUDES = Function(skills.CONCLUDING, 1.8)
"""A sentence that states a result of what is before it."""
IN_CHECKS = (
    *(skills.CASES, skills.SUBGOAL, skills.SOLVING, skills.APPLYING, skills.CONCLUDING),
    *(skills.FACT, skills.EQUATION, skills.SUBSTITUTION),
)
"""What a check may consist of."""
_CARRIED = (skills.EQUATION, skills.NAMING, skills.READING, skills.RECALLING, skills.FACT, skills.ANSWERING)
PLANNING = (skills.METHOD, skills.SUBGOAL)
_FIRST = (skills.READING, skills.ANSWERING)  # even where a sentence mentions a check
_CHECKS = Function(skills.CHECKING, 3.0, is_frame=True)
_CHECKS_NEXT = Function(skills.CHECKING, 1.2, is_frame=True)  # "So it is 12, but let me check that."
CONFIRMS = Function(skills.CHECKING, 1.0)
"""A sentence that says that what is before it is right."""
_TAKES_BACK = Function(skills.RECONSIDERING, 3.0)
_DOUBTS = Function(skills.RECONSIDERING, 2.2)
_TURNS_TO_OTHER = Function(skills.OTHER_METHOD, 2.5)
_CHECKS_WAITING = Function(skills.CHECKING, 2.2)  # "Wait, 12 * 4 is 48."
_RECAPS = Function(skills.RECAPPING, 2.5, is_frame=True)
_SETS_CONDITION = Function(skills.SUBGOAL, 2.4)
_PLANS_TO = Function(skills.METHOD, 2.2)
_HEAD = 80  # characters of a sentence that tell what it does


def function(lower: str, index: int, scores: Mapping[Skill, float]) -> Function | None:
    """Return what a unit does; None if only its words tell.

    Args:
        lower: the unit.
        index: its place in the trace.
        scores: the evidence of its words.
    """
    if "\\boxed" in lower:
        return _ANSWERS
    start = opening(lower)
    opened = opened_function(lower, start)
    if opened and opened.skill is skills.CONCLUDING and not start:
        opened = None  # "x = 3" alone; "So x = 3" concludes
    if opened and opened.skill in _FIRST:
        return opened
    if skills.CHECKING in scores:  # no check and no verdict is without a word that hints at it
        if confirms(lower):
            return CONFIRMS
        head = lower[:_HEAD]
        if ("check" in lower or "careful" in lower) and _CONDITION.search(lower):
            return opened or (None if "=" in lower else _SETS_CONDITION)
        if checks(head):
            return _CHECKS
        if not opened and _GOES_TO.search(lower, _HEAD // 2) and checks(lower):
            return _CHECKS_NEXT
    waits = start and _WAIT.search(lower, 0, start) is not None
    is_computed = computes(lower)
    if opened and opened.skill in PLANNING:
        if waits and ALTERNATIVE.match(lower, start):
            return _TURNS_TO_OTHER
        if waits and lower.endswith("?") and opened.skill is skills.SUBGOAL:
            return _CHECKS_WAITING if any(map(str.isdigit, lower)) else _DOUBTS
        if is_computed:
            opened = None  # "Let's start by computing 3 * 4 = 12." is no plan any more
        elif opened.skill is skills.SUBGOAL and index < _STARTS:
            return ASKS
    if opened:
        return opened
    if not start and not lower[:1].isalpha():  # a formula
        return None
    if takes_back(lower):
        return _TAKES_BACK
    if waits:
        if lower[start : start + 1].isdigit():
            return _CHECKS_WAITING
        if _DERIVES.match(lower, start) or (
            not _DOUBTFUL.match(lower, start) and any(map(str.isdigit, lower))
        ):
            return None
    if GOING_BACK.match(lower) and not lower.startswith(("no ", "so no ", "so, no ")):
        return _DOUBTS
    if _RECAP.match(lower, start):
        return _RECAPS
    if ALTERNATIVE.match(lower, start):
        return _TURNS_TO_OTHER
    if ("another " in lower or "different " in lower) and _OTHER.search(lower):
        return _TURNS_TO_OTHER
    if is_computed:
        return None
    if start and index >= _BEGINNING and _STATES.match(lower):
        return CONCLUDES
    return _PLANS_TO if any(map(lower.__contains__, _PLAN_WORDS)) and _PLANS.search(lower) else None


def carried(lower: str, what: Function | None) -> Skill | None:
    """Return what the members of a list do whose heading a unit is: "We have two equations:"."""
    return what.skill if what and what.skill in _CARRIED and lower.endswith(":") else None


def turn(lower: str) -> str | None:
    """Return how something new begins with a unit, or None.

    `sharp`: another sub-task ("Now …", "Wait …"); `ordinal`: the next of several ("Second, …"); `item`: a
    line of a list; `mild` and `also_mild`: perhaps ("Then …", "But …").
    """
    match = _TURN.match(lower)
    return match.lastgroup if match else None


def announces(lower: str) -> bool:
    """Whether a unit only leads to the next one: "So,", "The area is:"."""
    return lower.rstrip("*_ ").endswith((":", ",")) or (
        len(lower) < _LONGEST_INTRODUCTION and _INTRODUCES.match(lower) is not None
    )


def is_lead_in(lower: str) -> bool:
    """Whether a unit says only what the next one does: "I need to rationalize the denominator."."""
    return len(lower) < _LONGEST_LEAD and _LEADS.match(lower) is not None


def asks(lower: str) -> bool:
    """Whether a unit is a short question: what follows answers it."""
    return len(lower) < _SHORT and lower.endswith("?") and "=" not in lower


def is_bare(lower: str) -> bool:
    """Whether a unit is only a value: "5/16."."""
    return _BARE.match(lower) is not None


def shape(lower: str) -> str | None:
    """Return what neighbouring units of one list, table, system or chain of formulas have in common."""
    if (
        lower[:1].isalpha()
        and lower[1:2].isalpha()
        and "=" not in lower[:_SHORT]
        and ":" not in lower[:_SHORT]
    ):
        return " ".join(lower.split(None, 2)[:2]) if len(lower) < _SHORT else None
    match = _SHAPE.match(lower)
    return match.lastgroup if match else None


def computes(lower: str) -> bool:
    """Whether a unit has an equation of numbers."""
    return "=" in lower and _COMPUTES.search(lower) is not None


def attaches(lower: str) -> bool:
    """Whether a unit continues the formula or sentence before it, or is only its value."""
    return is_bare(lower) or _ATTACHES.match(lower) is not None
