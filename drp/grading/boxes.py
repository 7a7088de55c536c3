"""Find boxes in a text: `\\boxed{}`, `\\fbox{}`, `\\framebox{}`, `\\boxed 5`, or left open at the end."""

import re
from dataclasses import dataclass

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
# Words that a box repeats before its answer: \text{The answer is } 14.
_LEAD = re.compile(
    r"^\\(?:text|mbox|textbf)\s?\{\s?(?:the |final |my )*answer(?: is|:)?:?\s?\}\s?:?\s?"
    r"|^(?:the )?(?:final )?answer(?: is|:)\s?",
    re.IGNORECASE,
)
_LONGEST_OPEN = 200


@dataclass(frozen=True)
class Box:
    """What stands in a box, and where: `start` of its content, `end` of the content and its closing brace."""

    start: int
    end: int
    answer: str


def find_boxes(text: str) -> list[Box]:
    """Return the outermost boxes in order, empty ones too, in one pass over the braces."""
    opened: list[re.Match[str]] = []
    boxes: list[Box] = []
    for match in _BRACE.finditer(text):
        mark = match.group()
        if mark == "}" and opened:
            opening = opened.pop()
            if opening.group() != "{":
                start = opening.end()
                while boxes and boxes[-1].start > start:
                    boxes.pop()
                boxes.append(Box(start, match.end(), _clean(text[start : match.start()], opening)))
        elif mark[0] != "}" and mark[-1] == "{" and mark != "\\{":
            opened.append(match)
    if opened and opened[-1].group() != "{":
        boxes += _left_open(text, opened[-1])
    last = boxes[-1].end if boxes else -1
    bare = [match for match in _BARE_BOX.finditer(text) if match.start() >= last]
    if bare:
        boxes.append(Box(bare[-1].start(1), bare[-1].end(), bare[-1].group(1).rstrip(".")))
    return boxes


def joined(text: str, boxes: list[Box]) -> str:
    """Return the answer of the last box, with the boxes before it that are parts of the same answer."""
    parts = boxes[-1:]
    for box in reversed(boxes[:-1]):
        between = text[box.end : parts[-1].start]
        if not box.answer or not _JOINT.fullmatch(between[: between.rfind("\\")]):
            break
        parts.append(box)
    return ", ".join(dict.fromkeys(box.answer for box in reversed(parts)))


def _left_open(text: str, opening: re.Match[str]) -> list[Box]:
    """A box at the very end whose closing brace is missing; its content must be whole."""
    content = text[opening.end() :].strip().rstrip("$")
    if (
        not content
        or len(content) > _LONGEST_OPEN
        or "\n" in content
        or re.search(r"[\\{=+*/^_(,-]$", content)
    ):
        return []
    return [Box(opening.end(), len(text), _clean(content, opening))]


def _clean(content: str, opening: re.Match[str]) -> str:
    if opening.group().startswith("\\\\"):
        content = content.replace("\\\\", "\\")
    answer = _LEAD.sub("", _DELIMITER.sub("", _BOX_COMMAND.sub("", content)).strip())
    inner = answer[1:-1]
    return inner if answer == f"{{{inner}}}" and "{" not in inner and not inner.endswith("\\") else answer
