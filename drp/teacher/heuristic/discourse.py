"""Tell from its opening words what a sentence does, and whether something new begins with it.

What a sentence does (checks, plans, names a quantity) outranks what it mentions. Text is raw, in lower case.
"""

import re
from collections.abc import Mapping
from typing import NamedTuple

from drp.teacher.heuristic.signals import ALTERNATIVE, GOING_BACK, checks, confirms, opening, takes_back
from drp.traces import Skill, skills

_FORMULA = r"(?:formulas?|theorem|identity|identities|rule|definition|property|properties|law|criterion)\b"
_WE = r"(?:i|we)(?:'ll|'d| will| would)?(?: just| also| now| then| still| first| probably)?"
_LET = r"let(?:'s| me| us)(?: just| now| also| first| try to)*"
_OPENERS: tuple[tuple[Skill, float, str], ...] = (
    (skills.ANSWERING, 4.0, r"[*#_ ]*(?:the |my |our )?(?:final |correct )?answer\b"),
    (
        skills.READING,
        3.0,
        r"(?:the|this|original) (?:original )?(?:problem|question)\b|(?:i|we)(?:'re| are|'m| am) "
        rf"(?:given|asked|told)\b|{_WE} need to (?:parse|understand|interpret|read)\b|"
        r"i (?:have|got|came across) (?:this|a|an|to (?:solve|do)) "
        rf"(?:\w+ ){{0,4}}(?:problem|question)|{_LET} (?:re-?read|read|restate|rephrase|parse|understand|"
        rf""
        r"make sure i understand)\b|it(?:'s| is)? (?:says|asks|asking|states)\b|(?:maybe )?i (?:might have "
        r"|may have "
        r")?misread|"
        r"(?:original )?(?:problem|question):|this is a (?:very |rather )?(?:complex|challenging|difficult"
        r"|tricky)\b",
    ),
    (
        skills.ANSWERING,
        2.2,
        r"i(?:'m| am)? (?:think|confident|pretty sure|feel|believe)\b[^.?!]{0,60}\banswer\b|i think i(?:'ve| "
        r"have) [^.?!]{0,80}"
        r"\banswer\b",
    ),
    (
        skills.CHECKING,
        2.2,
        r"i (?:think|believe|feel)(?: that)? (?:that|this|it|i've|i have|my|i'm|we've|all|everything)(?:'s)? "
        r"[^.?!]{0,40}"
        r"(?:sense|correct|right|it|covered|solid|thorough|good|fine|confident|works?)\b|i(?:'m| am) "
        r"(?:pretty |quite )?"
        r"confident|i (?:don't|can't) (?:see|find|think) (?:any|i made)",
    ),
    (
        skills.CONCLUDING,
        1.6,
        r"(?:[a-z]+ )?\$?(?:\\\( ?)?[a-z]\w? ?= ?-?[\d.,/]+[\s.$\\)]*\Z",
    ),
    (
        skills.NAMING,
        3.0,
        rf"{_LET} (?:denote|call|define|assign|name|label)\b|let (?!me|us)[^.?!]{{1,40}}?\b(?:be|represent"
        rf"|denote|stand)\b"
        r"|let \$?(?:\\\( ?)?[a-z]\w? ?=|(?:denote|define)\b",
    ),
    (
        skills.RECALLING,
        3.0,
        rf"(?:{_WE} |{_LET} )?(?:remember|recall|know)\b[^.?!]{{0,60}}?{_FORMULA}"
        rf"|(?:the|a|there's a|there is a) (?:[\w'’-]+ ){{0,4}}{_FORMULA}",
    ),
    (skills.FACT, 2.5, rf"(?:{_WE} |{_LET} )?(?:remember|recall)\b|{_WE} know\b"),
    (
        skills.APPLYING,
        3.0,
        rf"(?:by |if |{_WE} (?:can |could |should )?|{_LET} )?(?:using|use|apply|applying|from|by|according "
        rf"to|with) "
        rf"(?:the |this |that |our )?(?:[\w'’-]+ ){{0,4}}{_FORMULA}",
    ),
    (
        skills.EQUATION,
        3.0,
        rf"(?:{_WE} (?:can |could |should |need to |have to )?|{_LET} )?(?:set ?up|translate|write|express"
        rf"|get|have)"
        r" (?:down |out )?(?:this |an? |the |that |our |my |it as )*(?:\w+ ){0,2}(?:equations?|proportion"
        r"|system)\b",
    ),
    (
        skills.SOLVING,
        2.5,
        r"(?:multiply|divid|add|subtract|squar|tak)[a-z]{0,5} (?:[^ .,]{1,12} ){0,4}?(?:sides?|equations?)\b|"
        rf"(?:{_WE} (?:can |could )?|{_LET} )?solv(?:e|ing)\b(?! (?:this|the|that) (?:\w+ "
        rf")?(?:problem|question))",
    ),
    (
        skills.CASES,
        2.5,
        rf"[*#_ ]*case\b|(?:if|when|for|try|testing|trying|suppose|assume|{_LET} (?:try|test|take|say)|"
        rf""
        r"check) (?:that )?\$?(?:\\\( ?)?[a-z]\w? ?(?:[=<>≤≥]|is\b|\\[gl]e)|what if\b|suppose\b|assume\b"
        r"|\$?(?:\\\( "
        r"?)?[a-z]\w? ?= ?-?[\d.]+(?: ?\\\)|\$)?(?::| ?→)",
    ),
    (
        skills.METHOD,
        2.5,
        rf"{_LET} (?:think (?:about|of)|start|figure|break|approach|tackle|visualize|imagine|proceed|try "
        rf"(?:to|using|an)|"
        rf"begin|analyze|dive|see (?:if (?:i|we|there)|how (?!many)|whether))\b|how (?:do|can|should|would"
        rf"|about)\b|"
        rf"(?:maybe|perhaps) (?:{_WE} (?:can|could|should)|using)\b|{_WE} (?:think (?:i|we) )?(?:could"
        rf"|can|should|might)"
        r" (?:also |then |just |now |instead )?(?:use|try|start|think|approach|break|proceed)\b|(?:i think "
        r")?the (?:key|"
        r"idea|plan|strategy|approach|best|easiest|first step|next step)\b|one (?:way|approach|method)\b"
        r"|i(?:'m| am) "
        r"(?:not sure how|thinking|wondering how)\b",
    ),
    (
        skills.SUBGOAL,
        2.2,
        rf"{_WE} (?:need|have|want|must)(?: to)? (?:find|figure|determine|compute|calculate|know|get|evaluate"
        rf"|solve|see|"
        r"express|count|show|prove)\b|to (?:find|solve|do|get|compute|determine|figure|calculate)\b|(?:my|our"
        r"|the) "
        r"(?:goal|task|aim)\b|what (?:is|are)\b|(?:i|we)(?:'re| are|'m| am) (?:looking|trying|supposed)\b|"
        rf"{_LET} see (?:how many|what)\b",
    ),
    (
        skills.RECONSIDERING,
        2.5,
        r"is there (?:a|any)(?: other)? (?:chance|possib|restriction|mistake|issue|case)|(?:could|does|did|do"
        r"|am|are|is) "
        rf"(?:it|the|this|that|we|i|they|there)\b[^?]*\?|what about\b|{_LET} consider (?:if|whether)|{_WE} "
        rf"(?:might|may|should) "
        rf"(?:also )?(?:need to )?consider\b|(?:maybe|perhaps) (?:{_WE} (?:made|mis\w+|messed|need to "
        rf"consider)|there)\b|(?:i "
        rf"think )?i "
        r"(?:missed|messed|forgot|confused|made a)\b",
    ),
)
_OPENER = re.compile("|".join(f"(?P<o{index}>{pattern})" for index, (*_, pattern) in enumerate(_OPENERS)))
_STARTS = 4  # first units of a trace, where a goal is the question's

