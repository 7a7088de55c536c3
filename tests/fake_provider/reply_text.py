"""Compute replies: recognize DRP's prompts, and let the heuristic teacher answer them.

    think(body)  ->  the text of the completion, deterministic

It reads only what a teacher is shown: the delimited data of the last message. Traces that the heuristic
teacher refuses are returned unchanged, and the row gates reject them as not shorter.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import cache
from typing import Any

from drp.config.decomposition import DecompositionKind
from drp.core.records import Decision, Draft, Revision, Step, StudentTrace
from drp.teacher.heuristic import HeuristicTeacher
from drp.teacher.heuristic.decompose import decompose
from drp.teacher.llm.prompts import MODELS, PromptName, prompt
from drp.teacher.llm.serialize_draft import reply_of
from drp.traces.numbering import MARK, unit_ends

KINDS: tuple[DecompositionKind, ...] = ("skill", "step", "sentence", "none")

_FENCE = re.compile(r"<([a-z]+)-(\d{6,})>\n(.*?)\n</\1-\2>", re.S)
_UNIT = re.compile(rf"{MARK}\d+() ")
_STEP = re.compile(rf"{MARK}\d+([a-z]+) ")
_LISTED = re.compile(r"(?:\A|\n)Step (\d+): (.*?)\nSkill: ([^\n]*)(?=\nStep \d+: |\Z)", re.S)
_TOKEN = re.compile(r"(?P<word>[^\W\d_]+)|\d{1,3}|(?P<signs>(?:[^\w\s]|_)+)|\s{0,64}[\r\n]+|[^\S\r\n]{2,}")

_NEEDS = 160  # characters of what it says that the derivation needs

TEACHER = HeuristicTeacher()
REASONS = {
    "KEEP": "The step is needed and already short.",
    "DELETE": "This step adds nothing to what the others say.",
    "SINGLE-STEP COMPRESS": "The step is needed but wordy.",
    "MULTI-STEP COMPRESS": "These steps say one thing together.",
}


def think(body: Mapping[str, Any]) -> str:
    """Return the reply to a chat completion: JSON for a prompt of DRP, a short sentence for anything else."""
    return reply_by(_revised, body)


def reply_by(revise: Callable[[Draft], Draft], body: Mapping[str, Any]) -> str:
    """Return the reply of a teacher that cuts as the heuristic teacher does, and revises with `revise`."""
    messages = body["messages"]
    known = _known().get(messages[0]["content"])
    if known is None:
        return "I can only think about steps of mathematics."
    name, kind = known
    material = {match[1]: match[3] for match in _FENCE.finditer(messages[-1]["content"])}
    draft = _draft(name, kind, material)
    if not name.startswith("decompose"):
        draft = revise(draft)
    needs = draft.revision.thinking[-_NEEDS:] if draft.revision else ""
    return reply_of(name, draft, needs).model_dump_json()


def count_tokens(text: str) -> int:
    """Count tokens as a byte-pair tokenizer might.

    A word of up to seven letters is one token, a longer one has a token for every four letters. Digits count
    by threes, and so do signs. Line breaks in a row are one token, and so are blanks; a single blank belongs
    to the token after it.
    """
    return sum(_tokens(piece) for piece in _TOKEN.finditer(text))


def _tokens(piece: re.Match[str]) -> int:
    if word := piece["word"]:
        pieces = 1 if len(word) <= 7 else -(-len(word) // 4)
        return max(pieces, -(-len(word.encode("utf-8", "replace")) // 4)) if not word.isascii() else pieces
    return -(-len(piece["signs"]) // 3) if piece["signs"] else 1


@cache
def _known() -> dict[str, tuple[PromptName, DecompositionKind]]:
    """Return prompt and kind by system message, for all prompts."""
    return {
        prompt(name).system(kind, structured=structured): (name, kind)
        for name in MODELS
        for kind in KINDS
        for structured in (True, False)
    }


def _draft(name: PromptName, kind: DecompositionKind, material: Mapping[str, str]) -> Draft:
    """Restore the trace from its numbered form, with the listed steps or with newly cut ones."""
    if name == "decompose-verbatim":
        return _cut(_trace(material, material["trace"]), kind)
    if name == "revise-verbatim":
        return _stepped(material, [(text, skill) for _, text, skill in _LISTED.findall(material["steps"])])
    if name == "revise-indexed":
        skills = dict(line.split(" ", 1) for line in material["skills"].split("\n"))
        return _stepped(
            material, [(text, skills[place]) for text, place in _pieces(material["steps"], _STEP)]
        )
    thinking = "".join(text for text, _ in _pieces(material["trace"], _UNIT))
    return _cut(_trace(material, thinking), kind)


def _pieces(numbered: str, mark: re.Pattern[str]) -> Iterator[tuple[str, str]]:
    """Yield (text, label) for the text after each mark."""
    marks = list(mark.finditer(numbered))
    ends = [match.start() for match in marks[1:]] + [len(numbered)]
    for match, end in zip(marks, ends, strict=True):
        yield numbered[match.end() : end], match[1]


def _trace(material: Mapping[str, str], thinking: str) -> StudentTrace:
    return StudentTrace(
        "", material.get("question", ""), thinking, material.get("response", ""), material.get("answer", "")
    )


def _cut(trace: StudentTrace, kind: DecompositionKind) -> Draft:
    """Return the heuristic teacher's steps, joined if their boundary is inside a unit.

    The question is left out: not every prompt has it, and all must be answered with the same steps.
    """
    known = set(unit_ends(trace.thinking))
    steps: list[Step] = []
    start = 0
    for step in decompose(replace(trace, question=""), kind):
        if step.char_end in known:
            steps.append(replace(step, char_start=start))
            start = step.char_end
    return Draft(trace, tuple(steps))


def _stepped(material: Mapping[str, str], pieces: list[tuple[str, str]]) -> Draft:
    steps = []
    start = 0
    for text, skill in pieces:
        steps.append(Step(start, start + len(text), skill, ""))
        start += len(text)
    return Draft(_trace(material, "".join(text for text, _ in pieces)), tuple(steps))


def _revised(draft: Draft) -> Draft:
    revised = next(TEACHER.revise([draft]))
    if revised.refusal:
        kept = tuple(Decision(i, "KEEP", None, REASONS["KEEP"]) for i in range(len(draft.steps)))
        return replace(
            draft, decisions=kept, revision=Revision(draft.trace.thinking.strip(), draft.trace.response)
        )
    return replace(
        revised,
        decisions=tuple(replace(decision, reason=REASONS[decision.action]) for decision in revised.decisions),
    )
