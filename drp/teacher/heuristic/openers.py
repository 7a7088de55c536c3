"""The words with which a sentence says what it does: "let x be …", "we need to find …", "case 2".

Patterns are matched at the sentence's own words, in lower case, after interjections; the first that matches
counts. They run in linear time.
"""

import re
import string
from typing import NamedTuple

from drp.traces import Skill, skills


class Function(NamedTuple):
    """What a sentence does, and how much weight this evidence has."""

    skill: Skill
    weight: float
    is_frame: bool = False
    """Whether the sentences after it belong to it: a check, a recapitulation."""


_FORMULA = r"(?:formulas?|theorem|identity|identities|rule|definition|property|properties|law|criterion)\b"
_WE = r"(?:i|we)(?:'ll|'d| will| would)?(?: just| also| now| then| still| first| probably)?"
_LET = r"let(?:'s| me| us)(?: just| now| also| first| quickly| try to)*"
_LETTER = r"\$?(?:\\\( ?)?[a-z]\w?"
_TASK = r"(?:problem|question|exercise|puzzle|task)"
_IT = r"(?:it|the|this|that|we|i|they|there|these|those)"
_WORKS = (
    r"(?! (?:also |still |indeed |again |does )?"
    r"(?:work|hold|satisf|seem|g[ai]ve|counts|used|i |says? that|(?:is|was) (?:correct|right)))"
)
_THING = r"(?:(?!ha(?:s|ve)\b|is\b|are\b|and\b|can\b)[\w'’-]+ ){0,4}"
_KIND = r"(?:[\w'’-]+ ){0,4}"