_TURN = re.compile(
    r"[*#_ ]*(?:(?:okay|ok|so|alright|and|but|hm+|oh|well|yes|yeah)\b[,. ]{1,3}){0,3}(?:(?P<sharp>"
    r"(?:wait|hold on|now|next|finally|lastly|moving on|alternatively|another|actually|going back"
    r"|on the other hand|in conclusion|case|part \d|(?:just )?to (?:recap|summarize|verify|confirm|check"
    r"|double"
    r"|be sure|make sure)|let(?:'s| me) (?:just )?(?:re-?|double[- ]?|cross-?)?(?:check|verify|confirm|recap"
    r"|test|try)"
    r"|(?:therefore,? )?(?:the )?(?:final )?answer)\b|\d{1,2}[.)] \*\*)"
    r"|(?P<ordinal>(?:(?:for the )?(?:first|second|third)(?:ly)?|step \d)\b)"
    r"|(?P<mild>(?:then|similarly|also|after that|let)\b))"
    r"|(?P<also_mild>(?:okay|ok|alright|but|hm+)\b)|\s{0,12}(?P<item>[-*•]|\(?\d{1,2}[.)]|\(?[a-z][.)])\s"
)
_ANNOUNCES = re.compile(  # says only that the next sentence does something
    r"(?:(?:okay|ok|alright|so|now|then|wait|hm+|well|but|and|first|oh|"
    r"actually|hold on|a second|a minute)\b[,.! ]{0,3}){0,5}"
    r"(?:(?:let me|let's|let us|i'll|we'll) (?:just |now |also )?(?:see|compute|calculate|do|think|write|try"
    r"|recall|start|check|verify|"
    r"solve|find|simplify|work|go|break|expand|double)\b[^.:?!=]{0,45}|therefore|thus|hence|so"
    r"|similarly)?[.,:!… ]*\Z"
)
_ATTACHES = re.compile(
    r"[-=+*/<>≤≥≈≡^)\]](?!\*| )|= |\\(?:implies|right|quad|end|times|cdot|le|ge|approx)"
    r"|(?:which|and|or|where|because)\b|right\?|correct\?"
)
_CONDITION = re.compile(  # part of the derivation: "check if 143 is divisible by 11"
    r"\bcheck(?:ing)? (?:if|whether|for|each|all|divis|which)\b[^.?!]{0,60}(?:divis|prime|factor|multiple"
    r"|integer"
    r"|perfect)|\bneed to be careful\b"
)


