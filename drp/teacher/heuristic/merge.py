"""MULTI-STEP COMPRESS: write two neighbouring sentences as one.

a = 3·4.  So a = 12.                 ->  a = 3·4 = 12.                  merged_chain
We compute 5 + 6.  That is 11.       ->  We compute 5 + 6 = 11.         merged_setup
3·4 = 12.  So there are 12 apples.   ->  3·4 = 12, so there are 12 …    merged_result
The area is:  \\[ A = … \\]            ->  The area is: \\[ A = … \\]       merged_lead_in
"""

import re
from functools import lru_cache
from typing import NamedTuple

from drp.teacher.heuristic.decision_reasons import DecisionReason
from drp.teacher.heuristic.signals import ITEM
from drp.traces import VALUE, plain

_LONGEST = 240  # most characters of a merged sentence, so that it stays readable
_BREAK = re.compile(
    r"[a-zA-Z'’]{2,}|[,;:.?](?=\s)|[^\w\s.,+*/^=×·÷−()√²³!-]|_|\n"
)  # does not occur in a plain formula
_CONTINUES = re.compile(
    r"(?:so|then|thus|therefore|hence|which means|that means|this means|that gives|this gives|so i "
    r"get|so we get|that's|that is)?,?\s?",
    re.I,
)
_STATES = re.compile(  # "That is 11 apples": the value of the expression just named
    r"(?:so,? )?(?:that|this|it|which)(?:'s| is| equals| gives(?: us| me)?| would be| comes to| makes| "
    r"will be| simplifies to| becomes)(?: just| equal to)? (?=[\d$\\√-])",
    re.I,
)
_OPERATION_WORD = re.compile(r" (?:squared|cubed|times|divided|multiplied|plus|minus|choose|to the)\b")
_CONCLUDES = re.compile(r"(?:so|therefore|thus|hence)\b,? (?=\w|\$|\\\()", re.I)
_ANNOUNCES = re.compile(  # announces the next step
    r"(?:(?:okay|now|so|first|next|then|and)\b,? ?){0,3}"
    r"(?:(?:i|we) (?:think (?:i|we) )?(?:should|need|want|can|have to)"
    r"|let(?:'s| me| us)|(?:my|the) (?:plan|first|next|last)(?: \w{1,8})? is)\b",
    re.I,
)
_STATEMENT = re.compile(
    r"\b(?:is|are|was|were|be|has|have|had|can|could|must|will|would|means|gives?|makes?|equals?|becomes"
    r"|simplif\w{1,5}|says|states)\b|'s\b|[=≡≈<>≤≥]",
    re.I,
)
_ORDINARY = frozenset(  # words written in lower case inside a sentence, unlike names and variables
    [
        *(
            "the",
            "there",
            "that",
            "this",
            "it",
            "we",
            "if",
            "each",
            "for",
            "in",
            "an",
            "when",
            "they",
            "these",
        ),
        *(
            "those",
            "he",
            "she",
            "all",
            "both",
            "his",
            "her",
            "its",
            "our",
            "my",
            "to",
            "at",
            "on",
            "as",
            "by",
        ),
        *("since", "so", "one"),
    ]
)
_OPERATOR = re.compile(r"[\d)a-z}]\s?(?:[-+*/×·÷−^]|\\times|\\cdot|\\div)\s?[\d(a-z\\{]")


class _Formula(NamedTuple):
    """A formula in a sentence: the text before it, its delimiters and content, and the text after it."""

    before: str
    opener: str
    inside: str
    closer: str
    after: str

    @property
    def sides(self) -> list[str]:
        """The sides of the equation, without spaces."""
        return [plain(side).replace(" ", "") for side in self.inside.split("=")]


def _tail(sentence: str) -> _Formula | None:
    """Return the formula at the end of a sentence."""
    text = sentence.rstrip().rstrip(".")
    for opener, closer in (("\\(", "\\)"), ("$", "$")):
        if text.endswith(closer) and not text.endswith("$$"):
            start = text.rfind(opener, 0, len(text) - len(closer))
            if start < 0:
                return None
            return _Formula(
                text[:start], opener, text[start + len(opener) : -len(closer)].strip(), closer, ""
            )
    if "$" in text or "\\" in text:
        return None
    start = max(0, len(text) - _LONGEST)
    for match in _BREAK.finditer(text, start):
        start = match.end()
    inside = text[start:].strip()
    return _Formula(text[: len(text) - len(text[start:].lstrip())], "", inside, "", "") if inside else None


