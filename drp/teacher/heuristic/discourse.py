"""Tell from its opening words what a sentence does, and whether something new begins with it.

What a sentence does (checks, plans, names a quantity) outranks what it mentions. Text is raw, in lower case.
"""

import re

from drp.teacher.heuristic.signals import ALTERNATIVE, GOING_BACK, ITEM, checks, confirms, opening, takes_back
from drp.traces import Skill, skills

_FORMULA = r"(?:formulas?|theorem|identity|identities|rule|definition|property|properties|law|criterion)\b"
_WE = r"(?:i|we)(?:'ll|'d| will| would)?(?: just| also| now| then| still| first| probably)?"
_LET = r"let(?:'s| me| us)(?: just| now| also| first| try to)*"
_OPENERS: tuple[tuple[Skill, float, str], ...] = (
    (skills.ANSWERING, 4.0, r"[*#_ ]*(?:the |my |our )?(?:final |correct )?answer\b|[^.?!\n]{0,60}\\boxed"),
    (
        skills.READING,
        3.0,
        r"(?:the|this|original) (?:original )?(?:problem|question)\b|(?:i|we)(?:'re| are|'m| am) "
        r"(?:given|asked|told|looking|supposed|trying)\b|i (?:have|got|came across) (?:this|a|an|to (?:solve|do)) "
        rf"(?:\w+ ){{0,4}}(?:problem|question)|{_LET} (?:re-?read|read|restate|rephrase|parse|understand|make "
        r"sure i)\b|it(?:'s| is)? (?:says|asks|asking|states)\b|(?:maybe )?i (?:might have |may have )?misread|"
        r"(?:original )?(?:problem|question):",
    ),
    (
        skills.NAMING,
        3.0,
        rf"{_LET} (?:denote|call|define|assign|name|label)\b|let\b[^.?!]{{1,40}}?\b(?:be|represent|denote|stand)\b"
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
        rf"(?:by |if |{_WE} (?:can |could |should )?|{_LET} )?(?:using|use|apply|applying|from|by|according to|with) "
        rf"(?:the |this |that |our )?(?:[\w'’-]+ ){{0,4}}{_FORMULA}",
    ),
    (
        skills.EQUATION,
        3.0,
        rf"(?:{_WE} (?:can |could |should |need to |have to )?|{_LET} )?(?:set ?up|translate|write|express|get|have)"
        r" (?:down |out )?(?:this |an? |the |that |our |my |it as )*(?:\w+ ){0,2}(?:equations?|proportion|system)\b",
    ),
    (
        skills.SOLVING,
        2.5,
        r"(?:[a-z]{3,12} )?(?:[^ .,]{1,12} ){0,2}(?:both sides|each side|from both|to both|side by)\b|"
        rf"(?:{_WE} (?:can |could |need to )?|{_LET} )?solv(?:e|ing)\b",
    ),
    (
        skills.CASES,
        2.5,
        rf"[*#_ ]*case\b|(?:if|when|for|try|testing|trying|suppose|assume|{_LET} (?:try|test|take|say)|check) "
        r"(?:that )?\$?(?:\\\( ?)?[a-z]\w? ?(?:[=<>≤≥]|is\b|\\[gl]e)|what if\b|suppose\b|assume\b",
    ),
    (
        skills.METHOD,
        2.5,
        rf"(?:{_LET}|{_WE}) (?:think|start|figure|break|go|approach|tackle|visualize|imagine|consider|proceed|try|"
        rf"begin|analyze|look|dive|see (?:if|how|what|whether))\b|how (?:do|can|should|would|about)\b|(?:maybe|perhaps)"
        rf" (?:{_WE}|there|using|it)\b|{_WE} (?:could|can|should|might|think (?:i|we|the best|it might)) (?:also |then "
        r"|just |now |instead )?(?:use|try|start|think|approach|consider|break|look|need|help)\b|the (?:key|idea|plan|"
        r"strategy|approach|best|easiest|first step|next step)\b|one (?:way|approach|method)\b|i(?:'m| am) (?:not "
        r"sure|thinking|wondering)\b|i wonder\b|is there\b",
    ),
    (
        skills.SUBGOAL,
        2.2,
        rf"{_WE} (?:need|have|want|must)(?: to)? (?:find|figure|determine|compute|calculate|know|get|evaluate|solve|see|"
        r"express|count|show|prove)\b|to (?:find|solve|do|get|compute|determine|figure|calculate)\b|(?:my|our|the) "
        r"(?:goal|task|aim)\b|what (?:is|are|about)\b",
    ),
)
_OPENER = re.compile("|".join(f"(?P<o{index}>{pattern})" for index, (*_, pattern) in enumerate(_OPENERS)))
_STARTS = 4  # first units of a trace, where a goal is the question's

