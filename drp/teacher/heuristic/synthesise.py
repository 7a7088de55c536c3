"""Join decisions into one fluent trace with its answer summary, or refuse the trace.

The joined revision is checked: it must still conclude the student's answer, close every formula, not depend
on deleted text, and be shorter. The teacher refuses traces that it could not prune well.
"""

import re
from bisect import bisect_right
from collections.abc import Sequence

from drp.core import Decision, Refusal, Revision, Step, StudentTrace
from drp.teacher.heuristic.answer import answer_of, find_end
from drp.teacher.heuristic.compress import capitalised
from drp.teacher.heuristic.signals import checks, retracts, takes_back
from drp.traces import VALUE, Unit, is_balanced, plain, separator, units

_FIRST_WORDS = re.compile(  # removed from the beginning of a trace
    r"(?:but|and|then|so|also|therefore|thus|hence|now|(?:so )?(?:that|this|which) means(?: that)?),?\s+"
    r"(?=[\w\\$(])",
    re.I,
)
_UNEASY = re.compile(
    r"\b(?:wait|hmm+|mistake|not sure|confus\w{1,6}|i misread|(?:doesn't|does not) make sense|hold on"
    r"|different from my|contradict\w{1,5}|earlier (?:i|mistake|calculation))\b",
    re.I,
)
_UNEASY_EVERY = 2_500  # characters of a revision for each further doubt that may remain
_LONGEST = 4_500  # characters; a longer revision was never one derivation
_CHECKS = 2  # most checks that may remain
_MOST = 46  # units; as _LONGEST
_PARAGRAPHS = re.compile(r"\n[ \t]*\n\s*")
_PROSE = re.compile(r"(?<!\\)\b[a-zA-Z]{3,20}\b [a-zA-Z]{2,20}\b")  # two words in a row
_BOXED = re.compile(r"\\boxed\s?\{")
_RULE = re.compile(r"^[ \t]*(?:-{3,}|\*{3,}|_{3,})[ \t]*\n+", re.M)  # a horizontal rule


def synthesise(
    trace: StudentTrace, steps: Sequence[Step], decisions: Sequence[Decision]
) -> Revision | Refusal:
    """Return the revision of a trace, or a refusal; the same input gives the same text."""
    thinking, origins = _thinking(trace.thinking, steps, decisions)
    response = _response(trace)
    return _fault(trace, thinking, response, origins, decisions) or Revision(thinking, response)


def _thinking(
    original: str, steps: Sequence[Step], decisions: Sequence[Decision]
) -> tuple[str, list[tuple[int, int]]]:
    """Return the revised thinking and its origins.

    An origin is the offset of a part in the revised thinking, with the offset of its step in the original.
    """
    text = ""
    origins: list[tuple[int, int]] = []
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
        origins.append((len(text), step.char_start))
        text += part
        last = steps[max((decision.step_index, *decision.merged_with))]
        end = last.char_start + len(original[last.char_start : last.char_end].rstrip())
    return text, origins


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
    if stated is not None or not is_balanced(summary) or _UNEASY.search(summary):
        return closing  # the summary contradicts the answer, is cut off or doubts: it cannot be trusted
    return f"{summary}\n\n{closing}".strip()


def _conclusion(summary: str) -> str:
    """Return the last paragraph with a box, and the one before it if no words precede the box."""
    paragraphs = _PARAGRAPHS.split(summary)
    last = max(index for index, paragraph in enumerate(paragraphs) if "\\boxed" in paragraph)
    has_words = _PROSE.search(paragraphs[last].split("\\boxed", 1)[0])
    return "\n\n".join(paragraphs[last if has_words else max(0, last - 1) :])


def _fault(
    trace: StudentTrace,
    thinking: str,
    response: str,
    origins: Sequence[tuple[int, int]],
    decisions: Sequence[Decision],
) -> Refusal | None:
    if not thinking:
        return Refusal("teacher_no_conclusion", "nothing of the thinking is left")
    answer = answer_of(trace)
    kept = units(thinking)
    if not any(answer.asserted_by(unit) for unit in kept[-6:]) or find_end(kept, answer) is None:
        return Refusal("teacher_no_conclusion", "the thinking never concludes the student's answer")
    if not is_balanced(thinking) or not is_balanced(response):
        return Refusal("malformed", "a formula, brace or environment is not closed")
    if len(thinking) + len(response) >= len(trace.thinking) + len(trace.response):
        return Refusal("teacher_nothing_to_cut", "nothing could be shortened")
    turns = sum(takes_back(unit.lower) or retracts(unit.lower) for unit in kept)
    remaining_checks = sum(checks(unit.lower) for unit in kept)
    if len(thinking) > _LONGEST or len(kept) > _MOST or remaining_checks > _CHECKS:
        return Refusal("teacher_long_search", "attempts of a long search are not told from the derivation")
    if any(answer.is_contradicted_by(unit) for unit in kept):
        return Refusal("teacher_unsettled", "two different answers are concluded")
    unresolved = sum(decision.reason == "unresolved" for decision in decisions)
    if turns + unresolved > 1 or len(_UNEASY.findall(thinking)) > 1 + len(thinking) // _UNEASY_EVERY:
        return Refusal("teacher_unsettled", "attempts that were taken back are not told from the derivation")
    orphans, uses = _orphans(trace, kept, origins)
    if orphans > 1 and orphans > 0.1 * uses:
        return Refusal("teacher_lost_link", "values are used that nothing kept introduces")
    return None


def _orphans(
    trace: StudentTrace, kept: Sequence[Unit], origins: Sequence[tuple[int, int]]
) -> tuple[int, int]:
    """Count operands of two or more characters that only deleted text introduces, and all such operands."""
    known = set(VALUE.findall(plain(trace.question)))
    orphans = uses = 0
    for unit in kept:
        operands = {
            v for equation in unit.equations for v in VALUE.findall(equation.split("=", 1)[0]) if len(v) > 1
        }
        uses += len(operands)
        for value in operands - known:
            if not any(value in other for other in known):
                origin = origins[bisect_right(origins, (unit.start, len(trace.thinking))) - 1][1]
                orphans += (
                    re.search(rf"(?<![\d.]){re.escape(value)}(?!\d)", trace.thinking[:origin]) is not None
                )
        known |= unit.values
    return orphans, uses
