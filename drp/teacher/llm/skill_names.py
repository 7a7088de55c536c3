"""Skills as teachers name them: free text within bounds, in one of the ten families."""

from drp.teacher.llm.reply_schemas import UnusableReplyError
from drp.traces import SKILL_FAMILIES, UNLABELLED, Skill, skill_of

LONGEST_SKILL = 80
"""Characters: a name, not a sentence."""


def skill_named(name: str, family: str, place: str) -> Skill:
    """The skill in lower case with single blanks, and its family.

    A family that is none of the ten is replaced by the one that the heuristic teacher would give to what was
    said, and by `reading` where that says nothing either.

    Args:
        name: what the teacher calls it.
        family: where the teacher says that it belongs.
        place: what has this skill, for the fault.

    Raises:
        UnusableReplyError: `malformed`, it has no name or one of more than 80 characters.
    """
    name = " ".join(name.lower().split())
    if not name:
        raise UnusableReplyError("malformed", f"{place} has no skill")
    if len(name) > LONGEST_SKILL:
        raise UnusableReplyError(
            "malformed", f"the skill of {place} has more than {LONGEST_SKILL} characters"
        )
    family = family.strip().lower()
    if family not in SKILL_FAMILIES:
        family = (skill_of(f"{name} {family}") or UNLABELLED).family
    return Skill(name, family)
