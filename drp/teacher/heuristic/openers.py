"""The words with which a sentence says what it does: "let x be …", "we need to find …", "case 2".

Patterns are matched at the sentence's own words, in lower case, after interjections; the first that matches
counts. They run in linear time.
"""

import re
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

_OPENERS: tuple[tuple[Skill, float, tuple[str, ...]], ...] = (
    (skills.ANSWERING, 4.0, (r"[*#_ ]*(?:the |my |our )?(?:final |correct )?answer\b",)),
    (
        skills.READING,
        3.0,
        (
            rf"(?:the|this|original) (?:original )?{_TASK}\b",
            r"(?:i|we)(?:'re| are|'m| am) (?:given|asked|told)\b",
            rf"{_WE} need to (?:parse|understand|interpret|read)\b",
            r"(?:i|we)(?:'ve| have)? (?:have |got |came across )?(?:this|a|an|to (?:solve|do)) "
            rf"(?:\w+ ){{0,4}}{_TASK}",
            r"(?:i|we)(?:'ve got| have(?: got)?| got) (?:this|these) "
            r"(?:\w+ ){0,3}(?:equations?|expression|inequality|integral|system)\b",
            rf"(?:{_LET} |{_WE} need to |trying to )?(?:try to )?(?:figure out|solve|work on|tackle) this "
            rf"(?:\w+ ){{0,3}}{_TASK}",
            rf"{_LET} (?:re-?read|read|restate|rephrase|parse|understand|make sure i understand)\b",
            r"it(?:'s| is| also)? (?:says|asks|asking|states|tells)\b",
            r"(?:maybe )?i (?:might have |may have )?misread",
            rf"{_TASK}:",
            r"\[asy\]|(?:draw|label)\(|there is a (?:diagram|figure|picture)\b",
            r"this is a (?:very |rather )?(?:complex|challenging|difficult|tricky)\b",
        ),
    ),
    (
        skills.ANSWERING,
        2.2,
        (
            r"i(?:'m| am)? (?:think|confident|pretty sure|feel|believe)\b[^.?!]{0,60}\banswer\b",
            r"i think i(?:'ve| have) [^.?!]{0,80}\banswer\b",
            r"that(?:'s| is| should be| must be) (?:the|my|our) (?:final )?answer\b",
        ),
    ),
    (
        skills.CHECKING,
        2.2,
        (
            r"i (?:think|believe|feel)(?: that)? "
            r"(?:that|this|it|i've|i have|my|i'm|we've|all|everything)(?:'s)? "
            r"[^.?!]{0,40}(?:sense|correct|right|it|covered|considered|solid|thorough|good|fine|confident|works?)\b",
            r"i(?:'m| am) (?:pretty |quite )?confident",
            r"i (?:don't|can't) (?:see|find|think) (?:any|i made)",
            r"(?:does|is|are|do|did) (?:that|this|it|they|everything|i)\b[^?]{0,40}"
            r"\b(?:right|correct|sense|work|match|add up|hold|true)\b[^?]{0,20}\?",
            r"(?:did|am) (?:i|we)\b[^?]*\?",
            r"(?:just )?to (?:ensure|be sure|make (?:\S+ )?sure)\b",
            r"whether (?:i|we)\b[^?]*\bsame\b|both (?:ways|methods|approaches)\b|either way\b",
        ),
    ),
    (skills.CONCLUDING, 1.6, (rf"(?:[a-z]+ )?{_LETTER} ?= ?-?[\d.,/]+[\s.$\\)]*\Z",)),
    (
        skills.NAMING,
        3.0,
        (
            rf"{_LET} (?:denote|call|define|assign|name|label)\b",
            r"let (?!me|us)[^.?!]{1,40}?\b(?:be|represent|denote|stand)\b",
            rf"let {_LETTER} ?=",
            r"(?:denote|define)\b",
        ),
    ),
    (
        skills.RECALLING,
        3.0,
        (
            rf"(?:{_WE} |{_LET} )?(?:remember|recall|know)\b[^.?!]{{0,60}}?{_FORMULA}",
            rf"(?:the|a|there's a|there is a) {_THING}{_FORMULA}{_WORKS}",
            r"(?:the )?(?:area|volume|perimeter|circumference|surface area|distance|slope|midpoint|sum)\b"
            r"[^.?!=\d]{0,60}(?:is|=|:)[^=?\d]{0,20}"
            r"(?:\\?[a-zπ]+|\d) ?[*×·+/^(²³][^=?]{0,20}[a-z][^=?]{0,20}\Z",
        ),
    ),
    (
        skills.FACT,
        2.5,
        (
            rf"(?:{_WE} |{_LET} |{_WE} need to )?(?:remember|recall)\b",
            rf"{_WE} know\b(?![^.?!]*(?:, so\b|, hence\b|therefore|=[^=]*=))",
        ),
    ),
    (
        skills.APPLYING,
        3.0,
        (
            rf"(?:by |if |{_WE} (?:can |could |should )?|{_LET} )?"
            r"(?:using|use|apply|applying|from|by|according to|with) "
            rf"(?:the |this |that |our )?{_KIND}{_FORMULA}",
        ),
    ),
    (
        skills.EQUATION,
        3.0,
        (
            rf"(?:{_WE} (?:can |could |should |need to |have to )?|{_LET} )?"
            r"(?:set(?:ting)? ?up|translat(?:e|ing)|writ(?:e|ing)|express|get|have)"
            r" (?:down |out |up )?(?:this |an? |the |that |our |my |it as |these )*(?:\w+ ){0,2}"
            r"(?:equations?|inequalit\w+|proportion|system)\b",
            r"(?:so )?(?:the|our|my) (?:first |second |third |next )?"
            r"(?:equations?|system|proportion)\b[^.?!]{0,30}"
            r"(?: (?:is|are|becomes?|would be)|:)",
        ),
    ),
    (
        skills.SOLVING,
        2.5,
        (
            r"(?:multiply|divid|add|subtract|squar|tak)[a-z]{0,5} "
            r"(?:[^ .,]{1,12} ){0,4}?(?:sides?|equations?)\b",
            rf"(?:{_WE} |{_LET} )?solv(?:e|ing)\b(?! (?:this|the|that) (?:\w+ )?{_TASK})",
            rf"(?:by |{_WE} (?:can )?|{_LET} )?cross[- ]?multipl",
        ),
    ),
    (
        skills.PATTERN,
        2.5,
        (rf"{_WE} (?:can )?(?:notice|see|spot|observe) (?:a|the|that|some)[^.?!]{{0,40}}pattern",),
    ),
    (
        skills.CASES,
        2.5,
        (
            r"[*#_ ]*(?:sub)?case\b(?! in point)",
            rf"(?:if|try|testing|trying|suppose|assume|{_LET} (?:try|test|take|say)|check) "
            rf"(?:that )?{_LETTER} ?(?:[=<>≤≥]|is\b|\\[gl]e)",
            r"what if\b|suppose\b|assume\b",
        ),
    ),
    (
        skills.SUBSTITUTION,
        1.0,  # what is done with the value counts for more
        (
            rf"(?:for|when|with|at|setting|plugging in) {_LETTER} ?= ?-?[\d.]+(?: ?\\\)|\$)?(?:,|:| ?→)",
            rf"{_LETTER} ?= ?-?[\d.]+(?: ?\\\)|\$)?(?::| ?→)",
        ),
    ),
    (
        skills.SUBSTITUTION,
        2.0,
        (
            rf"(?:{_WE} (?:can )?|{_LET} )?(?:substitut(?:e|ing)|plug(?:ging)?)\b"
            r"(?! (?:it|this|that|them|these) back)",
        ),
    ),
    (
        skills.METHOD,
        2.5,
        (
            rf"{_LET} (?:think (?:about|of)|start|figure|break|approach|tackle|visualize|imagine|proceed|"
            r"try (?:to|using|an)|"
            r"begin|analyze|dive|see (?:if (?:i|we|there)|how (?!many)|whether))\b",
            rf"{_WE} need to think\b",
            r"how (?:do|can|should|would|about|to)\b",
            rf"(?:maybe|perhaps) (?:{_WE} (?:can|could|should)|using)\b",
            rf"{_WE} (?:think (?:i|we) )?(?:could|can|should|might) (?:also |then |just |now |instead )?"
            r"(?:use|try|start|think|approach|break|proceed|split|divide (?:the|this|it))\b",
            r"i(?:'m| am) going to\b",
            r"(?:i think )?the (?:key|idea|plan|strategy|approach|best|easiest|first step|next step)\b",
            r"one (?:way|approach|method)\b",
            r"i(?:'m| am) (?:not sure how|thinking|wondering how)\b",
        ),
    ),
    (
        skills.SUBGOAL,
        2.2,
        (
            rf"{_WE} (?:need to|have to|want to|need|want) (?!be\b)\w+",
            rf"{_WE} must (?:find|figure|determine|compute|calculate|know|get|count|show|prove)\b",
            r"(?:next|first),? (?:i|we) (?:need|have|want) to\b",
            r"to (?:find|solve|do|get|compute|determine|figure|calculate)\b",
            r"(?:my|our|the) (?:goal|task|aim)\b",
            r"(?:what|which|how many|how much) [^?]*\?|(?:what|how many|how much) (?:is|are)\b",
            rf"(?:could|can|does|do|are|is) {_IT}\b[^?]*\?",
            r"(?:i|we)(?:'re| are|'m| am) (?:looking|trying|supposed)\b",
            rf"{_LET} see (?:how many|what)\b",
        ),
    ),
    (
        skills.RECONSIDERING,
        2.5,
        (
            r"is there (?:a|any)(?: other)? (?:chance|possib|restriction|mistake|issue|case)",
            r"what about\b",
            rf"(?:maybe|perhaps|possibly) (?:they|the {_TASK})\b",
            rf"{_LET} consider (?:if|whether)",
            rf"{_WE} (?:might|may|should) (?:also )?(?:need to )?consider\b",
            rf"(?:maybe|perhaps) (?:{_WE} (?:made|mis\w+|messed|need to consider)|there)\b",
            r"(?:i think )?i (?:missed|messed|forgot|confused|made a)\b",
        ),
    ),
)
OPENER = re.compile(
    "|".join(f"(?P<o{index}>{'|'.join(patterns)})" for index, (*_, patterns) in enumerate(_OPENERS))
)
FUNCTIONS = {f"o{index}": Function(skill, weight) for index, (skill, weight, _) in enumerate(_OPENERS)}
"""What a sentence does by the group of OPENER that matches."""
