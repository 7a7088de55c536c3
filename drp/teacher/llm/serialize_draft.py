"""Serialize a draft as a teacher's reply, to show the worked example in the form of each prompt.

The inverse of `drp.teacher.llm.parse`: the reply parses back to the draft's steps, decisions and revision.
"""

from bisect import bisect_left
from collections.abc import Callable, Sequence
from itertools import groupby

from drp.core import Decision, Draft, Revision
from drp.teacher.llm.prompts import PromptName
from drp.teacher.llm.reply_schemas import (
    AnyReply,
    FusedReply,
    FusedStep,
    FusedText,
    IndexedReply,
    RevisedReply,
    RevisedStep,
    StepRun,
    StepRunsReply,
    VerbatimReply,
    VerbatimStep,
)
from drp.traces import letter, shown, unit_ends


def reply_of(name: PromptName, draft: Draft) -> AnyReply:
    """Return the reply to prompt `name` that says `draft`, whose steps must consist of whole units."""
    return _WRITERS[name](draft)


def _last_units(draft: Draft) -> list[int]:
    """Return the last unit of each step, counted from 1."""
    ends = unit_ends(draft.trace.thinking)
    return [bisect_left(ends, step.char_end) + 1 for step in draft.steps]


def _indexed(draft: Draft) -> IndexedReply:
    skills = dict.fromkeys((step.skill_family, step.skill) for step in draft.steps)
    letters = {skill: letter(index) for index, skill in enumerate(skills)}
    return IndexedReply(
        skills=[f"{key} {family}: {skill}" for (family, skill), key in letters.items()],
        steps=[
            f"{end}{letters[step.skill_family, step.skill]}"
            for end, step in zip(_last_units(draft), draft.steps, strict=True)
        ],
    )


def _verbatim(draft: Draft) -> VerbatimReply:
    text = shown(draft.trace.thinking)
    return VerbatimReply(
        steps=[
            VerbatimStep(
                text=text[step.char_start : step.char_end].strip(),
                skill=step.skill,
                family=step.skill_family,
            )
            for step in draft.steps
        ]
    )


def _fused(draft: Draft) -> FusedReply:
    steps: list[FusedStep | FusedText] = []
    for end, step, decision in zip(_last_units(draft), draft.steps, draft.decisions, strict=True):
        fields = {"end": end, "skill": step.skill, "family": step.skill_family, "action": decision.action}
        if decision.revised_text is None:
            steps.append(FusedStep.model_validate(fields))
        else:
            steps.append(FusedText.model_validate(fields | {"text": decision.revised_text}))
    return FusedReply(steps=steps, response=_revision(draft).response)


def _runs(draft: Draft) -> StepRunsReply:
    runs = []
    for _, members in groupby(draft.decisions, key=_run_of(draft.decisions)):
        first, *others = members
        to = (others[-1] if others else first).step_index + 1
        runs.append(StepRun(to=to, action=first.action, text=first.revised_text))
    return StepRunsReply(runs=runs, response=_revision(draft).response)


def _run_of(decisions: Sequence[Decision]) -> Callable[[Decision], object]:
    """Return a key function that is equal for decisions in one run.

    A merge includes the steps that are deleted between its steps.
    """
    merge_of: dict[int, int] = {}
    for decision in decisions:
        for member in range(decision.step_index, max(decision.merged_with, default=-1) + 1):
            merge_of.setdefault(member, decision.step_index)

    def run(decision: Decision) -> object:
        if decision.step_index in merge_of:
            return merge_of[decision.step_index]
        return decision.step_index if decision.revised_text is not None else decision.action

    return run


def _revised(draft: Draft) -> RevisedReply:
    revision = _revision(draft)
    return RevisedReply(
        decisions=[
            RevisedStep(
                step=decision.step_index + 1,
                action=decision.action,
                text=decision.revised_text,
                merged_with=[other + 1 for other in decision.merged_with],
                reason=decision.reason,
            )
            for decision in draft.decisions
        ],
        thinking=revision.thinking,
        response=revision.response,
    )


def _revision(draft: Draft) -> Revision:
    if draft.revision is None:
        raise ValueError("a draft without a revision has no such reply")
    return draft.revision


_WRITERS: dict[PromptName, Callable[[Draft], AnyReply]] = {
    "decompose-indexed": _indexed,
    "decompose-verbatim": _verbatim,
    "revise-indexed": _runs,
    "revise-verbatim": _revised,
    "fused": _fused,
}
