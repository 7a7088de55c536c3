"""Find the marks that models and open data sets put around thinking and around the answer after it.

    split_marked("<think>I add.</think>It is 2.")       # thinking "I add.", response "It is 2."

Known are tags (`<think>`, `<reasoning>`, ...), brackets (`[THINK]`), the special tokens of several models,
and gpt-oss's channels after its special tokens were stripped (`analysis...assistantfinal...`).
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TypeAlias

from drp.grading import extract_answer

Pair: TypeAlias = tuple[str, str]
"""An opening and a closing mark."""

_THINKING_TAGS = (
    "think",
    "thinking",
    "thought",
    "thoughts",
    "reasoning",
    "analysis",
    "scratchpad",
    "cot",
    "chain_of_thought",
    "seed:think",
    "longcat_think",
)
_THINKING: tuple[Pair, ...] = (
    *((f"<{tag}>", f"</{tag}>") for tag in _THINKING_TAGS),
    ("[THINK]", "[/THINK]"),  # Magistral
    ("◁think▷", "◁/think▷"),  # Kimi
    ("<|begin_of_thought|>", "<|end_of_thought|>"),  # OpenThoughts, Sky-T1
    ("<|begin_of_thinking|>", "<|end_of_thinking|>"),
    ("<|start_thinking|>", "<|end_thinking|>"),  # Command A
    ("<|inner_prefix|>", "<|inner_suffix|>"),  # Apertus
    ("<unused94>thought", "<unused95>"),  # MedGemma
    ("<|channel>thought", "<channel|>"),  # Gemma 4
    ("[unused16]", "[unused17]"),  # Pangu
    ("Here is my thought process:", "Here is my response:"),  # Granite
    ("## Thinking\n", "## Final Response\n"),  # HuatuoGPT-o1
)
_ANSWER: tuple[Pair, ...] = (
    *((f"<{tag}>", f"</{tag}>") for tag in ("answer", "final_answer", "solution", "response", "output")),
    ("[ANSWER]", "[/ANSWER]"),
    ("<|begin_of_solution|>", "<|end_of_solution|>"),
    ("<|begin_of_answer|>", "<|end_of_answer|>"),
    ("<|start_response|>", "<|end_response|>"),
)
_STRIPPED_CHANNELS = re.compile(r"\s*analysis(?=[A-Z\s\"'$\\(])(.*?)(?:assistant\s?final(.*))?\Z", re.DOTALL)
_TEMPLATE = re.compile(
    r"<[|｜][^<>|｜\n]{1,40}[|｜]>|\[/?INST\]|</?s>|<(?:bos|eos|pad)>|<(?:start|end)_of_turn>"
    r"|\[\|(?:system|user|assistant|endofturn)\|\]|<\|turn>|<turn\|>",  # EXAONE, Gemma 4
    re.IGNORECASE,
)
_LONGEST_TOKEN = 44
_ROLE = re.compile(r"\s*(?:assistant|model|gpt)?\s*:?\s*", re.IGNORECASE)


def _either(marks: Iterable[str]) -> re.Pattern[str]:
    """Return a pattern of marks in any case; beginning with a set of characters makes it ten times faster."""
    longest_first = sorted(marks, key=len, reverse=True)
    return re.compile("|".join(f"{re.escape(mark[0])}(?i:{re.escape(mark[1:])})" for mark in longest_first))


_OPENING = _either(opening for opening, _ in _THINKING)
_CLOSING = _either(closing for _, closing in _THINKING)
_OPEN_END = re.compile(rf"(?:{_OPENING.pattern})\s*\Z")
_CLOSING_TOKEN = _either(
    closing for _, closing in _THINKING if not closing[0].isalnum() and closing[0] != "#"
)
_ANSWER_OPENING = _either(opening for opening, _ in _ANSWER)
_ANSWER_MARK = _either(mark for pair in _ANSWER for mark in pair)
_CLOSED_BY = {opening.lower(): closing for opening, closing in _THINKING}
_WRAPPED_ANSWERS = [
    re.compile(f"{re.escape(opening)}(.*?)(?:{re.escape(closing)}|\\Z)", re.DOTALL | re.IGNORECASE)
    for opening, closing in _ANSWER
]


@dataclass(frozen=True)
class MarkedText:
    """A text cut at its marks, all parts stripped of them and of white space.

    Attributes:
        thinking: what the marks enclose; empty without marks.
        response: the text after the thinking, without the marks around the answer.
        is_marked: whether there are marks of thinking.
        before: text in front of the opening mark that no chat template puts there.
        is_repeated: whether a second block of thinking follows, so that the text is not one trace.
    """

    thinking: str
    response: str
    is_marked: bool = False
    before: str = ""
    is_repeated: bool = False


def split_marked(text: str) -> MarkedText:
    """Cut a text at the marks of thinking. A mark that is not closed means an unfinished trace."""
    stripped = _STRIPPED_CHANNELS.match(text)
    if stripped and (stripped[2] is not None or text.lstrip()[8:9].isupper()):
        return MarkedText(stripped[1].strip(), without_answer_marks(stripped[2] or ""), is_marked=True)
    opening, closing = _OPENING.search(text), _CLOSING.search(text)
    if opening and (not closing or opening.start() < closing.start()):
        before = text[: opening.start()]
        thinking, rest = _closed(text[opening.end() :], _CLOSED_BY[opening[0].lower()])
    elif closing:  # the chat template has opened the thinking
        before, thinking, rest = "", text[: closing.start()], text[closing.end() :]
    else:
        return MarkedText("", without_answer_marks(text))
    again = _OPENING.search(rest)
    return MarkedText(
        without_thinking_marks(thinking),
        without_answer_marks(_CLOSING.sub("", rest, count=1) if _CLOSING.match(rest.lstrip()) else rest),
        is_marked=True,
        before=_written(before),
        is_repeated=bool(again and _CLOSED_BY[again[0].lower()].lower() in rest.lower()),
    )


def without_open_mark(prompt: str) -> str:
    """Return a prompt without the mark at its end with which a template opens the thinking."""
    return _OPEN_END.sub("", prompt)


def is_opened_before(text: str) -> bool:
    """Whether a text begins within thinking: it closes what it does not open."""
    opening, closing = _OPENING.search(text), _CLOSING.search(text)
    return bool(closing and (not opening or closing.start() < opening.start()))


def _closed(inside: str, closing: str) -> tuple[str, str]:
    """Return the thinking that begins at an opening mark, and what follows it.

    Models mix up their marks: without the mark that belongs to the opening one, another one closes as well.
    """
    answer = _ANSWER_OPENING.search(inside)
    end = re.search(re.escape(closing), inside, re.IGNORECASE)
    if not end:
        end = _CLOSING_TOKEN.search(inside, 0, answer.start() if answer else len(inside))
    if end:
        return inside[: end.start()], inside[end.end() :]
    return (inside[: answer.start()], inside[answer.start() :]) if answer else (inside, "")


def _written(before: str) -> str:
    """Return the text in front of the thinking, without tokens and role names of chat templates."""
    text = _TEMPLATE.sub("", before)
    return "" if _ROLE.fullmatch(text) else text.strip()


def without_thinking_marks(text: str) -> str:
    """Return thinking without marks at its two ends."""
    text = _without_end_tokens(text)
    while opening := _OPENING.match(text) or _TEMPLATE.match(text):
        text = text[opening.end() :].lstrip()
    while text.endswith((">", "]", "▷", ":")):
        closed = next((mark for _, mark in _THINKING if text.lower().endswith(mark.lower())), None)
        if not closed:
            break
        text = text[: -len(closed)].rstrip()
    return text.strip()


def without_answer_marks(text: str) -> str:
    r"""Return a response without the marks around its answer, and without a template's tokens at its end.

    An answer that could not be found any more without its marks gets a box instead: `<answer>No</answer>`
    becomes `\boxed{No}`.
    """
    text = _without_end_tokens(text)
    if not _ANSWER_OPENING.search(text):
        return text
    plain, boxed = text, text
    for wrapped in _WRAPPED_ANSWERS:
        plain = wrapped.sub(lambda match: f"\n\n{match[1].strip()}\n\n", plain)
        boxed = wrapped.sub(lambda match: f"\n\n\\boxed{{{match[1].strip()}}}\n\n", boxed)
    plain, boxed = (re.sub(r"\n{3,}", "\n\n", kept).strip() for kept in (plain, boxed))
    marked, found = extract_answer(text), extract_answer(plain)
    if marked is None or (found and found.answer == marked.answer):
        return plain
    return boxed


def _without_end_tokens(text: str) -> str:
    text = text.strip()
    while text.endswith((">", "]")):
        tokens = [
            match
            for match in _TEMPLATE.finditer(text, max(0, len(text) - _LONGEST_TOKEN))
            if match.end() == len(text)
        ]
        if not tokens:
            break
        text = text[: tokens[0].start()].rstrip()
    return text