def _head(sentence: str) -> _Formula | None:
    """Return the formula at the beginning of a sentence."""
    for opener, closer in (("\\(", "\\)"), ("$", "$")):
        if sentence.startswith(opener) and not sentence.startswith("$$"):
            end = sentence.find(closer, len(opener))
            if end < 0:
                return None
            return _Formula(
                "", opener, sentence[len(opener) : end].strip(), closer, sentence[end + len(closer) :]
            )
    if "$" in sentence or "\\" in sentence:
        return None
    match = _BREAK.search(sentence)
    inside = sentence[: match.start() if match else len(sentence)].rstrip(" .,(")
    return _Formula("", "", inside, "", sentence[len(inside) :])


def _chained(first: str, second: str) -> tuple[str, DecisionReason] | None:
    """Join two formulas that continue each other."""
    tail = _tail(first)
    if tail is None or not tail.inside or not _OPERATOR.search(tail.inside + " "):
        return None
    stated = _STATES.match(second)
    opening = stated or _CONTINUES.match(second)
    head = _head(second[opening.end() :]) if opening else None
    if head is None or not head.inside or head.opener != tail.opener:
        return None
    sides, following = tail.sides, head.inside.split("=")
    if stated:
        if (
            not _OPERATOR.search(tail.inside.split("=")[-1])
            or "=" in head.inside
            or not VALUE.search(head.inside)
        ):
            return None
        if _OPERATION_WORD.match(head.after):
            return None
        if plain(head.inside).replace(" ", "") == sides[-1]:
            return None
        added, reason = [head.inside], "merged_setup"
    elif len(following) < 2:
        return None
    elif head.sides[0] == sides[-1]:
        added, reason = following[1:], "merged_setup" if len(sides) == 1 else "merged_chain"
    elif len(sides) > 1 and head.sides[0] == sides[0] and _OPERATOR.search(sides[-1]):
        added, reason = following[1:], "merged_chain"
        if head.sides[1] == sides[-1]:
            added = following[2:]
    else:
        return None
    inside = " = ".join([tail.inside, *(part.strip() for part in added)])
    return (
        f"{tail.before}{tail.opener}{inside}{tail.closer}{head.after}",
        "merged_setup" if reason == "merged_setup" else "merged_chain",
    )


def _resulting(first: str, second: str) -> tuple[str, DecisionReason] | None:
    """Join a computation with the sentence that concludes from its result."""
    concluding = _CONCLUDES.match(second)
    if not concluding or not first.endswith(".") or len(first) + len(second) > _LONGEST:
        return None
    if (
        _CONCLUDES.match(first)
        or ", so " in first
        or "\n" in first + second
        or second.count(". ")
        or ", so" in second
    ):
        return None
    if _ANNOUNCES.match(first) or not _STATEMENT.search(first):
        return None  # nothing follows from "Now the apples after Mia sells 4."
    values = VALUE.findall(plain(first))
    if not values or values[-1] not in VALUE.findall(plain(second)):
        return None
    rest = second[concluding.end() :]
    word = rest.split(maxsplit=1)[0]
    if word.lower().strip(",") in _ORDINARY:
        rest = rest[0].lower() + rest[1:]
    return f"{first[:-1]}, so {rest}", "merged_result"


def _announced(first: str, second: str) -> tuple[str, DecisionReason] | None:
    """Join an announcement that ends in a colon with the formula after it."""
    if not first.endswith(":") or len(first) > 160 or ITEM.match(second) or second.endswith(":"):
        return None
    display = second.startswith(("\\[", "$$"))
    if not display and ("=" not in second or "\n" in second or len(first) + len(second) > _LONGEST):
        return None
    return first + ("\n" if display else " ") + second, "merged_lead_in"


@lru_cache(maxsize=1024)  # the attempts at a trace keep mostly the same sentences
def joined(first: str, second: str, *, same_paragraph: bool) -> tuple[str, DecisionReason] | None:
    """Merge two neighbouring sentences into one, with the reason; None if they cannot be merged."""
    if announced := _announced(first, second):
        return announced
    if not same_paragraph or ITEM.match(second):
        return None
    return _chained(first, second) or _resulting(first, second)
