"""Read skills as teachers name them: free text of limited length, in one of the ten families."""

from drp.teacher.llm.reply_schemas import UnusableReplyError
from drp.traces import SKILL_FAMILIES, UNLABELLED, Skill, skill_of

LONGEST_SKILL = 80
"""Most characters of a skill name."""


def skill_named(name: str, family: str, place: str) -> Skill:
    """Return the skill in lower case with single spaces, and its family.

    An unknown family is replaced by the one that the heuristic teacher finds for name and family, or by
    `reading` if it finds none.

    Args:
        name: the teacher's name of the skill.
        family: the teacher's family of the skill.
        place: what has this skill, for the fault.

    Raises:
        UnusableReplyError: `malformed`, the name is empty or longer than 80 characters.
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
