"""Recognize from its words what a unit does: meta talk, checking, turning back, doubting, asking, defining.

Every pattern is named and runs in linear time. Patterns for an opening are matched where the unit's own words
begin, after interjections ("Okay, so …"). A pattern with many alternatives has one `\b` before all of them:
`re` then tries them only where a word begins, which is several times as fast.
"""

import re
from functools import lru_cache

OPENER = re.compile(  # interjections before the unit's own words
    r"(?:(?:okay|ok|alright|all "
    r"right|hm+|well|so|now|wait|oh|ah|right|yeah|yes|yep|yup|good|great|perfect|cool|sure|but|and|then"
    r"|hold on|actually|first|therefore|thus|hence|also|anyway|again)\b[,.!:;—–… -]{0,4}){1,8}"
)
TURN = re.compile(  # takes back the statement before it
    r"(?:(?:but|so|oh|hmm|hm|okay|ah)[,. ]{1,3}){0,3}"
    r"(?:(?:wait|no|hold on|actually|hmm|hm|oops)[,. ]{1,3}){0,3}"
    r"(?:no[,.] |oops|scratch that|(?:so )?it(?:'s| is| should be) \S{1,20}, not |that (?:does "
    r"not|doesn't|can't|cannot|is not|isn't|wouldn't|would not) (?:be |make |seem |look )?"
    r"(?:right|correct|sense|possible|true|work|good|helpful)|that's (?:not "
    r"(?:entirely |quite |exactly |really )?(?:right|correct|accurate|true|possible|helpful|good)"
    r"|wrong|incorrect|impossible)|that is (?:wrong|incorrect|impossible|a contradiction)"
    r"|this (?:is|seems) (?:not "
    r"(?:right|correct|helpful)|wrong|incorrect|impossible)"
    r"|this (?:doesn't|does not|can't|cannot) (?:be |make |seem |look "
    r")?(?:right|correct|sense|possible|true|work|help)"
    r"|(?:i|we) (?:think i |think we |must have |might have |may have |probably |have "
    r")?(?:made|messed|misread|miscalculated|misunderstood|forgot|confused|miscounted)\b)"
)
UNEASY = re.compile(  # is not settled
    r"\b(?:wait|hmm+|mistake|not sure|confus\w{1,6}|i misread|(?:doesn't|does not) make sense|hold on"
    r"|different from my|contradict\w{1,5}|earlier (?:i|mistake|calculation))\b"
)
PROSE = re.compile(r"(?<!\\)\b[a-zA-Z]{3,20}\b [a-zA-Z]{2,20}\b")  # two words in a row
NEGATED_ERROR = re.compile(
    r"\b(?:didn't|did not|don't|not|n't|no|whether|if|any|without|never|sure)\b"
)  # no error after all
RETRACTION = re.compile(  # says that something written before is wrong
    r"\b(?:i|we) (?:must have |think i |think we |might have |may have |have |just )?"
    r"(?:made (?:a |an |some "
    r")?(?:mistake|error|miscalculation)|misread|miscalculated|misunderstood|miscounted|messed up)"
    r"|\bmy (?:mistake|error)\b|\b(?:that|this|which) (?:is|was|'s) (?:wrong|incorrect)|\bthat's "
    r"(?:wrong|incorrect|not right|not correct)"
    r"|\b(?:earlier|previous|initial|first) (?:\w{1,15} )?(?:was|is) "
    r"(?:wrong|incorrect|mistaken)|\bcorrect (?:that|myself)\b|\bcontradict"
)
CHECK = re.compile(  # verifies a known result
    r"\b(?:double[- ]?check|verif(?:y|ies|ying|ication)\b|check(?:s|ing|ed)? "
    r"(?:that|if (?!an?\b|any\b)|whether|my|this|with|again|it|for|our|both|all|once|out|these|those|some"
    r"|the (?:answer|result|calculation|computation|math|work|arithmetic|solution|sum|total|numbers?)s?\b)"
    r"|let(?:'s| me)(?: just| quickly)? (?:re-?)?check\b|(?:just|let me|let's|to) make sure\b|to be "
    r"(?:sure|safe|thorough|certain|careful)\b"
    r"|just to (?:confirm|verify|check|be)|confirm(?:s|ing|ed)?\b|sanity "
    r"check|plug(?:ging|ged)? (?:it |this |them |that |these )?back"
    r"|(?:compute|calculate|do|doing|count|go|list|work) (?:[a-z]{2,10} ){0,3}(?:again|once more|another "
    r"time)\b|same (?:result|answer)\b"
    r"|work(?:ing)? backwards?\b|cross-?check|re-?check|go over "
    r"(?:that|this|it|the)\b|re-?verify|check:|match(?:es)? (?:what|our|the|up|with)"
    r"|let(?:'s| me) re-?(?:evaluat|calculat|comput|count|solv|do|visit|iterat)\w{0,3}\b"
    r"|let me see if (?:that|this|it)|consistent with)"
)
OPEN_CHECK = (
    re.compile(  # part of the derivation that only sounds like a check: "Now, 15: check if it is prime."
        r"(?:okay,? |so,? |and )?(?:now|next|then|finally|moving on)\b[^.?!]{0,60}\bcheck (?:if|whether) "
        r"(?:this|it|\S{1,12}) is (?:an? |divisible|prime|even|odd)"
    )
)
AFFIRMED = re.compile(
    r"(?:(?:so|okay|and|oh|ah)[,. ]{1,3}){0,2}(?:yes|yep|yeah|yup|good|great|perfect|correct|exactly)\b"
)  # begins with a yes
VERDICT = re.compile(  # a check succeeded
    r"\b(?:that|this|it|which|everything|all|they|both|seems?|calculations?|steps?|equations|conditions)"
    r"(?:'s| is| are| does| do)? "
    r"(?:to |all |also |indeed |exactly |be |seems? |looks? |perfectly ){0,3}"
    r"(?:match(?:es)?|correct|right|consistent|checks? out|works?(?: out)?|makes? sense|holds?|adds? up"
    r"|fine|good|valid|agrees?|confirms?|satisfied)\b"
    r"|\bsame (?:result|answer|thing|number|as before)\b|\bas (?:i |we )?(?:before|found|calculated|got)\b"
)
AGREES = re.compile(  # says that a value is as it was before
    r"\d\S* is (?:indeed )?(?:correct|right)\b|\bis indeed\b.*\d|\b(?:as|than) (?:before|expected)\b"
)
UNDECIDED = re.compile(  # a check is not finished
    r"\b(?:if|whether|not|but|make sure|verify|should|let me|let's|maybe)\b|n't\b|\?\Z"
)
ALTERNATIVE = re.compile(  # another way to a known result
    r"alternatively\b|another (?:way|approach|method|thought|angle|check)|is there (?:a|an|another|any) "
    r"(?:\w{1,12} )?(?:way|method|approach|possib)"
    r"|let me (?:think|see)(?: of| about)? (?:if|whether) there(?:'s| is) another"
    r"|(?:let me|let's|i can|i could|maybe i can|we can also|i could also)(?: \w{1,8}){0,3} "
    r"(?:another|a different|an alternative)|as an alternative|just to (?:recap|summarize)"
    r"|(?:to )?(?:recap|summar)|(?:let me|let's) (?:recap|summarize)|similarly, (?:another|alternatively)"
)
GOING_BACK = re.compile(  # questions the statement before it, whether or not it takes it back
    r"(?:(?:but|so|oh|hmm?)[,. ]{1,3}){0,3}(?:wait|hold on|no\b|but that)"
)
DOUBT = re.compile(  # weighs without deciding
    r"\b(?:not (?:entirely |completely |quite |too |100% )?(?:sure|certain)\b|i'm "
    r"(?:confused|stuck|getting)|i wonder\b|maybe (?:i|we) "
    r"(?:should|can|need|could|misread|made|have)"
    r"|perhaps (?:i|we)\b|(?:did|have|am) i\b|i don't (?:think|know|see|remember|need|have)|i "
    r"might\b|wait,? (?:is|does|did|are|do|what|why|how|maybe|perhaps|but|let|so)\b"
    r"|^hm+\b|^(?:probably|presumably)\b|missing (?:something|anything)|sounds "
    r"(?:right|familiar|good|complicated)|that might (?:be|not)|seems (?:a bit|a "
    r"little|too|straightforward|complicated|low|high))"
)
# Every match of a pattern contains one of the words in its list; searching for them first is much cheaper.
_CHECK_WORDS = (
    *("check", "verif", "sure", "to be ", "confirm", "plug", "again", "once more", "another time", "same "),
    *("backward", "go over ", "match", "let me ", "let's re", "consistent"),
)
_VERDICT_WORDS = (
    *(
        "match",
        "correct",
        "right",
        "consistent",
        "check",
        "work",
        "sense",
        "hold",
        "add",
        "fine",
        "good",
        "valid",
    ),
    *("agree", "confirm", "satisfied", "same ", "before", "found", "calculated", "got"),
)
_RETRACTION_WORDS = (
    *("mistake", "error", "mis", "messed", "wrong", "incorrect", "not ", "correct ", "contradict"),
)
_DOUBT_WORDS = (
    *("not ", "i'm", "wonder", "maybe", "perhaps", "did i", "have i", "am i", "i don't", "might", "wait"),
    *("hm", "probably", "presumably", "missing ", "sounds ", "seems "),
)
_RESTATING_WORDS = (
    *("problem", "question", "need to ", "have to ", "want to ", "asked", "we're ", "we are ", "i'm "),
)
_VALIDITY_WORDS = (
    *("satisf", "extraneous", "invalid", "reject", "discard", "not ", "valid only", "no solution", "outside"),
    "contradiction",
)
META = re.compile(  # talks about the work without doing it
    r"(?:let me|let's|let us)(?: just| now| also| first| try to| go ahead and)? "
    r"(?:see|think|recall|break|start|figure|write|do|go|visualize|imagine|restate|re-?read|parse"
    r"|look|understand|approach|tackle|dive|get|try|move|proceed|remember|compute|calculate|work|note"
    r"|jot|analyze|consider|begin|organize|read|test|take|step|focus|draw|sketch)\b"
    r"|i (?:need to|have to|should|want "
    r"to|think|guess|wonder|believe|see|will|must|can|remember|recall|know|am|could)\b|i'(?:ll|m|ve)\b"
    r"|we (?:need to|have to|should|want to|must|can|are asked|are given)\b"
    r"|(?:that|this) (?:makes sense|seems|sounds|looks|is (?:a bit|getting|kind "
    r"of|interesting|straightforward|good|right|correct|it|fine|true|the answer i))"
    r"|this is a (?:very |rather )?(?:complex|challenging|difficult|tricky|hard)\b"
    r"|(?:that|this|it)'s (?:right|correct|good|it|straightforward|fine|true|interesting|a "
    r"good|consistent|reasonable|all)|it (?:makes sense|seems|looks|is (?:right|correct|good))|makes "
    r"sense|not sure|maybe\b|perhaps\b"
    r"|the (?:problem|question) (?:says|asks|is|states|gives|wants|mentions)|got (?:it|that)|done\b|to "
    r"do (?:this|that)\b|next step|here's|moving on|step by step|what i know|correct\b|exactly\b"
)
RESTATING = re.compile(  # says explicitly that it repeats the problem
    r"\b(?:problem|question) (?:says|asks|is asking|wants|states|statement|gives|is "
    r"to|mentions|here)|\b(?:have|got|solve|understand) (?:this|a|the) (?:\w{1,15} "
    r"){0,3}(?:problem|question)\b"
    r"|\bi (?:need|have|want) to (?:find|figure out|determine|compute|calculate|evaluate|solve)\b|\bwe "
    r"(?:need|are asked|have|want) to "
    r"(?:find|determine|compute|calculate|evaluate|solve|figure)\b|\basked to find\b"
    r"|\bwe're (?:asked|given)|\bwe are (?:asked|given)|\bi'm (?:asked|given|supposed|trying)"
)
DEFINITION = re.compile(  # names something that later units may use
    r"\b(?:let(?:'s| us| me)?(?: me)? (?:say |call |denote |define |assume |suppose |the "
    r")?[^.?!]{0,60}?\b(?:be|denote|represent|as|stand for)\b|let(?:'s)? "
    r"(?:call|denote|define|assign|say)\b|denote(?:d)? (?:by|the)"
    r"|\bdefine\b|\bcall (?:it|this|that|the|them)\b|let [a-zA-Zα-ω]\w{0,2}\s?[=(∈]|where [a-zA-Zα-ω] "
    r"(?:is|are)\b|assume|suppose|set [a-z]=)"
)
REASON = re.compile(  # argues: such a unit may carry the derivation without a number
    r"\b(?:since|because|therefore|thus|hence|which means|means "
    r"that|implies|formula|theorem|identity|by definition|by symmetry|divisible|equal to|equation"
    r"|factor|denominator|numerator|perpendicular|parallel|similar|congruent|at least|at most|must "
    r"be|cannot|can't be|only if|if and only|so that|each|every|independent)\b"
)
OPERATION = re.compile(  # does something to an expression
    r"\b(?:add|subtract|multipl|divid|factor|squar|substitut|plug|both "
    r"sides|expand|simplif|cancel|combin|rearrang|isolat|distribut|solv|differentiat|integrat)"
)
CONCLUSION = re.compile(
    r"\b(?:answer|therefore|thus|hence|in total|total|finally|conclud|altogether|overall|so)\b"
)
RESUMES = re.compile(  # resumes the derivation
    r"(?:(?:okay|ok|alright|so|and)[,. ]{1,3}){0,2}(?:now|next|then|therefore|thus|hence|so,? "
    r"(?:the|we|now|if|that)|second|third|case|step|for|since|finally|(?:the )?last(?:ly)?|going back"
    r"|let(?:'s)? |\**\d)\b"
)
NEXT = re.compile(
    r"(?:okay,? |so,? |and )?(?:now|next|then|finally|(?:the )?last(?:ly)?|second|third|after that|moving on)"
    r"\b,? "
)  # ends a check
CASE = re.compile(
    r"\b(?:case|first|second|third|fourth|other|similarly|likewise|equation|step|part|next|then)\b"
)
SUPPOSED = re.compile(  # a value that is assumed, not derived
    r"\b(?:suppose|assume|maybe|perhaps|could be|might be|would be if|what if|guess|should be "
    r"around|need to find|need to|want to|have to|find all|see if|try)\b|^(?:if|case|for|when)\b"
)
TAG_QUESTION = re.compile(
    r", (?:right|correct|yes|isn't it|is it not)\s?\?$"
)  # a statement that only asks for assent
DANGLING = re.compile(  # refers to the unit before it
    r"(?:like|and|but|or|that|this|which|it|they|these|those|because|otherwise|such|his|her|its|their"
    r"|he|she|then that|so that|so it|so this|so these|so they|for example|e\.g|both|same|similarly"
    r"|likewise|instead)\b"
)
VALIDITY = re.compile(  # a check that the derivation needs: which of several values are valid
    r"\b(?:satisf|extraneous|invalid|reject|discard|not valid|valid only|no solution|not a solution|not "
    r"in (?:the|this)|outside|contradiction)"
)
ITEM = re.compile(r"\s{0,12}(?:[-*•]|\(?\d{1,2}[.)]|\(?[a-zA-Z][.)]|\(?i{1,3}\))\s")  # a line of a list
DECORATION = re.compile(
    r"[\s*#_=~`>✅🔹-]*(?:\**(?:final answer|answer|solution)\**:?\**)?[\s*#_=~`>-]*\Z", re.I
)  # a rule, a bare heading