_TURN = re.compile(  # another sub-task begins
    r"[*#_ ]*(?:(?:okay|ok|so|alright|and|but|hm+|oh|well|yes|yeah)\b[,. ]{1,3}){0,3}"
    r"(?:wait|hold on|now|next|first(?:ly)?|second(?:ly)?|third(?:ly)?|finally|lastly|moving on|alternatively|another|actually|"
    r"going back|on the other hand|in conclusion|(?:just )?to (?:recap|summarize|verify|confirm|check|double|be sure|make sure)"
    r"|case|step \d|part \d|let(?:'s| me) (?:just )?(?:re-?|double[- ]?|cross-?)?(?:check|verify|confirm|recap|test|try)"
    r"|(?:\*\*)?final answer|(?:the )?(?:final )?answer|therefore,? the (?:final )?answer|for the (?:first|second|third|next))\b"
)
_MILD_TURN = re.compile(
    r"(?:(?:okay|ok|so|and|but)\b[,. ]{1,3}){0,2}(?:then|hm+|similarly|also|after that|okay|alright|but|let)\b"
)
_ANNOUNCES = re.compile(  # says only that the next sentence does something
    r"(?:(?:okay|ok|alright|so|now|then|wait|hm+|well|but|and|first|yeah|yes|oh|right)\b[,.! ]{0,3}){0,5}"
    r"(?:(?:let me|let's|let us|i'll|we'll) (?:just |now |also )?(?:see|compute|calculate|do|think|write|try|recall|start|check|verify|"
    r"solve|find|simplify|work|go|break|expand|double)\b[^.:?!=]{0,45}|therefore|thus|hence|so|similarly)?[.,:!… ]*\Z"
)
_ATTACHES = re.compile(
    r"[-=+*/<>≤≥≈≡^)\]](?!\*| )|= |\\(?:implies|right|quad|end|times|cdot|le|ge|approx)|(?:which|and|or|where|because)\b|right\?|correct\?"
)
_CONDITION = re.compile(
    r"\bcheck(?:ing)? (?:if|whether|for|each|all|divis|which)\b[^.?!]{0,60}(?:divis|prime|factor|multiple|integer|perfect)"
)


def function(lower: str, index: int) -> tuple[Skill, float] | None:
    """Return what unit `index` of a trace does, and the weight of this evidence; None if only its words tell."""
    start = opening(lower)
    opener = _OPENER.match(lower, start)
    skill, weight, _ = _OPENERS[int(opener.lastgroup[1:])] if opener and opener.lastgroup else (None, 0.0, "")
    if skill is skills.READING or skill is skills.ANSWERING:
        return skill, weight
    if confirms(lower):
        return skills.CHECKING, 1.5
    if checks(lower) and not _CONDITION.search(lower):
        return skills.CHECKING, 3.0
    if skill:
        return (skills.READING if skill is skills.SUBGOAL and index < _STARTS else skill), weight
    if takes_back(lower) or GOING_BACK.match(lower):
        return skills.RECONSIDERING, 2.0
    return (skills.OTHER_METHOD, 2.0) if ALTERNATIVE.match(lower, start) else None


def turns(lower: str) -> bool:
    """Whether another sub-task begins with a unit."""
    return _TURN.match(lower) is not None


def turns_mildly(lower: str) -> bool:
    """Whether a unit may begin something new: the next item of a list, "Then …"."""
    return _MILD_TURN.match(lower) is not None or ITEM.match(lower) is not None


def announces(lower: str) -> bool:
    """Whether a unit only leads to the next one: "Let me compute that.", "So,", "The area is:"."""
    return lower.endswith((":", ",")) or _ANNOUNCES.match(lower) is not None


def attaches(lower: str) -> bool:
    """Whether a unit continues the formula or sentence before it."""
    return _ATTACHES.match(lower) is not None
