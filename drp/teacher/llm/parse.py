"""Parse a teacher's reply and check it against the trace.

    read_decompose(trace, kind, mode, text)  ->  steps
    read_revise(draft, mode, text)           ->  decisions, revision
    read_fused(trace, kind, text)            ->  steps, decisions, revision
    read_fused_part, read_revise_part        ->  the same of one window of a long trace, without a revision

Nothing in a reply is trusted: each function raises `UnusableReplyError` with the first fault and its place.
Steps cover the trace exactly, by construction. Whether a revision is good is for the row gates.
"""

import re
from collections.abc import Sequence

from drp.config import DecompositionKind
from drp.core import Action, Decision, Draft, Revision, Step, StudentTrace
from drp.teacher.llm.align_steps import aligned, solid
from drp.teacher.llm.messages import TwoPass
from drp.teacher.llm.reply_decisions import StepReply, decisions_from, groups_by_name
from drp.teacher.llm.reply_schemas import (
    FusedReply,
    FusedSynthesisReply,
    FusedTextRun,
    IndexedReply,
    RevisedReply,
    StepRunsReply,
    UnusableReplyError,
    VerbatimReply,
    parsed,
)
from drp.teacher.llm.skill_names import skill_named
from drp.teacher.llm.text_checks import checked
from drp.traces import Skill, joined, unit_ends

_LETTER = re.compile(r"[a-z]{1,3}")  # the key of a skill
_STEP = re.compile(r"(\d{1,9}) ?([a-z]{1,3})")  # last unit and skill


def whole(trace: StudentTrace) -> tuple[Step, ...]:
    """Return the only step of kind `none`, which needs no teacher; `()` for an empty trace."""
    return _steps((len(trace.thinking),), (Skill("the whole trace", "deduction"),)) if trace.thinking else ()


def read_decompose(
    trace: StudentTrace, kind: DecompositionKind, mode: TwoPass, text: str
) -> tuple[Step, ...]:
    """Return the steps in a reply to `build_decompose`.

    Raises:
        UnusableReplyError: `uncovered` or `malformed`.
    """
    if mode == "verbatim":
        copied = parsed(VerbatimReply, text).steps
        ends = aligned(trace.thinking, [step.text for step in copied])
        skills = [skill_named(step.skill, step.family, f"step {n}") for n, step in enumerate(copied, start=1)]
    else:
        reply = parsed(IndexedReply, text)
        ends, skills = _numbered_steps(trace, reply.skills, reply.steps)
    return _of_kind(kind, _steps(ends, skills))


def read_fused(
    trace: StudentTrace, kind: DecompositionKind, text: str, *, is_synthesised: bool = False
) -> tuple[tuple[Step, ...], tuple[Decision, ...], Revision]:
    """Return steps, decisions and revision in a reply to `build_fused`.

    The thinking is joined here, unless the reply has it (`is_synthesised`).

    Raises:
        UnusableReplyError: `uncovered` or `malformed`.
    """
    steps, decisions, response, thinking = _read_fused(trace, kind, text, is_synthesised)
    if thinking is None:
        return steps, decisions, revision_of(trace, steps, decisions, response)
    revision = Revision(checked(thinking, "the thinking", trace), checked(response, "the response", trace))
    return steps, decisions, revision


def read_fused_part(
    trace: StudentTrace, kind: DecompositionKind, text: str, *, is_synthesised: bool = False
) -> tuple[tuple[Step, ...], tuple[Decision, ...], str]:
    """Return steps, decisions and the unchecked response in a reply to `build_fused`.

    Raises:
        UnusableReplyError: `uncovered` or `malformed`.
    """
    return _read_fused(trace, kind, text, is_synthesised)[:3]


