"""Cut a trace into steps that cover it from first to last character."""

from collections.abc import Iterator

from drp.config import DecompositionKind
from drp.core import Step, StudentTrace
from drp.traces import UNLABELLED, Skill, cut, skill_of


def decompose(trace: StudentTrace, kind: DecompositionKind) -> list[Step]:
    """Return the steps of `thinking`; none for empty thinking.

    A step is, by `kind`: `skill`: neighbouring sentences of a paragraph that use the same skill; `step`: a
    paragraph; `sentence`: a sentence or line; `none`: the whole trace.
    """
    steps: list[Step] = []
    skill = UNLABELLED
    previous = (-1, UNLABELLED)
    for start, end, paragraph in _spans(trace.thinking, kind):
        own_skill = skill_of(trace.thinking[start:end])
        skill = own_skill or skill
        continues = previous[0] == paragraph and (own_skill is None or previous[1] == skill)
        if kind == "skill" and steps and continues:
            steps[-1] = _step(steps[-1].char_start, end, skill)
        else:
            steps.append(_step(start, end, skill))
        previous = (paragraph, skill)
    return steps


def _step(start: int, end: int, skill: Skill) -> Step:
    return Step(start, end, skill.name, skill.family)


def _spans(text: str, kind: DecompositionKind) -> Iterator[tuple[int, int, int]]:
    """Yield (start, end, paragraph) of the pieces that get a skill each."""
    if kind == "none":
        if text:
            yield 0, len(text), 0
        return
    ends = cut(text)
    start = 0
    for index, (end, paragraph) in enumerate(ends):
        is_last_of_paragraph = index + 1 == len(ends) or ends[index + 1][1] != paragraph
        if kind != "step" or is_last_of_paragraph:
            yield start, end, paragraph
            start = end
