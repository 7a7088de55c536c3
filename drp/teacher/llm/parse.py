"""What a teacher replied, checked against the trace: steps, decisions and revision, or the fault.

    read_decompose(trace, kind, asking, text)  ->  steps
    read_revise(draft, asking, text)           ->  decisions, revision
    read_fused(trace, kind, text)              ->  steps, decisions, revision

Nothing in a reply is trusted: each function raises `UnusableReplyError` with the first fault and its place.
Steps cover the trace exactly, by construction. What becomes of a revision is for the row gates.
"""

import re
from collections.abc import Sequence

from drp.config import DecompositionKind
from drp.core import Action, Decision, Draft, Revision, Step, StudentTrace
from drp.teacher.llm.align import aligned, solid
from drp.teacher.llm.merges import StepReply, decisions_from, groups_by_name, groups_in_order
from drp.teacher.llm.messages import TwoPass
from drp.teacher.llm.reply_schemas import (
    FusedReply,
    FusedText,
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

_LETTER = re.compile(r"[a-z]{1,3}")  # of a skill
_STEP = re.compile(r"(\d{1,9}) ?([a-z]{1,3})")  # last unit and skill


def whole(trace: StudentTrace) -> tuple[Step, ...]:
    """The one step of kind `none`, for which no teacher is asked; `()` for an empty trace."""
    return _steps((len(trace.thinking),), (Skill("the whole trace", "deduction"),)) if trace.thinking else ()


def read_decompose(
    trace: StudentTrace, kind: DecompositionKind, asking: TwoPass, text: str
) -> tuple[Step, ...]:
    """The steps in a reply to `ask_decompose`.

    Raises:
        UnusableReplyError: `uncovered` or `malformed`.
    """
    if asking == "verbatim":
        written = parsed(VerbatimReply, text).steps
        ends = aligned(trace.thinking, [step.text for step in written])
        skills = [
            skill_named(step.skill, step.family, f"step {n}") for n, step in enumerate(written, start=1)
        ]
    else:
        reply = parsed(IndexedReply, text)
        table = _lettered(reply.skills)
        pairs = [_STEP.fullmatch(said) for said in reply.steps]
        found = [(int(pair[1]), table[pair[2]]) for pair in pairs if pair and pair[2] in table]
        if len(found) < len(pairs):
            wrong = next(n for n, pair in enumerate(pairs) if not pair or pair[2] not in table)
            said = reply.steps[wrong]
            raise UnusableReplyError(
                "malformed",
                f"step {wrong + 1} is {said[:20]!r}, not a last unit and the letter of a skill",
            )
        ends = _ends(trace, [unit for unit, _ in found])
        skills = [skill for _, skill in found]
    return _of_kind(kind, _steps(ends, skills))


def read_fused(
    trace: StudentTrace, kind: DecompositionKind, text: str
) -> tuple[tuple[Step, ...], tuple[Decision, ...], Revision]:
    """Steps, decisions and revision in a reply to `ask_fused`; its thinking is put together here.

    Raises:
        UnusableReplyError: `uncovered` or `malformed`.
    """
    reply = parsed(FusedReply, text)
    ends = _ends(trace, [step.end for step in reply.steps])
    skills = [
        skill_named(step.skill, step.family, f"step {n}") for n, step in enumerate(reply.steps, start=1)
    ]
    steps = _of_kind(kind, _steps(ends, skills))
    said = [
        StepReply(
            step.action,
            checked(step.text, f"the text of step {number}", trace) if isinstance(step, FusedText) else None,
        )
        for number, step in enumerate(reply.steps, start=1)
    ]
    decisions = decisions_from(said, groups_in_order(said))
    return steps, decisions, _put_together(trace, steps, decisions, reply.response)


def read_revise(draft: Draft, asking: TwoPass, text: str) -> tuple[tuple[Decision, ...], Revision]:
    """Decisions and revision in a reply to `ask_revise`.

    Raises:
        UnusableReplyError: `malformed`.
    """
    trace, steps = draft.trace, draft.steps
    if asking == "indexed":
        runs = parsed(StepRunsReply, text)
        decisions = _runs(draft, runs)
        return decisions, _put_together(trace, steps, decisions, runs.response)
    reply = parsed(RevisedReply, text)
    decisions = _revised(draft, reply)
    thinking = checked(reply.thinking, "the thinking", trace)
    return decisions, Revision(thinking, checked(reply.response, "the response", trace))


def _lettered(skills: Sequence[str]) -> dict[str, Skill]:
    """Skills by their letters; a name without a family has the one that fits it."""
    table: dict[str, Skill] = {}
    for place, said in enumerate(skills, start=1):
        key, _, label = said.partition(" ")
        if not _LETTER.fullmatch(key) or key in table:
            raise UnusableReplyError(
                "malformed", f"skill {place} is {said[:40]!r}: it has no letter of its own"
            )
        family, _, name = label.rpartition(":")
        table[key] = skill_named(name, family, f"skill {key}")
    return table


def _ends(trace: StudentTrace, last_units: Sequence[int]) -> tuple[int, ...]:
    """Where steps end whose last units (counted from 1) a reply names."""
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


def _runs(draft: Draft, reply: StepRunsReply) -> tuple[Decision, ...]:
    said: list[StepReply] = []
    groups: list[Sequence[int]] = []
    for run in reply.runs:
        first = len(said)
        if not first < run.to <= len(draft.steps):
            raise UnusableReplyError(
                "malformed",
                f"a run goes to step {run.to} after one to step {first}, of {len(draft.steps)} steps",
            )
        steps = range(first, run.to)
        text = _text_of(run.action, run.text, first + 1, draft)
        if text is None:
            said += [StepReply(run.action)] * len(steps)
        else:
            said += [StepReply(run.action, text), *[StepReply("MULTI-STEP COMPRESS")] * (len(steps) - 1)]
            groups += [steps] if len(steps) > 1 else []
    if len(said) < len(draft.steps):
        raise UnusableReplyError("malformed", f"steps {len(said) + 1}-{len(draft.steps)} are in no run")
    return decisions_from(said, groups)


def _revised(draft: Draft, reply: RevisedReply) -> tuple[Decision, ...]:
    if [each.step for each in reply.decisions] != [*range(1, len(draft.steps) + 1)]:
        missing = sorted({*range(1, len(draft.steps) + 1)} - {each.step for each in reply.decisions})
        what = f"steps {missing[:10]} have no decision" if missing else "some are twice or out of order"
        raise UnusableReplyError(
            "malformed", f"not one decision for each of {len(draft.steps)} steps in order: {what}"
        )
    said = []
    for step, each in zip(draft.steps, reply.decisions, strict=True):
        text = _written(each.text)
        if each.action == "KEEP" and text is not None:
            if solid(text) != solid(draft.trace.thinking[step.char_start : step.char_end]):
                raise UnusableReplyError("malformed", f"step {each.step} is a KEEP with other words")
            text = None
        if each.action != "MULTI-STEP COMPRESS" or text is not None:
            text = _text_of(each.action, text, each.step, draft)
        said.append(StepReply(each.action, text, _reason(each.reason)))
    named = [[other - 1 for other in each.merged_with] for each in reply.decisions]
    return decisions_from(said, groups_by_name(said, named))


def _text_of(action: Action, text: str | None, number: int, draft: Draft) -> str | None:
    """The text that stands for a step, checked; None where the step has none."""
    text = _written(text)
    if action in {"KEEP", "DELETE"}:
        if text is not None:
            raise UnusableReplyError("malformed", f"step {number} is a {action} with a text")
        return None
    if text is None:
        raise UnusableReplyError("malformed", f"step {number} is a {action} without a text")
    return checked(text, f"the text of step {number}", draft.trace)


def _written(text: str | None) -> str | None:
    """Blank text is none: some teachers write "" where null is asked for."""
    return text if text and text.strip() else None


_LONGEST_REASON = 200  # characters of a reason that are kept


def _reason(said: str) -> str:
    return " ".join(said.split())[:_LONGEST_REASON] or "none_given"


def _put_together(
    trace: StudentTrace, steps: Sequence[Step], decisions: Sequence[Decision], response: str
) -> Revision:
    thinking = joined(trace.thinking, steps, decisions)
    if not thinking:
        raise UnusableReplyError("malformed", "nothing of the thinking is left")
    return Revision(thinking, checked(response, "the response", trace))