def _read_fused(
    trace: StudentTrace, kind: DecompositionKind, text: str, is_synthesised: bool
) -> tuple[tuple[Step, ...], tuple[Decision, ...], str, str | None]:
    reply = parsed(FusedSynthesisReply, text) if is_synthesised else parsed(FusedReply, text)
    thinking = reply.thinking if isinstance(reply, FusedSynthesisReply) else None
    ends, skills = _numbered_steps(trace, reply.skills, [step for run in reply.runs for step in run.steps])
    steps = _of_kind(kind, _steps(ends, skills))
    step_replies: list[StepReply] = []
    groups: list[Sequence[int]] = []
    for number, run in enumerate(reply.runs, start=1):
        first, count = len(step_replies), len(run.steps)
        if not count:
            raise UnusableReplyError("malformed", f"run {number} has no steps")
        new_text = None
        if isinstance(run, FusedTextRun):
            new_text = checked(run.text, f"the text of step {first + 1}", trace)
        replies, merges = _run(run.action, new_text, range(first, first + count))
        step_replies += replies
        groups += merges
    return steps, decisions_from(step_replies, groups), reply.response, thinking


def _run(action: Action, text: str | None, steps: range) -> tuple[list[StepReply], list[Sequence[int]]]:
    """Return the replies to the steps of one run, and its merge if it is one."""
    if text is None:
        return [StepReply(action)] * len(steps), []
    following = [StepReply("MULTI-STEP COMPRESS")] * (len(steps) - 1)
    return [StepReply(action, text), *following], [steps] if len(steps) > 1 else []


def read_revise(draft: Draft, mode: TwoPass, text: str) -> tuple[tuple[Decision, ...], Revision]:
    """Return decisions and revision in a reply to `build_revise`.

    Raises:
        UnusableReplyError: `malformed`.
    """
    trace = draft.trace
    if mode == "indexed":
        decisions, response = read_revise_part(draft, mode, text)
        return decisions, revision_of(trace, draft.steps, decisions, response)
    reply = parsed(RevisedReply, text)
    decisions = _decisions_by_step(draft, reply)
    thinking = checked(reply.thinking, "the thinking", trace)
    return decisions, Revision(thinking, checked(reply.response, "the response", trace))


def read_revise_part(draft: Draft, mode: TwoPass, text: str) -> tuple[tuple[Decision, ...], str]:
    """Return decisions and the unchecked response in a reply to `build_revise`.

    The thinking of a `verbatim` reply is left out: those of several windows do not make one text.

    Raises:
        UnusableReplyError: `malformed`.
    """
    if mode == "indexed":
        runs = parsed(StepRunsReply, text)
        return _decisions_from_runs(draft, runs), runs.response
    reply = parsed(RevisedReply, text)
    return _decisions_by_step(draft, reply), reply.response


def revision_of(
    trace: StudentTrace, steps: Sequence[Step], decisions: Sequence[Decision], response: str
) -> Revision:
    """Return the revision with the thinking that the decisions leave.

    Raises:
        UnusableReplyError: `malformed`, nothing is left, or the response cannot be used.
    """
    thinking = joined(trace.thinking, steps, decisions)
    if not thinking:
        raise UnusableReplyError("malformed", "nothing of the thinking is left")
    return Revision(thinking, checked(response, "the response", trace))


def _numbered_steps(
    trace: StudentTrace, skills: Sequence[str], steps: Sequence[str]
) -> tuple[tuple[int, ...], list[Skill]]:
    """Return where each step ends, and its skill, from steps such as `4c`."""
    skill_by_letter = _skills_by_letter(skills)
    last_units: list[int] = []
    named: list[Skill] = []
    for number, step in enumerate(steps, start=1):
        match = _STEP.fullmatch(step)
        if not match or match[2] not in skill_by_letter:
            raise UnusableReplyError(
                "malformed", f"step {number} is {step[:20]!r}, not a last unit and the letter of a skill"
            )
        last_units.append(int(match[1]))
        named.append(skill_by_letter[match[2]])
    return _ends(trace, last_units), named


def _skills_by_letter(skills: Sequence[str]) -> dict[str, Skill]:
    """Return the skills by letter; a name without a family gets the family that fits it."""
    skill_by_letter: dict[str, Skill] = {}
    for number, entry in enumerate(skills, start=1):
        key, _, label = entry.partition(" ")
        if not _LETTER.fullmatch(key) or key in skill_by_letter:
            raise UnusableReplyError(
                "malformed", f"skill {number} is {entry[:40]!r}: it has no letter of its own"
            )
        family, _, name = label.rpartition(":")
        skill_by_letter[key] = skill_named(name, family, f"skill {key}")
    return skill_by_letter