# The teacher tests the same unit several times.
_cached = lru_cache(maxsize=2048)


@_cached
def checks(lower: str) -> bool:
    """Whether a unit verifies a known result."""
    if not any(map(lower.__contains__, _CHECK_WORDS)):
        return False
    return CHECK.search(lower) is not None and not OPEN_CHECK.match(lower)


def doubts(lower: str) -> bool:
    """Whether a unit weighs without deciding."""
    return any(map(lower.__contains__, _DOUBT_WORDS)) and DOUBT.search(lower) is not None


def restates(lower: str) -> bool:
    """Whether a unit says explicitly that it repeats the problem."""
    return any(map(lower.__contains__, _RESTATING_WORDS)) and RESTATING.search(lower) is not None


@_cached
def decides_validity(lower: str) -> bool:
    """Whether a unit says which of several values are valid."""
    return any(map(lower.__contains__, _VALIDITY_WORDS)) and VALIDITY.search(lower) is not None


@_cached
def confirms(lower: str) -> bool:
    """Whether a unit says that a check succeeded: "Yes, that matches."."""
    verdict = AFFIRMED.match(lower) or (
        any(map(lower.__contains__, _VERDICT_WORDS)) and VERDICT.search(lower)
    )
    return bool(verdict) and not UNDECIDED.search(lower)


@_cached
def opening(lower: str) -> int:
    """Return where the unit's own words begin, after interjections."""
    item = ITEM.match(lower)
    start = item.end() if item else 0
    opener = OPENER.match(lower, start)
    return opener.end() if opener else start


@_cached
def takes_back(lower: str) -> bool:
    """Whether a unit turns back: "No, wait, that is not right."."""
    return TURN.match(lower) is not None and not checks(lower)


@_cached
def retracts(lower: str) -> bool:
    """Whether a unit says that something before it was wrong, and does not deny that."""
    if not any(map(lower.__contains__, _RETRACTION_WORDS)):
        return False
    retraction = RETRACTION.search(lower)
    return (
        retraction is not None
        and not NEGATED_ERROR.search(lower[max(0, retraction.start() - 45) : retraction.start()])
        and not lower.endswith("?")
    )
