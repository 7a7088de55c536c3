"""Text tools for reasoning traces: segmentation into units, skills, markup, loops and token counts."""

from drp.traces import skills
from drp.traces.join_steps import joined
from drp.traces.loops import is_degenerate
from drp.traces.markup import foreign_scripts, leaked_markup
from drp.traces.numbering import letter, numbered, shown, unit_ends
from drp.traces.segmentation import (
    STRONG,
    VALUE,
    Unit,
    cut,
    equations,
    is_balanced,
    separator,
    units,
    words,
)
from drp.traces.skills import SKILL_FAMILIES, UNLABELLED, Skill, skill_of, skill_scores, strongest
from drp.traces.spelling import plain
from drp.traces.tokens import TokenCount, TokenCounter

__all__ = [
    "SKILL_FAMILIES",
    "STRONG",
    "UNLABELLED",
    "VALUE",
    "Skill",
    "TokenCount",
    "TokenCounter",
    "Unit",
    "cut",
    "equations",
    "foreign_scripts",
    "is_balanced",
    "is_degenerate",
    "joined",
    "leaked_markup",
    "letter",
    "numbered",
    "plain",
    "separator",
    "shown",
    "skill_of",
    "skill_scores",
    "skills",
    "strongest",
    "unit_ends",
    "units",
    "words",
]
