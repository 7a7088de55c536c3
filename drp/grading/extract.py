"""Find the final answer in a response: `extract_answer(text)`.

In order of trust: `\\boxed{}`, GSM8K's `#### 72`, a phrase such as "the answer is", the last number. The time
is linear in the text. The caller passes the response, that is, what follows `</think>`.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from drp.records import AnswerSource

_TAIL = 4_000
"""Characters in which the last number is looked for before the whole text is read."""
_LONGEST_PHRASE = 200
"""A longer rest of a line is an explanation, not an answer."""

# A box opens, or a brace; an escaped backslash or brace is taken whole so that it does not count.
_BRACE = re.compile(r"\\(?:boxed|fbox|framebox)\s{0,8}\{|\\[\\{}]|[{}]")
# A box without braces: \boxed 5, \boxed\frac12.
_BARE_BOX = re.compile(r"\\(?:boxed|fbox)\s{0,8}(-?(?:\\[dt]?frac\s?\d\s?\d|[\w./]{1,40}))")
# A box within an answer adds nothing.
_BOX_COMMAND = re.compile(r"\\(?:boxed|fbox|framebox)\s{0,8}(?=\{)")
# Two boxes with only this between them are parts of one answer.
_JOINT = re.compile(
    r"[\s$&.\\()\[\]!]{0,20}(?:,|;|\\q?quad|\\(?:text|mbox)\s?\{[\s,]{0,4}(?:and|or)\s{0,4}\}|\band\b|\bor\b)"
    r"(?:[\s$&,.\\()\[\]!]|\\?q?quad|text\s?\{\s{0,4}(?:and|or)\s{0,4}\}|\band\b|\bor\b){0,30}"
)
_MARKED = re.compile(r"^####[ \t]{0,8}(\S[^\n]{0,300})", re.MULTILINE)
# "The answer is", "Final answer:", "**Answer**" and what follows, on this line or the next.
_PHRASE = re.compile(
    r"\banswer\b(?:[^\n.:=?]{0,60}?\b(?:is|are|equals)\b\s{0,3}:?|\**\s{0,3}[:=]|\**[ \t]{0,8}(?=\n))"
    r"[\s*]{0,8}(?=(?P<rest>[^\n]{1,400}))",
    re.IGNORECASE,
)
# Mathematics at the start of the rest: all that the answer is.
_MATH = re.compile(
    r"(?:\$\$(?P<a>[^$]{1,300})\$\$|\$(?P<b>[^$]{1,300})\$|\\\((?P<c>.{1,300}?)\\\)|\\\[(?P<d>.{1,300}?)\\\])"
)
# What the writer stressed in the rest is the answer.
_BOLD = re.compile(r"\*\*([^*]{1,200})\*\*")
# Where an answer in prose ends: a sentence's end, or a reason.
_PROSE_END = re.compile(r"[.!?](?=\s|\*|$)|,? (?:because|since|as|so|which)\b|\*\*|<\||;\s")
_NUMBER = re.compile(
    r"(?<![\w.])[-−]?\$?(?:\d{1,3}(?:,\d{3}){1,8}(?!\d)|\d{1,400})(?:\.\d{1,400})?(?:\s?/\s?\d{1,40})?\s?%?"
)


@dataclass(frozen=True)
class Extracted:
    """The answer as written, without its wrapping, and where it was found."""

    answer: str
    source: AnswerSource


def extract_answer(text: str) -> Extracted | None:
    """The final answer of a response, or None when it has none.

    The last non-empty box wins; neighbouring boxes joined by commas or "and" are one answer.
    """
    if "boxed" in text or "fbox" in text or "framebox" in text:
        boxed = _boxed(text)
        if boxed:
            return Extracted(boxed, "boxed")
    marked = [match.group(1).strip() for match in _MARKED.finditer(text)]
    if marked:
        return Extracted(marked[-1], "hash")
    for rest in reversed([match.group("rest") for match in _PHRASE.finditer(text)]):
        phrase = _phrase(rest)
        if phrase:
            return Extracted(phrase, "phrase")
    number = _last_number(text)
    return Extracted(number, "last_number") if number else None


def _boxed(text: str) -> str | None:
    spans = [(start, end, _clean(text[start:end])) for start, end in _boxes(text)]
    spans = [span for span in spans if span[2]]
    bare = [match for match in _BARE_BOX.finditer(text) if not spans or match.start() > spans[-1][1]]
    if bare:
        return bare[-1].group(1).rstrip(".")
    if not spans:
        return None
    parts = [spans[-1]]
    for span in reversed(spans[:-1]):
        gap = text[span[1] + 1 : parts[-1][0]].removesuffix("{")
        gap = gap[: gap.rfind("\\")] if "\\" in gap else gap
        if not _JOINT.fullmatch(gap):
            break
        parts.append(span)
    answers = list(dict.fromkeys(part[2] for part in reversed(parts)))
    return ", ".join(answers)


def _boxes(text: str) -> Iterator[tuple[int, int]]:
    """Content spans of the outermost closed boxes, in order; one pass over the braces."""
    opened: list[int | None] = []
    found: list[tuple[int, int]] = []
    for match in _BRACE.finditer(text):
        token = match.group()
        if token == "{":
            opened.append(None)
        elif token.endswith("{") and len(token) > 2:
            opened.append(match.end())
        elif token == "}" and opened:
            start = opened.pop()
            if start is not None:
                while found and found[-1][0] > start:
                    found.pop()
                found.append((start, match.start()))
    yield from found


def _clean(answer: str) -> str:
    return _BOX_COMMAND.sub("", answer).strip()


def _phrase(rest: str) -> str | None:
    rest = rest.strip(" \t:_\"'")
    math = _MATH.match(rest)
    if math:
        return (next(group for group in math.groups() if group)).strip() or None
    bold = _BOLD.search(rest)
    if bold:
        rest = bold.group(1)
    end = _PROSE_END.search(rest)
    answer = (rest[: end.start()] if end else rest).rpartition(" is ")[2].strip(" \t*:_\"'`.,")
    return answer if answer and len(answer) <= _LONGEST_PHRASE else None


def _last_number(text: str) -> str | None:
    for start in {max(0, len(text) - _TAIL), 0}:
        last = None
        for last in _NUMBER.finditer(text, start):
            pass
        if last is not None and (last.start() > start or start == 0):
            return last.group().strip().replace("−", "-").replace("$", "")
    return None