class Function(NamedTuple):
    """What a sentence does, and how much weight this evidence has."""

    skill: Skill
    weight: float
    begins_check: bool = False


_FUNCTIONS = {f"o{index}": Function(skill, weight) for index, (skill, weight, _) in enumerate(_OPENERS)}
_ANSWERS = Function(skills.ANSWERING, 4.0)
_ASKS = Function(skills.READING, 2.2)
IN_CHECKS = (skills.CASES, skills.SUBGOAL, skills.SOLVING, skills.APPLYING, skills.CONCLUDING)
"""What a check may consist of."""
_FIRST = (skills.READING, skills.ANSWERING)  # even where a sentence mentions a check
_CHECKS = Function(skills.CHECKING, 3.0, begins_check=True)
_CHECKS_NEXT = Function(skills.CHECKING, 1.2, begins_check=True)  # "So it is 12, but let me check that."
CONFIRMS = Function(skills.CHECKING, 1.0)
"""A sentence that says that what is before it is right."""
_TAKES_BACK = Function(skills.RECONSIDERING, 3.0)
_DOUBTS = Function(skills.RECONSIDERING, 2.2)
_TURNS_TO_OTHER = Function(skills.OTHER_METHOD, 2.5)
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
    opener = _OPENER.match(lower, start)
    opened = _FUNCTIONS[opener.lastgroup] if opener and opener.lastgroup else None
    if opened and opened.skill is skills.CONCLUDING and not start:
        opened = None  # "x = 3" alone; "So x = 3" concludes
    if opened and opened.skill in _FIRST:
        return opened
    if skills.CHECKING in scores:  # no check and no verdict is without a word that hints at it
        if confirms(lower):
            return CONFIRMS
        if checks(lower) and not _CONDITION.search(lower):
            return _CHECKS if checks(lower[:_HEAD]) else opened or _CHECKS_NEXT
    if opened:
        return _ASKS if opened.skill is skills.SUBGOAL and index < _STARTS else opened
    if not start and not lower[:1].isalpha():  # a formula
        return None
    if takes_back(lower):
        return _TAKES_BACK
    if GOING_BACK.match(lower) and not lower.startswith(("no ", "so no ", "so, no ")):
        return _DOUBTS
    return _TURNS_TO_OTHER if ALTERNATIVE.match(lower, start) else None


def turn(lower: str) -> str | None:
    """Return how something new begins with a unit, or None.

    `sharp`: another sub-task ("Now …", "Wait …"); `ordinal`: the next of several ("Second, …"); `item`: a
    line of a list; `mild` and `also_mild`: perhaps ("Then …", "But …").
    """
    match = _TURN.match(lower)
    return match.lastgroup if match else None


def announces(lower: str) -> bool:
    """Whether a unit only leads to the next one: "Let me compute that.", "So,", "The area is:"."""
    return lower.endswith((":", ",")) or _ANNOUNCES.match(lower) is not None


def attaches(lower: str) -> bool:
    """Whether a unit continues the formula or sentence before it."""
    return _ATTACHES.match(lower) is not None
