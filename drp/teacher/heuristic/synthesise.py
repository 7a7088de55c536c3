"""Join decisions into one fluent trace with its answer summary."""

import re
from collections.abc import Sequence
from functools import lru_cache

from drp.core import Decision, Revision, Step, StudentTrace
from drp.teacher.heuristic.compress import capitalised
from drp.teacher.heuristic.signals import PROSE, UNEASY
from drp.traces import is_balanced, plain, separator

_FIRST_WORDS = re.compile(  # removed from the beginning of a trace
    r"(?:but|and|then|so|also|therefore|thus|hence|now|(?:so )?(?:that|this|which) means(?: that)?),?\s+"
    r"(?=[\w\\$(])",
    re.I,
)
_PARAGRAPHS = re.compile(r"\n[ \t]*\n\s*")
_BOXED = re.compile(r"\\boxed\s?\{")
_RULE = re.compile(r"^[ \t]*(?:-{3,}|\*{3,}|_{3,})[ \t]*\n+", re.M)  # a horizontal rule


def synthesise(trace: StudentTrace, steps: Sequence[Step], decisions: Sequence[Decision]) -> Revision:
    """Return the revision of a trace; the same input gives the same text."""
    return Revision(_thinking(trace.thinking, steps, decisions), _response(trace))


def _thinking(original: str, steps: Sequence[Step], decisions: Sequence[Decision]) -> str:
    """Return the revised thinking."""
    text = ""
    end = 0
    for step, decision in zip(steps, decisions, strict=True):
        raw = original[step.char_start : step.char_end]
        part = raw.strip() if decision.action == "KEEP" else decision.revised_text
        if not part:
            continue
        start = step.char_start + len(raw) - len(raw.lstrip())
        if not text:
            first_words = _FIRST_WORDS.match(part)
            part = capitalised(part[first_words.end() :]) if first_words else part
        else:
            text += separator(original[end:start], part)
        text += part
        last = steps[max((decision.step_index, *decision.merged_with))]
        end = last.char_start + len(original[last.char_start : last.char_end].rstrip())
    return text


def boxed_answer(text: str) -> str | None:
    """Return the content of the last \\boxed{…} of a text."""
    start = max((match.end() for match in _BOXED.finditer(text)), default=None)
    if start is None:
        return None
    depth = 1
    for position in range(start, len(text)):
        depth += {"{": 1, "}": -1}.get(text[position], 0)
        if depth == 0:
            return text[start:position].strip()
    return None


@lru_cache(maxsize=4)  # the same in every attempt at a trace
def _response(trace: StudentTrace) -> str:
    """Return the response of the revision.

    It is the conclusion of the student's summary if that boxes the student's answer, otherwise the summary
    with the answer in a box. The derivation in the summary is not repeated, because the thinking has it.
    """
    summary = _RULE.sub("", trace.response).strip()
    stated = boxed_answer(summary)
    if stated is not None and plain(stated) == plain(trace.answer) and is_balanced(summary):
        conclusion = _conclusion(summary)
        return conclusion if boxed_answer(conclusion) == stated and is_balanced(conclusion) else summary
    closing = f"The answer is $\\boxed{{{trace.answer}}}$."
    if stated is not None or not is_balanced(summary) or UNEASY.search(summary.lower()):
        return closing  # the summary contradicts the answer, is cut off or doubts: it cannot be trusted
    return f"{summary}\n\n{closing}".strip()


def _conclusion(summary: str) -> str:
    """Return the last paragraph with a box, and the one before it if no words precede the box."""
    paragraphs = _PARAGRAPHS.split(summary)
    last = max(index for index, paragraph in enumerate(paragraphs) if "\\boxed" in paragraph)
    has_words = PROSE.search(paragraphs[last].split("\\boxed", 1)[0])
    return "\n\n".join(paragraphs[last if has_words else max(0, last - 1) :])