def _ends(trace: StudentTrace, last_units: Sequence[int]) -> tuple[int, ...]:
    """Return where steps end, given their last units, counted from 1."""
    ends = unit_ends(trace.thinking)
    before = 0
    for number, unit in enumerate(last_units, start=1):
        if unit <= before:
            raise UnusableReplyError(
                "uncovered", f"step {number} ends with unit {unit}, but the step before it ends with {before}"
            )
        if unit > len(ends):
            raise UnusableReplyError(
                "uncovered", f"step {number} ends with unit {unit}, but there are {len(ends)}"
            )
        before = unit
    if before < len(ends):
        raise UnusableReplyError("uncovered", f"units {before + 1}-{len(ends)} are in no step")
    return tuple(ends[unit - 1] for unit in last_units)


def _steps(ends: Sequence[int], skills: Sequence[Skill]) -> tuple[Step, ...]:
    return tuple(
        Step(start, end, skill.name, skill.family)
        for start, end, skill in zip((0, *ends), ends, skills, strict=False)
    )


def _of_kind(kind: DecompositionKind, steps: tuple[Step, ...]) -> tuple[Step, ...]:
    if kind == "none" and len(steps) > 1:
        raise UnusableReplyError("malformed", f"{len(steps)} steps where the whole trace is one")
    return steps


def _decisions_from_runs(draft: Draft, reply: StepRunsReply) -> tuple[Decision, ...]:
    step_replies: list[StepReply] = []
    groups: list[Sequence[int]] = []
    for run in reply.runs:
        first = len(step_replies)
        if not first < run.to <= len(draft.steps):
            raise UnusableReplyError(
                "malformed",
                f"a run goes to step {run.to} after one to step {first}, of {len(draft.steps)} steps",
            )
        text = _text_of(run.action, run.text, first + 1, draft)
        replies, merges = _run(run.action, text, range(first, run.to))
        step_replies += replies
        groups += merges
    if len(step_replies) < len(draft.steps):
        raise UnusableReplyError(
            "malformed", f"steps {len(step_replies) + 1}-{len(draft.steps)} are in no run"
        )
    return decisions_from(step_replies, groups)


def _decisions_by_step(draft: Draft, reply: RevisedReply) -> tuple[Decision, ...]:
    numbers = [*range(1, len(draft.steps) + 1)]
    if [decision.step for decision in reply.decisions] != numbers:
        missing = sorted({*numbers} - {decision.step for decision in reply.decisions})
        problem = f"steps {missing[:10]} have no decision" if missing else "some are twice or out of order"
        raise UnusableReplyError(
            "malformed", f"not one decision for each of {len(draft.steps)} steps in order: {problem}"
        )
    step_replies = []
    for step, decision in zip(draft.steps, reply.decisions, strict=True):
        text = _nonblank(decision.text)
        if decision.action == "KEEP" and text is not None:
            if solid(text) != solid(draft.trace.thinking[step.char_start : step.char_end]):
                raise UnusableReplyError("malformed", f"step {decision.step} is a KEEP with other words")
            text = None
        if decision.action != "MULTI-STEP COMPRESS" or text is not None:
            text = _text_of(decision.action, text, decision.step, draft)
        step_replies.append(StepReply(decision.action, text, _reason(decision.reason)))
    merged_with = [[other - 1 for other in decision.merged_with] for decision in reply.decisions]
    return decisions_from(step_replies, groups_by_name(step_replies, merged_with))


def _text_of(action: Action, text: str | None, number: int, draft: Draft) -> str | None:
    """Return the checked text that replaces a step; None if the action has no text."""
    text = _nonblank(text)
    if action in {"KEEP", "DELETE"}:
        if text is not None:
            raise UnusableReplyError("malformed", f"step {number} is a {action} with a text")
        return None
    if text is None:
        raise UnusableReplyError("malformed", f"step {number} is a {action} without a text")
    return checked(text, f"the text of step {number}", draft.trace)


def _nonblank(text: str | None) -> str | None:
    """Return None for blank text: some teachers write "" where the prompt asks for null."""
    return text if text and text.strip() else None


_LONGEST_REASON = 200  # characters of a reason that are kept


def _reason(text: str) -> str:
    return " ".join(text.split())[:_LONGEST_REASON] or "none_given"
