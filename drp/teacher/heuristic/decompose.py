"""Cutting a trace into steps that cover it from first to last character."""

from collections.abc import Iterator

from drp.config import DecompositionKind
from drp.core import Step, StudentTrace
from drp.traces import UNLABELLED, Skill, cut, skill_of


def decompose(trace: StudentTrace, kind: DecompositionKind) -> list[Step]:
    """Steps of `thinking`; none for empty thinking.

    `skill`: neighbouring sentences of a paragraph that use one skill; `step`: paragraphs; `sentence`:
    sentences and lines; `none`: the whole trace."""
    steps: list[Step] = []
    skill = UNLABELLED
    previous = (-1, UNLABELLED)
    for start, end, paragraph in _spans(trace.thinking, kind):
        found = skill_of(trace.thinking[start:end])
        skill = found or skill
        if kind == "skill" and steps and previous[0] == paragraph and (found is None or previous[1] == skill):
            steps[-1] = _step(steps[-1].char_start, end, skill)
        else:
            steps.append(_step(start, end, skill))
        previous = (paragraph, skill)
    return steps


def _step(start: int, end: int, skill: Skill) -> Step:
    return Step(start, end, skill.name, skill.family)


def _spans(text: str, kind: DecompositionKind) -> Iterator[tuple[int, int, int]]:
    """(start, end, paragraph) of the pieces that are labelled one by one."""
    if kind == "none":
        if text:
            yield 0, len(text), 0
        return
    ends = cut(text)
    start = 0
    for place, (end, paragraph) in enumerate(ends):
        last_of_paragraph = place + 1 == len(ends) or ends[place + 1][1] != paragraph
        if kind != "step" or last_of_paragraph:
            yield start, end, paragraph
            start = end
