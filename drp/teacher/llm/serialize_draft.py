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
    FusedRun,
    FusedSynthesisReply,
    FusedTextRun,
    IndexedReply,
    RevisedReply,
    RevisedStep,
    StepRun,
    StepRunsReply,
    VerbatimReply,
    VerbatimStep,
)
from drp.traces import letter, shown, unit_ends


def reply_of(name: PromptName, draft: Draft, needs: str = "") -> AnyReply:
    """Return the reply to prompt `name` that says `draft`, whose steps must consist of whole units.

    `needs` is what the final derivation needs, for replies that say it.
    """
    return _WRITERS[name](draft, needs)


def _last_units(draft: Draft) -> list[int]:
    """Return the last unit of each step, counted from 1."""
    ends = unit_ends(draft.trace.thinking)
    return [bisect_left(ends, step.char_end) + 1 for step in draft.steps]


def _skills_and_steps(draft: Draft) -> tuple[list[str], list[str]]:
    """Return each skill once, with a letter, and each step as its last unit and its skill's letter."""
    skills = dict.fromkeys((step.skill_family, step.skill) for step in draft.steps)
    letters = {skill: letter(index) for index, skill in enumerate(skills)}
    return [f"{key} {family}: {skill}" for (family, skill), key in letters.items()], [
        f"{end}{letters[step.skill_family, step.skill]}"
        for end, step in zip(_last_units(draft), draft.steps, strict=True)
    ]


def _indexed(draft: Draft, _: str) -> IndexedReply:
    skills, steps = _skills_and_steps(draft)
    return IndexedReply(skills=skills, steps=steps)


def _verbatim(draft: Draft, _: str) -> VerbatimReply:
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


def _fused_runs(draft: Draft) -> tuple[list[str], list[FusedRun | FusedTextRun]]:
    skills, steps = _skills_and_steps(draft)
    runs: list[FusedRun | FusedTextRun] = []
    for members in _runs_of(draft.decisions):
        first = members[0]
        fields = {
            "steps": [steps[decision.step_index] for decision in members],
            "action": first.action,
        }
        if first.revised_text is None:
            runs.append(FusedRun.model_validate(fields))
        else:
            runs.append(FusedTextRun.model_validate(fields | {"text": first.revised_text}))
    return skills, runs


def _fused(draft: Draft, needs: str) -> FusedReply:
    skills, runs = _fused_runs(draft)
    return FusedReply(needs=needs, skills=skills, runs=runs, response=_revision(draft).response)


def _synthesis(draft: Draft, needs: str) -> FusedSynthesisReply:
    skills, runs = _fused_runs(draft)
    revision = _revision(draft)
    return FusedSynthesisReply(
        needs=needs, skills=skills, runs=runs, thinking=revision.thinking, response=revision.response
    )


def _runs(draft: Draft, needs: str) -> StepRunsReply:
    runs = [
        StepRun(to=members[-1].step_index + 1, action=members[0].action, text=members[0].revised_text)
        for members in _runs_of(draft.decisions)
    ]
    return StepRunsReply(needs=needs, runs=runs, response=_revision(draft).response)


def _runs_of(decisions: Sequence[Decision]) -> list[list[Decision]]:
    """Return the decisions, those in one run together."""
    return [list(members) for _, members in groupby(decisions, key=_run_of(decisions))]


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


def _revised(draft: Draft, needs: str) -> RevisedReply:
    revision = _revision(draft)
    return RevisedReply(
        needs=needs,
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


_WRITERS: dict[PromptName, Callable[[Draft, str], AnyReply]] = {
    "decompose-indexed": _indexed,
    "decompose-verbatim": _verbatim,
    "revise-indexed": _runs,
    "revise-verbatim": _revised,
    "fused": _fused,
    "fused-synthesis": _synthesis,
}
