"""Find the final answer in a response: `extract_answer(text)`.

In order of preference it uses `\\boxed{}`, GSM8K's `#### 72`, a phrase such as "the answer is", or the last
number. The time is linear in the text. Pass the response only, that is, what follows `</think>`.
"""

import re
from dataclasses import dataclass
from typing import NamedTuple

from drp.core import AnswerSource

_TAIL = 4_000
"""Length of the tail that is searched for the last number before the whole text is."""
_LONGEST_PHRASE = 200
"""If the rest of a line is longer, it is an explanation and not an answer."""

# The start of a box (with a doubled backslash if JSON was not decoded), or an opening or closing brace.
# Escaped backslashes and braces are matched as a whole, so that they do not count.
_BRACE = re.compile(r"\\{1,2}(?:boxed|fbox|framebox)\s{0,8}\{|\\[\\{}]|[{}]")
# A box without braces: \boxed 5, \boxed\frac12.
_BARE_BOX = re.compile(r"\\(?:boxed|fbox)\s{0,8}(-?(?:\\[dt]?frac\s?\d\s?\d|[\w./]{1,40}))")
# The command of a box inside another answer, which is dropped.
_BOX_COMMAND = re.compile(r"\\(?:boxed|fbox|framebox)\s{0,8}(?=\{)")
_DELIMITER = re.compile(r"(?<!\\)\$")
# Text between two boxes that are parts of one answer: `, `, ` and `, `\text{ for (a) and } y = `.
_JOINT = re.compile(
    r"[\s$&.\\()\[\]!]{0,20}"
    r"(?:,|;|\\q?quad|\\(?:text|mbox)\s?\{[^{}]{0,40}\b(?:and|or)\s{0,4}\}|\band\b|\bor\b)"
    r"(?:[\s$&,.\\()\[\]!]|q?quad|(?:text|mbox)\s?\{\s{0,4}(?:and|or)\s{0,4}\}|\band\b|\bor\b){0,30}"
    r"(?:[A-Za-z]\w{0,4}\s?=\s?)?"
)
_MARKED = re.compile(r"^####[ \t]{0,8}(\S[^\n]{0,300})", re.MULTILINE)
# "The answer is", "Final answer:" or "**Answer**", and the text that follows on this line or the next.
_PHRASE = re.compile(
    r"\banswer\b(?:[^\n.:=?]{0,60}?\b(?:is|are|equals)\b\s{0,3}:?|\**\s{0,3}[:=]|\**[ \t]{0,8}(?=\n))"
    r"[\s*]{0,8}(?=(?P<rest>[^\n]{1,400}))",
    re.IGNORECASE,
)
# A formula at the start of that text is the whole answer.
_MATH = re.compile(
    r"(?:\$\$(?P<a>[^$]{1,300})\$\$|\$(?P<b>[^$]{1,300})\$|\\\((?P<c>.{1,300}?)\\\)|\\\[(?P<d>.{1,300}?)\\\])"
)
# Bold text in it is the answer.
_BOLD = re.compile(r"\*\*([^*]{1,200})\*\*")
# The end of an answer in prose: the end of the sentence, or a reason.
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
    """Return the final answer of a response, or None if there is none.

    The last non-empty box wins; neighbouring boxes joined by commas or "and" form one answer.
    """
    if "boxed" in text or "fbox" in text or "framebox" in text:
        boxed = _boxed(text)
        if boxed:
            return Extracted(boxed, "boxed")
    marked = [match.group(1).strip() for match in _MARKED.finditer(text)]
    if marked:
        return Extracted(marked[-1], "hash")
    for rest in reversed([match.group("rest") for match in _PHRASE.finditer(text)]):
        phrase = _answer_in_prose(rest)
        if phrase:
            return Extracted(phrase, "phrase")
    number = _last_number(text)
    return Extracted(number, "last_number") if number else None


class _Box(NamedTuple):
    start: int
    end: int
    answer: str


def _boxed(text: str) -> str | None:
    boxes = [box for box in _boxes(text) if box.answer]
    bare = [match for match in _BARE_BOX.finditer(text) if not boxes or match.start() > boxes[-1].end]
    if bare:
        return str(bare[-1].group(1)).rstrip(".")
    if not boxes:
        return None
    parts = boxes[-1:]
    for box in reversed(boxes[:-1]):
        between = text[box.end + 1 : parts[-1].start]
        if not _JOINT.fullmatch(between[: between.rfind("\\")]):  # up to the next box's own command
            break
        parts.append(box)
    return ", ".join(dict.fromkeys(box.answer for box in reversed(parts)))


def _boxes(text: str) -> list[_Box]:
    """Return the outermost closed boxes in order, in one pass over the braces."""
    opened: list[re.Match[str]] = []
    boxes: list[_Box] = []
    for match in _BRACE.finditer(text):
        mark = match.group()
        if mark == "}" and opened:
            opening = opened.pop()
            if opening.group() != "{":
                start = opening.end()
                while boxes and boxes[-1].start > start:
                    boxes.pop()
                content = text[start : match.start()]
                if opening.group().startswith("\\\\"):
                    content = content.replace("\\\\", "\\")
                boxes.append(_Box(start, match.start(), _clean(content)))
        elif mark[0] != "}" and mark[-1] == "{" and mark != "\\{":
            opened.append(match)
    return boxes


def _clean(answer: str) -> str:
    answer = _DELIMITER.sub("", _BOX_COMMAND.sub("", answer)).strip()
    inner = answer[1:-1]
    return inner if answer == f"{{{inner}}}" and "{" not in inner and not inner.endswith("\\") else answer


def _answer_in_prose(rest: str) -> str | None:
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
    for start in (len(text) - _TAIL, 0) if len(text) > _TAIL else (0,):
        last = max(_NUMBER.finditer(text, start), key=re.Match.start, default=None)
        if last is not None and (last.start() > start or start == 0):
            return last.group().strip().replace("−", "-").replace("$", "")
    return None
