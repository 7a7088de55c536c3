"""Find the final answer in a response: `extract_answer(text)`.

A marked answer wins over what only stands last. In order: the last box, `<answer>` tags, GSM8K's `#### 72`,
a JSON object `{"answer": 72}`, a phrase such as "the answer is" (English or Chinese), and then the expression
of the last statement, if that is clear. What is returned is a whole expression as written, or nothing. The
time is linear in the text. Pass the response only, that is, what follows `</think>`.
"""

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from drp.core import AnswerSource
from drp.grading.boxes import find_boxes, joined
from drp.grading.denied_answers import is_denied
from drp.grading.final_expression import Expression, expressions, final_expression, statements
from drp.grading.modified_numbers import is_modified

_LONGEST_PHRASE = 200
"""If the rest of a line is longer, it is an explanation and not an answer."""
_LONGEST_TAIL = 4_000

_TAG = re.compile(
    r"<(?P<tag>answer|final_answer)>\s?(?P<answer>.{1,600}?)\s?</(?P=tag)>", re.DOTALL | re.IGNORECASE
)
_HASH = re.compile(r"^####[ \t]{0,8}(\S[^\n]{0,300})", re.MULTILINE)
_JSON = re.compile(r'\{[^{}]{0,300}?"(?:final_)?answer"\s?:[^{}]{1,300}\}', re.IGNORECASE)
# "The answer is", "Final answer:" or "**Answer**", and the text that follows on this line or the next.
_PHRASE = re.compile(
    r"\b(?:answer|(?:final|overall) (?:result|value)|(?:correct|right) (?:option|choice)|result)\b"
    r"(?:[^\n.:=?]{0,60}?\b(?:is|are|equals|be)\b\s{0,3}:?|\**\s{0,3}[:=:]|\**[ \t]{0,8}(?=\n))"
    r"[\s*]{0,8}(?=(?P<rest>[^\n]{1,400}))"
    r"|(?:最终答案|答案|最终结果|结果|答)(?:应该)?(?:是|为|等于)?\s{0,3}[:：,，]?[\s*]{0,8}"
    r"(?=(?P<rest2>[^\n]{1,400}))",
    re.IGNORECASE,
)
# Before it there is no statement: if the answer is, whether the answer is.
_NOT_STATED = re.compile(
    r"\b(?:if|whether|suppose|assume|unless|check(?:ing)? that)\b[^.!?\n]{0,40}$", re.IGNORECASE
)
_NEGATED = re.compile(
    r"\s*(?:\w{1,12}ly\s)?(?:(?:not|n't|never|wrong|incorrect|different|unclear|unknown)\b|不)", re.IGNORECASE
)
# A formula at the start of that text is the whole answer.
_MATH = re.compile(
    r"(?:\$\$(?P<a>[^$]{1,300})\$\$|\$(?P<b>[^$]{1,300})\$(?!\d)"
    r"|\\\((?P<c>.{1,300}?)\\\)|\\\[(?P<d>.{1,300}?)\\\])"
    r"(?P<more>\s?(?:,|and|or)\s?(?=[$\\]))?"
)
# Bold text in it is the answer.
_BOLD = re.compile(r"\*\*([^*]{1,200})\*\*")
# The end of an answer in prose: the end of the sentence, a reason, or a remark.
_PROSE_END = re.compile(
    r"[.!?](?=\s|\*|$)|[。；，](?=.*[\u4e00-\u9fff])"
    r"|,? (?:because|since|as|so|which|rather than|instead of)\b|, not\b"
    r"| \((?=[^()]*[A-Za-z]{3})|\*\*|<\||;\s"
)
_THERE_ARE = re.compile(r"^there (?:are|is|were|was|will be) (?:exactly |only )?", re.IGNORECASE)
# Words that correct what was said, or conclude anew.
_CORRECTION = re.compile(
    r"\b(?:wait|actually|correction|sorry|oops|hmm|instead|rather|should be|must be|i mean|scratch that|"
    r"second thought|not quite|mistake|corrected|really|in fact|so|thus|therefore|hence|finally|overall|"
    r"in conclusion|to conclude|it is|it's|is|are|equals|becomes|gives|get|have|has|total)\b|^\s*="
    r"|更正|不对|实际上|应该|因此|所以|综上|是|为|得",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Extracted:
    """The answer as written, without its wrapping.

    Attributes:
        answer: the whole expression.
        source: how it was found.
        later: a final statement that follows a marked answer. If it says something else, the answer is
            undecided; whether it does is a question for the grader.
    """

    answer: str
    source: AnswerSource
    later: str | None = None


class _Found(NamedTuple):
    answer: str
    source: AnswerSource
    start: int
    end: int


def extract_answer(text: str) -> Extracted | None:
    """Return the final answer of a response, or None if there is none.

    The last non-empty box wins; neighbouring boxes joined by commas or "and" form one answer. A text whose
    boxes are empty or unfinished has no answer unless it is marked in another way. A text that says that its
    last answer is wrong has none.
    """
    marked = list(_marked(text))
    if marked and (
        is_denied(text, marked[0].start, marked[0].end) or is_modified(text, marked[0].start, marked[0].end)
    ):
        return None
    if marked:
        first = marked[0]
        return Extracted(first.answer, first.source, _later(text, first, marked[1:]))
    if "\\boxed" in text:
        return None  # the box is empty or unfinished
    last = final_expression(text)
    if last is None:
        return None
    return Extracted(last.text.replace("−", "-"), "last_number" if last.is_number else "last_expression")


def _marked(text: str) -> Iterator[_Found]:
    """The last answer of each kind of mark that the text has, the strongest kind first."""
    if "boxed" in text or "fbox" in text or "framebox" in text:
        boxes = find_boxes(text)
        while boxes and not boxes[-1].answer:
            boxes.pop()
        if boxes:
            yield _Found(joined(text, boxes), "boxed", boxes[-1].start, boxes[-1].end)
    for match in reversed(list(_TAG.finditer(text))):
        yield _Found(_unquoted(match["answer"]), "tag", match.start(), match.end())
        break
    for match in reversed(list(_HASH.finditer(text))):
        yield _Found(match[1].strip(), "hash", match.start(), match.end())
        break
    for match in reversed(list(_JSON.finditer(text))):
        if answer := _in_json(match.group()):
            yield _Found(answer, "json", match.start(), match.end())
            break
    for match in reversed(list(_PHRASE.finditer(text))):
        if answer := _of_phrase(text, match):
            start = max(match.end(), text.find(answer, match.end()))
            yield _Found(answer, "phrase", start, start + len(answer))
            break


def _of_phrase(text: str, match: re.Match[str]) -> str | None:
    rest = match["rest"] or match["rest2"]
    if _NEGATED.match(rest) or _NOT_STATED.search(text, max(0, match.start() - 60), match.start()):
        return None
    return _answer_in_prose(rest)


def _later(text: str, answer: _Found, marked: list[_Found]) -> str | None:
    """The last final statement after `answer`, if there is one."""
    found = [(each.end, each.answer) for each in marked if each.end > answer.end]
    if answer.source == "phrase":
        start = text.find("\n", answer.end)
        tail_start = len(text) if start < 0 else start
    else:
        tail_start = answer.end
    tail = text[tail_start:][-_LONGEST_TAIL:]
    offset = len(text) - len(tail)
    for start, end in reversed(statements(tail)):
        sentence = tail[start:end]
        stated = expressions(sentence)
        if stated and _is_statement(sentence, stated) and not stated[-1].is_denied_in(sentence):
            last = final_expression(sentence)
            found.append((offset + end, last.text if last else stated[-1].text))
            break
    return max(found)[1] if found else None


def _is_statement(sentence: str, stated: Sequence[Expression]) -> bool:
    """Whether a sentence after the answer states a result: by its words, or because it is nothing else."""
    bare = re.sub(r"\([^()]*[A-Za-z]{3}[^()]*\)", "", sentence)
    if not re.search(r"\d", bare):
        return False
    if _CORRECTION.search(bare):
        return True
    return len(stated) == 1 and not re.search(r"[A-Za-z]{4}", re.sub(r"\\[A-Za-z]+", "", bare))


def _in_json(text: str) -> str | None:
    try:
        document = json.loads(text)
    except ValueError:
        return None
    for name, value in document.items() if isinstance(document, dict) else ():
        if name.casefold() in {"answer", "final_answer"} and isinstance(value, (str, int, float)):
            return None if isinstance(value, bool) else str(value).strip() or None
    return None


def _unquoted(answer: str) -> str:
    math = _MATH.fullmatch(answer.strip())
    return (next(group for group in math.groups() if group) if math else answer).strip()


def _answer_in_prose(rest: str) -> str | None:
    rest = rest.strip(" \t:：_\"'")
    math = _MATH.match(rest)
    if math and not math["more"]:
        return (next(group for group in math.groups() if group)).strip() or None
    bold = _BOLD.search(rest)
    if bold:
        rest = bold.group(1)
    end = _PROSE_END.search(rest)
    statement = rest[: end.start()] if end else rest
    answer = statement.rpartition(" is ")[2].strip(" \t*:_\"'`").rstrip(" .,，。*\"'`")
    answer = re.sub(r"^(?:a|an|the|是|为)\s", "", _THERE_ARE.sub("", answer))
    if len(re.findall(r"[A-Za-z]{2,}", answer)) > 4 or (statement != answer and _THERE_ARE.match(statement)):
        inside = expressions(answer)
        if len(inside) == 1 or (inside and _THERE_ARE.match(statement)):
            answer = inside[0].text
    return answer if answer and len(answer) <= _LONGEST_PHRASE else None