_ANY = string.ascii_lowercase
_OPENERS: tuple[tuple[Skill, float, tuple[tuple[str, str], ...]], ...] = (
    (skills.ANSWERING, 4.0, (("acfmot #*_", r"[*#_ ]*(?:the |my |our )?(?:final |correct )?answer\b"),)),
    (
        skills.READING,
        3.0,
        (
            ("ot", rf"(?:the|this|original) (?:original )?{_TASK}\b"),
            ("iw", r"(?:i|we)(?:'re| are|'m| am) (?:given|asked|told)\b"),
            ("iw", rf"{_WE} need to (?:parse|understand|interpret|read)\b"),
            (
                "iw",
                r"(?:i|we)(?:'ve| have)? (?:have |got |came across )?(?:this|a|an|to (?:solve|do)) "
                rf"(?:\w+ ){{0,4}}{_TASK}",
            ),
            (
                "iw",
                r"(?:i|we)(?:'ve got| have(?: got)?| got) (?:this|these) "
                r"(?:\w+ ){0,3}(?:equations?|expression|inequality|integral|system)\b",
            ),
            (
                "filstw",
                rf"(?:{_LET} |{_WE} need to |trying to )?(?:try to )?(?:figure out|solve|work on|tackle) "
                rf"this (?:\w+ ){{0,3}}{_TASK}",
            ),
            ("l", rf"{_LET} (?:re-?read|read|restate|rephrase|parse|understand|make sure i understand)\b"),
            ("i", r"it(?:'s| is| also)? (?:says|asks|asking|states|tells)\b"),
            ("im", r"(?:maybe )?i (?:might have |may have )?misread"),
            ("epqt", rf"{_TASK}:"),
            ("dlt[", r"\[asy\]|(?:draw|label)\(|there is a (?:diagram|figure|picture)\b"),
            ("t", r"this is a (?:very |rather )?(?:complex|challenging|difficult|tricky)\b"),
        ),
    ),
    (
        skills.ANSWERING,
        2.2,
        (
            ("i", r"i(?:'m| am)? (?:think|confident|pretty sure|feel|believe)\b[^.?!]{0,60}\banswer\b"),
            ("i", r"i think i(?:'ve| have) [^.?!]{0,80}\banswer\b"),
            ("t", r"that(?:'s| is| should be| must be) (?:the|my|our) (?:final )?answer\b"),
        ),
    ),
    (
        skills.CHECKING,
        2.2,
        (
            (
                "i",
                r"i (?:think|believe|feel)(?: that)? "
                r"(?:that|this|it|i've|i have|my|i'm|we've|all|everything)(?:'s)? "
                r"[^.?!]{0,40}(?:sense|correct|right|it|covered|considered|solid|thorough|good|fine|confident|works?)\b",
            ),
            ("i", r"i(?:'m| am) (?:pretty |quite )?confident"),
            ("i", r"i (?:don't|can't) (?:see|find|think) (?:any|i made)"),
            (
                "adi",
                r"(?:does|is|are|do|did) (?:that|this|it|they|everything|i)\b[^?]{0,40}"
                r"\b(?:right|correct|sense|work|match|add up|hold|true)\b[^?]{0,20}\?",
            ),
            ("ad", r"(?:did|am) (?:i|we)\b[^?]*\?"),
            ("jt", r"(?:just )?to (?:ensure|be sure|make (?:\S+ )?sure)\b"),
            ("bew", r"whether (?:i|we)\b[^?]*\bsame\b|both (?:ways|methods|approaches)\b|either way\b"),
        ),
    ),
    (skills.CONCLUDING, 1.6, ((_ANY + "$\\", rf"(?:[a-z]+ )?{_LETTER} ?= ?-?[\d.,/]+[\s.$\\)]*\Z"),)),
    (
        skills.NAMING,
        3.0,
        (
            ("l", rf"{_LET} (?:denote|call|define|assign|name|label)\b"),
            ("l", r"let (?!me|us)[^.?!]{1,40}?\b(?:be|represent|denote|stand)\b"),
            ("l", rf"let {_LETTER} ?="),
            ("d", r"(?:denote|define)\b"),
        ),
    ),
    (
        skills.RECALLING,
        3.0,
        (
            ("iklrw", rf"(?:{_WE} |{_LET} )?(?:remember|recall|know)\b[^.?!]{{0,60}}?{_FORMULA}"),
            ("at", rf"(?:the|a|there's a|there is a) {_THING}{_FORMULA}{_WORKS}"),
            (
                "acdmpstv",
                r"(?:the )?(?:area|volume|perimeter|circumference|surface area|distance|slope|midpoint|sum)\b"
                r"[^.?!=\d]{0,60}(?:is|=|:)[^=?\d]{0,20}"
                r"(?:\\?[a-zπ]+|\d) ?[*×·+/^(²³][^=?]{0,20}[a-z][^=?]{0,20}\Z",
            ),
        ),
    ),
    (
        skills.FACT,
        2.5,
        (
            ("ilrw", rf"(?:{_WE} |{_LET} |{_WE} need to )?(?:remember|recall)\b"),
            ("iw", rf"{_WE} know\b(?![^.?!]*(?:, so\b|, hence\b|therefore|=[^=]*=))"),
        ),
    ),
    (
        skills.APPLYING,
        3.0,
        (
            (
                "abfiluw",
                rf"(?:by |if |{_WE} (?:can |could |should )?|{_LET} )?"
                r"(?:using|use|apply|applying|from|by|according to|with) "
                rf"(?:the |this |that |our )?{_KIND}{_FORMULA}",
            ),
        ),
    ),
    (
        skills.EQUATION,
        3.0,
        (
            (
                "eghilstw",
                rf"(?:{_WE} (?:can |could |should |need to |have to )?|{_LET} )?"
                r"(?:set(?:ting)? ?up|translat(?:e|ing)|writ(?:e|ing)|express|get|have)"
                r" (?:down |out |up )?(?:this |an? |the |that |our |my |it as |these )*(?:\w+ ){0,2}"
                r"(?:equations?|inequalit\w+|proportion|system)\b",
            ),
            (
                "most",
                r"(?:so )?(?:the|our|my) (?:first |second |third |next )?"
                r"(?:equations?|system|proportion)\b[^.?!]{0,30}"
                r"(?: (?:is|are|becomes?|would be)|:)",
            ),
        ),
    ),
    (
        skills.SOLVING,
        2.5,
        (
            (
                "admst",
                r"(?:multiply|divid|add|subtract|squar|tak)[a-z]{0,5} "
                r"(?:[^ .,]{1,12} ){0,4}?(?:sides?|equations?)\b",
            ),
            ("ilsw", rf"(?:{_WE} |{_LET} )?solv(?:e|ing)\b(?! (?:this|the|that) (?:\w+ )?{_TASK})"),
            ("bcilw", rf"(?:by |{_WE} (?:can )?|{_LET} )?cross[- ]?multipl"),
        ),
    ),
    (
        skills.PATTERN,
        2.5,
        (("iw", rf"{_WE} (?:can )?(?:notice|see|spot|observe) (?:a|the|that|some)[^.?!]{{0,40}}pattern"),),
    ),
    (
        skills.CASES,
        2.5,
        (
            ("cs" + " #*_", r"[*#_ ]*(?:sub)?case\b(?! in point)"),
            (
                "acilst",
                rf"(?:if|try|testing|trying|suppose|assume|{_LET} (?:try|test|take|say)|check) "
                rf"(?:that )?{_LETTER} ?(?:[=<>≤≥]|is\b|\\[gl]e)",
            ),
            ("asw", r"what if\b|suppose\b|assume\b"),
        ),
    ),
    (
        skills.SUBSTITUTION,
        1.0,  # what is done with the value counts for more
        (
            (
                "afpsw",
                rf"(?:for|when|with|at|setting|plugging in) {_LETTER} ?= ?-?[\d.]+(?: ?\\\)|\$)?(?:,|:| ?→)",
            ),
            (_ANY + "$\\", rf"{_LETTER} ?= ?-?[\d.]+(?: ?\\\)|\$)?(?::| ?→)"),
        ),
    ),
    (
        skills.SUBSTITUTION,
        2.0,
        (
            (
                "ilpsw",
                rf"(?:{_WE} (?:can )?|{_LET} )?(?:substitut(?:e|ing)|plug(?:ging)?)\b"
                r"(?! (?:it|this|that|them|these) back)",
            ),
        ),
    ),
    (
        skills.METHOD,
        2.5,
        (
            (
                "l",
                rf"{_LET} (?:think (?:about|of)|start|figure|break|approach|tackle|visualize|imagine|proceed|"
                r"try (?:to|using|an)|"
                r"begin|analyze|dive|see (?:if (?:i|we|there)|how (?!many)|whether))\b",
            ),
            ("iw", rf"{_WE} need to think\b"),
            ("h", r"how (?:do|can|should|would|about|to)\b"),
            ("mp", rf"(?:maybe|perhaps) (?:{_WE} (?:can|could|should)|using)\b"),
            (
                "iw",
                rf"{_WE} (?:think (?:i|we) )?(?:could|can|should|might) (?:also |then |just |now |instead )?"
                r"(?:use|try|start|think|approach|break|proceed|split|divide (?:the|this|it))\b",
            ),
            ("i", r"i(?:'m| am) going to\b"),
            (
                "it",
                r"(?:i think )?the (?:key|idea|plan|strategy|approach|best|easiest|first step|next step)\b",
            ),
            ("o", r"one (?:way|approach|method)\b"),
            ("i", r"i(?:'m| am) (?:not sure how|thinking|wondering how)\b"),
        ),
    ),
    (
        skills.SUBGOAL,
        2.2,
        (
            ("iw", rf"{_WE} (?:need to|have to|want to|need|want) (?!be\b)\w+"),
            ("iw", rf"{_WE} must (?:find|figure|determine|compute|calculate|know|get|count|show|prove)\b"),
            ("fn", r"(?:next|first),? (?:i|we) (?:need|have|want) to\b"),
            ("t", r"to (?:find|solve|do|get|compute|determine|figure|calculate)\b"),
            ("mot", r"(?:my|our|the) (?:goal|task|aim)\b"),
            ("hw", r"(?:what|which|how many|how much) [^?]*\?|(?:what|how many|how much) (?:is|are)\b"),
            ("acdi", rf"(?:could|can|does|do|are|is) {_IT}\b[^?]*\?"),
            ("iw", r"(?:i|we)(?:'re| are|'m| am) (?:looking|trying|supposed)\b"),
            ("l", rf"{_LET} see (?:how many|what)\b"),
        ),
    ),
    (
        skills.RECONSIDERING,
        2.5,
        (
            ("i", r"is there (?:a|any)(?: other)? (?:chance|possib|restriction|mistake|issue|case)"),
            ("w", r"what about\b"),
            ("mp", rf"(?:maybe|perhaps|possibly) (?:they|the {_TASK})\b"),
            ("l", rf"{_LET} consider (?:if|whether)"),
            ("iw", rf"{_WE} (?:might|may|should) (?:also )?(?:need to )?consider\b"),
            ("mp", rf"(?:maybe|perhaps) (?:{_WE} (?:made|mis\w+|messed|need to consider)|there)\b"),
            ("i", r"(?:i think )?i (?:missed|messed|forgot|confused|made a)\b"),
        ),
    ),
)
"""What a sentence does, its weight, and patterns, each after the characters with which a match can begin."""


def _beginning(character: str) -> re.Pattern[str]:
    """Return the patterns of which a match can begin with a character: most cannot."""
    groups: list[str] = []
    for index, (*_, patterns) in enumerate(_OPENERS):
        if own := [pattern for initials, pattern in patterns if character in initials]:
            groups.append(f"(?P<o{index}>{'|'.join(own)})")
    return re.compile("|".join(groups))


_BY_INITIAL = {
    character: _beginning(character)
    for character in sorted({c for *_, patterns in _OPENERS for initials, _ in patterns for c in initials})
}
FUNCTIONS = {f"o{index}": Function(skill, weight) for index, (skill, weight, _) in enumerate(_OPENERS)}
"""What a sentence does by the group of its pattern."""


def opened_function(lower: str, start: int) -> Function | None:
    """Return what a sentence says that it does.

    Args:
        lower: the sentence.
        start: where its own words begin, after interjections.
    """
    pattern = _BY_INITIAL.get(lower[start : start + 1])
    match = pattern.match(lower, start) if pattern else None
    return FUNCTIONS[match.lastgroup] if match and match.lastgroup else None
