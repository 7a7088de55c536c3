"""Make decisions from actions and texts; find the steps that each MULTI-STEP COMPRESS merges.

A merge of one step becomes a SINGLE-STEP COMPRESS, whatever the teacher calls it: the text is the same.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from drp.core import Action, Decision
from drp.teacher.llm.reply_schemas import UnusableReplyError

NOT_ASKED = "not_asked"
"""The reason of a decision if the prompt asks for none, because a reason costs as much as the decision."""


@dataclass(frozen=True)
class StepReply:
    """Action, text and reason of one step in a reply."""

    action: Action
    text: str | None = None
    reason: str = NOT_ASKED


def decisions_from(
    step_replies: Sequence[StepReply], groups: Sequence[Sequence[int]]
) -> tuple[Decision, ...]:
    """Return one decision for every step.

    Args:
        step_replies: in the order of the steps.
        groups: indexes of the steps of each merge, ascending; the first step has the text.
    """
    others = {
        member: tuple(other for other in group if other != member) for group in groups for member in group
    }
    decisions = []
    for index, step in enumerate(step_replies):
        merged = others.get(index, ())
        action: Action = step.action
        if step.text is not None:
            action = "MULTI-STEP COMPRESS" if merged else "SINGLE-STEP COMPRESS"
        decisions.append(Decision(index, action, step.text, step.reason, merged))
    return tuple(decisions)


def groups_by_name(
    step_replies: Sequence[StepReply], merged_with: Sequence[Sequence[int]]
) -> list[list[int]]:
    """Return the merges of a reply in which each step names the other steps of its merge, by index.

    Raises:
        UnusableReplyError: `malformed`: the steps disagree or are not neighbours, or the text is not on the
            first one.
    """
    group_of = [frozenset({index, *others}) for index, others in enumerate(merged_with)]
    groups: list[list[int]] = []
    for index, (step, group) in enumerate(zip(step_replies, group_of, strict=True)):
        first, last = min(group), max(group)
        if len(group) == 1:
            if step.action == "MULTI-STEP COMPRESS" and step.text is None:
                raise _fault(index, "is a MULTI-STEP COMPRESS with no text and no other step")
            continue
        if step.action != "MULTI-STEP COMPRESS":
            raise _fault(index, f"is a {step.action} and yet merged with others")
        if first < 0 or last >= len(step_replies):
            raise _fault(index, "is merged with a step that does not exist")
        if group_of[first] != group or (index == first and any(group_of[other] != group for other in group)):
            raise _fault(index, "is merged with a step that is not merged with it")
        if (step.text is None) == (index == first):
            raise _fault(index, "is merged, and of merged steps the first one alone has the text")
        if index == first:
            if any(step_replies[other].action != "DELETE" for other in set(range(first, last)) - group):
                raise _fault(index, "is merged with a step that is not its neighbour")
            groups.append(sorted(group))
    return groups


def _fault(index: int, problem: str) -> UnusableReplyError:
    return UnusableReplyError("malformed", f"step {index + 1} {problem}")
