"""Decisions from actions and texts: which steps a MULTI-STEP COMPRESS takes together.

A merge of one step is a SINGLE-STEP COMPRESS, whatever it is called: its words are the same.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from drp.core import Action, Decision
from drp.teacher.llm.reply_schemas import UnusableReplyError

NOT_ASKED = "not_asked"
"""The reason of a decision where the prompt asks for none, since it costs as much as the decision."""


@dataclass(frozen=True)
class StepReply:
    """What a reply says of one step."""

    action: Action
    text: str | None = None
    reason: str = NOT_ASKED


def decisions_from(said: Sequence[StepReply], groups: Sequence[Sequence[int]]) -> tuple[Decision, ...]:
    """One decision for every step.

    Args:
        said: in the order of the steps.
        groups: indexes of the steps of each merge, ascending; the first has the text.
    """
    others = {
        member: tuple(other for other in group if other != member) for group in groups for member in group
    }
    decisions = []
    for index, each in enumerate(said):
        merged = others.get(index, ())
        action: Action = each.action
        if each.text is not None:
            action = "MULTI-STEP COMPRESS" if merged else "SINGLE-STEP COMPRESS"
        decisions.append(Decision(index, action, each.text, each.reason, merged))
    return tuple(decisions)


def groups_in_order(said: Sequence[StepReply]) -> list[list[int]]:
    """Merges where each begins with the step that has the text and goes on with those that have none.

    Steps deleted in between do not end it; a step that keeps words of its own does.

    Raises:
        UnusableReplyError: `malformed`, a step joins a merge that has not begun.
    """
    groups: list[list[int]] = []
    is_open = False
    for index, each in enumerate(said):
        if each.action == "MULTI-STEP COMPRESS":
            if each.text is not None:
                groups.append([index])
                is_open = True
            elif is_open:
                groups[-1].append(index)
            else:
                raise UnusableReplyError(
                    "malformed",
                    f"step {index + 1} is a MULTI-STEP COMPRESS without text, and no merge is open before it",
                )
        elif each.action != "DELETE":
            is_open = False
    return groups


def groups_by_name(said: Sequence[StepReply], named: Sequence[Sequence[int]]) -> list[list[int]]:
    """Merges where each step names the others (indexes).

    Raises:
        UnusableReplyError: `malformed`: they disagree, are no neighbours, or the text is not on the first.
    """
    together = [frozenset({index, *others}) for index, others in enumerate(named)]
    groups: list[list[int]] = []
    for index, (each, group) in enumerate(zip(said, together, strict=True)):
        first, last = min(group), max(group)
        if len(group) == 1:
            if each.action == "MULTI-STEP COMPRESS" and each.text is None:
                raise _fault(index, "is a MULTI-STEP COMPRESS with no text and no other step")
            continue
        if each.action != "MULTI-STEP COMPRESS":
            raise _fault(index, f"is a {each.action} and yet merged with others")
        if first < 0 or last >= len(said):
            raise _fault(index, "is merged with a step that does not exist")
        if together[first] != group or (index == first and any(together[other] != group for other in group)):
            raise _fault(index, "is merged with a step that is not merged with it")
        if (each.text is None) == (index == first):
            raise _fault(index, "is merged, and of merged steps the first one alone has the text")
        if index == first:
            if any(said[other].action != "DELETE" for other in set(range(first, last)) - group):
                raise _fault(index, "is merged with a step that is not its neighbour")
            groups.append(sorted(group))
    return groups


def _fault(index: int, what: str) -> UnusableReplyError:
    return UnusableReplyError("malformed", f"step {index + 1} {what}")
