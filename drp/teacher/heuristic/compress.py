"""SINGLE-STEP COMPRESS: remove interjections, hedges and announcements from a sentence.

Text with a negation is never removed: "No odd terms" stays, whatever precedes it.
"""

import re
from functools import lru_cache

_INTERJECTION = re.compile(  # a spoken opener, closed by a comma or a full stop
    r"(?:okay|ok|alright|all right|hmm+|hm+|well|right|yeah|yes|yep|yup|oh|ah|wait a "
    r"(?:second|minute|moment)|but wait|oh wait|wait|hold on|good|great|perfect|sure|cool|got "
    r"it|now)\s?(?:[,.!:;—–-]|…|\.\.\.)+\s+(?=\S)",
    re.I,
)
_OKAY_SO = re.compile(r"(?:okay|ok|alright|hmm+|hm+|oh)\s+(?=(?:so|now|let|the|first|then|if|we)\b)", re.I)
_SO = re.compile(r"so,? (?=(?:let|first|since|in this case|for)\b)", re.I)
_SO_COMMA = re.compile(r"so,\s+", re.I)
_ANNOUNCEMENT = re.compile(  # "Let me compute that: 24 × 6 …", "Let me see. x = 3"
    r"(?:let me (?:see|think|recall|compute (?:that|this)|calculate (?:that|this)|do that|write "
    r"(?:that|this|it) down)|let's (?:see|think(?: about (?:it|this|that))?|compute "
    r"(?:that|this)|calculate (?:that|this)))\s?[,.:]\s+(?=\S)",
    re.I,
)
_OPINION = re.compile(  # "I think that the radius is 3": the claim is complete without it
    r"(?:i (?:think|believe|guess|suppose)(?: that)?|i (?:know|see|remember|recall) that),? "
    r"(?=(?:the|a|an|it|this|there|in|for|if|each|when|we|they|since|is|that's)\b|[\\$(\d])",
    re.I,
)
_INTENTION = re.compile(  # "I can write this as …" announces what it does
    r"(?:i|we) (?:can|could|should|need to|have to|will|want to|am going to|just need to) (?:just |also "
    r"|now |then |simply |first "
    r")?(?=(?:write|set|use|substitute|plug|solve|factor|subtract|add|multiply|divide|compute|calculate"
    r"|simplify|expand|rewrite|combine|square|take|apply|convert|consider|count|list|isolate|cancel)\b)",
    re.I,
)
_LET_ME = re.compile(
    r"let me (?:just |now |also |first "
    r")?(?=(?:write|set|use|substitute|plug|solve|factor|subtract|add|multiply|divide|compute|calculate"
    r"|simplify|expand|rewrite|combine|square|take|apply|convert|consider|count|list)\b)",
    re.I,
)
_OPENERS = (
    ("oahwrybgpscn", _INTERJECTION, ""),
    ("oah", _OKAY_SO, ""),
    ("s", _SO, ""),
    ("s", _SO_COMMA, "So "),
    ("l", _ANNOUNCEMENT, ""),
    ("i", _OPINION, ""),
    ("iw", _INTENTION, ""),
    ("l", _LET_ME, ""),
)
"""The letters with which a match can begin (a look at them is cheaper), pattern and replacement."""
_INSIDE = (
    (  # "So 3 * 12 = 36?" states what it computes
        re.compile(
            r"\A(?!(?:(?:so|but|then|and|wait),? )?"
            r"(?:is|are|does|do|was|what|why|how|would|could|can|if)\b)([^?]*=[^?=]{1,30})\?\Z",
            re.I,
        ),
        r"\1.",
    ),
    (re.compile(r", (?:right|correct|yes)\?(?=\s*\Z)", re.I), "."),  # asks for assent at the end
    (
        re.compile(
            r",? (?:i think|i guess|i believe|i suppose|if i recall correctly|if i remember "
            r"correctly|if i'm not mistaken|you know),(?= )",
            re.I,
        ),
        ",",
    ),
    (re.compile(r"(?<=[\w)]), hm+,(?= )", re.I), ","),
    (
        re.compile(
            r"(?<=[\w)}$]),? (?:yes|yep|yeah)(?:,? (?:that's |that is "
            r")?(?:right|correct|good))?(?=[.!]?\s*\Z)",
            re.I,
        ),
        "",
    ),  # "…, yes, correct."
    (re.compile(r",? (?:i think|i guess|i believe|i suppose|hmm)(?=\.\s*\Z)", re.I), ""),
    (re.compile(r"\b(?:basically|essentially|actually|really|obviously|of course),? (?=[a-z])", re.I), ""),
    (re.compile(r"\b(?:i think|i guess|i believe) (?:that )?(?=(?:the|it|this|there)\b)", re.I), ""),
    (re.compile(r"\bin order to\b"), "to"),
    (re.compile(r"\bthe fact that\b"), "that"),
    (re.compile(r"\b(?:i|we) can (?:say|see) that (?=[a-z])", re.I), ""),
)
# Every match of a pattern of _INSIDE contains one of these; searching for them first is much cheaper.
_INSIDE_WORDS = (
    "?",
    *("i think", "i guess", "i believe", "i suppose", "i can ", "we can ", "if i", "you know", "hm"),
    *(
        "right?",
        "correct?",
        "yes",
        "yep",
        "yeah",
        "basically",
        "essentially",
        "actually",
        "really",
        "obviously",
    ),
    *("of course", "in order to", "the fact that"),
)
_ITEM = re.compile(r"\s*(?:[-*•]\s+|\d{1,2}[.)]\s+)?")
_PROTECTED = re.compile(r"\\\[|\$\$|\\begin\{")  # a display formula: only the words before it are changed
_SYMBOL_FIRST = re.compile(
    r"[a-zA-Z](?![a-zA-Z'’])(?:[_^(]|\s*[=<>+*/²³-]|\s+(?:is|are|be|must|can|has|and|=)\b)"
)


def capitalised(text: str) -> str:
    """Return `text` with a capital first letter, unless it begins with a variable."""
    if text[:1].islower() and not _SYMBOL_FIRST.match(text):
        return text[0].upper() + text[1:]
    return text


@lru_cache(maxsize=1024)  # the attempts at a trace keep mostly the same sentences
def compressed(sentence: str) -> str:
    """Return a sentence without fillers and surrounding white space."""
    item = _ITEM.match(sentence)
    lead = item.group().lstrip() if item else ""
    body = sentence[item.end() if item else 0 :].strip()
    rest = body
    for _ in range(3):
        before = rest
        for initials, pattern, replacement in _OPENERS if rest[:1].isalpha() else ():
            if rest[:1].lower() in initials and (match := pattern.match(rest)):
                rest = replacement + rest[match.end() :]
        if rest == before:
            break
    if any(map(rest.lower().__contains__, _INSIDE_WORDS)) and not _PROTECTED.search(rest):
        for pattern, replacement in _INSIDE:
            rest = pattern.sub(replacement, rest)
    if rest != body and (body[:1].isupper() or not body[:1].isalpha()):
        rest = capitalised(rest)
    return lead + rest
