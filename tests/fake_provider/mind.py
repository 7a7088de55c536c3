"""What the stand-in thinks with: it knows DRP's prompts, and the heuristic teacher works out the reply.

    think(body)  ->  the text of the completion, deterministic

It reads what a teacher is shown and nothing else: the fenced material of the last message. What the heuristic
teacher refuses is handed back as it was, which the row gates reject as not shorter.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import cache
from typing import Any

from drp.config.decomposition import DecompositionKind
from drp.core.records import Decision, Draft, Revision, Step, StudentTrace
from drp.teacher.heuristic import HeuristicTeacher
from drp.teacher.heuristic.decompose import decompose
from drp.teacher.llm.prompts import MODELS, PromptName, prompt
from drp.teacher.llm.serialize import reply_of
from drp.traces.numbering import MARK, unit_ends

KINDS: tuple[DecompositionKind, ...] = ("skill", "step", "sentence", "none")

_FENCE = re.compile(r"<([a-z]+)-(\d{6,})>\n(.*?)\n</\1-\2>", re.S)
_UNIT = re.compile(rf"{MARK}\d+() ")
_STEP = re.compile(rf"{MARK}\d+([a-z]+) ")
_LISTED = re.compile(r"(?:\A|\n)Step (\d+): (.*?)\nSkill: ([^\n]*)(?=\nStep \d+: |\Z)", re.S)
_TOKEN = re.compile(r"(?P<word>[^\W\d_]+)|\d{1,3}|(?P<signs>(?:[^\w\s]|_)+)|\s{0,64}[\r\n]+|[^\S\r\n]{2,}")

TEACHER = HeuristicTeacher()
REASONS = {
    "KEEP": "The step is needed and already short.",
    "DELETE": "This step adds nothing to what the others say.",
    "SINGLE-STEP COMPRESS": "The step is needed but wordy.",
    "MULTI-STEP COMPRESS": "These steps say one thing together.",
}


def think(body: Mapping[str, Any]) -> str:
    """The reply to a chat completion: JSON of the prompt that it is, a short sentence where it is none."""
    messages = body["messages"]
    known = _known().get(messages[0]["content"])
    if known is None:
        return "I can only think about steps of mathematics."
    name, kind = known
    material = {found[1]: found[3] for found in _FENCE.finditer(messages[-1]["content"])}
    draft = _draft(name, kind, material)
    if not name.startswith("decompose"):
        draft = _revised(draft)
    return reply_of(name, draft).model_dump_json()


def count_tokens(text: str) -> int:
    """Tokens as a byte-pair tokenizer might count them.

    A word of up to seven letters is one, a longer one is cut every four; digits go by threes, signs likewise;
    line breaks in a row are one, and so are blanks; a single blank belongs to what follows it.
    """
    return sum(_tokens(piece) for piece in _TOKEN.finditer(text))


def _tokens(piece: re.Match[str]) -> int:
    if word := piece["word"]:
        pieces = 1 if len(word) <= 7 else -(-len(word) // 4)
        return max(pieces, -(-len(word.encode("utf-8", "replace")) // 4)) if not word.isascii() else pieces
    return -(-len(piece["signs"]) // 3) if piece["signs"] else 1


@cache
def _known() -> dict[str, tuple[PromptName, DecompositionKind]]:
    """System messages of all prompts."""
    return {
        prompt(name).system(kind, structured=structured): (name, kind)
        for name in MODELS
        for kind in KINDS
        for structured in (True, False)
    }


def _draft(name: PromptName, kind: DecompositionKind, material: Mapping[str, str]) -> Draft:
    """The trace as it was before it was numbered, with its steps: those listed, or cut now."""
    if name == "decompose-verbatim":
        return _cut(_trace(material, material["trace"]), kind)
    if name == "revise-verbatim":
        found = [(text, skill) for _, text, skill in _LISTED.findall(material["steps"])]
        return _stepped(material, found)
    if name == "revise-indexed":
        skills = dict(line.split(" ", 1) for line in material["skills"].split("\n"))
        return _stepped(
            material, [(text, skills[place]) for text, place in _pieces(material["steps"], _STEP)]
        )
    thinking = "".join(text for text, _ in _pieces(material["trace"], _UNIT))
    return _cut(_trace(material, thinking), kind)


def _pieces(numbered: str, mark: re.Pattern[str]) -> Iterator[tuple[str, str]]:
    """(text, label) of what stands behind each mark."""
    marks = list(mark.finditer(numbered))
    ends = [found.start() for found in marks[1:]] + [len(numbered)]
    for found, end in zip(marks, ends, strict=True):
        yield numbered[found.end() : end], found[1]


def _trace(material: Mapping[str, str], thinking: str) -> StudentTrace:
    return StudentTrace(
        "", material.get("question", ""), thinking, material.get("response", ""), material.get("answer", "")
    )


def _cut(trace: StudentTrace, kind: DecompositionKind) -> Draft:
    """The heuristic teacher's steps, joined where a boundary lies inside a unit."""
    known = set(unit_ends(trace.thinking))
    steps: list[Step] = []
    start = 0
    for step in decompose(trace, kind):
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
    done = next(TEACHER.revise([draft]))
    if done.refusal:
        kept = tuple(Decision(i, "KEEP", None, REASONS["KEEP"]) for i in range(len(draft.steps)))
        return replace(
            draft, decisions=kept, revision=Revision(draft.trace.thinking.strip(), draft.trace.response)
        )
    return replace(
        done, decisions=tuple(replace(each, reason=REASONS[each.action]) for each in done.decisions)
    )
