"""Whether anything of a derivation is left: a computation or a deduction, not only question and answer."""

import re
from collections.abc import Sequence

from drp.derivation.statements import Statement

_COMPUTES = re.compile(r"[\w)!%°][-+*/^√(][\w(√-]")
_DEDUCES = re.compile(
    r"\b(?:since|because|so|therefore|thus|hence|then|implies|means|follows|must|cannot|can't|only|every|each|if|as"
    r"|formula|theorem|factor\w{0,3}|prime|divisible|multiple|remainder|odd|even|symmetr\w{1,3}|same|similar|equal)\b"
)
_CONCLUDES = re.compile(r"\b(?:answer|boxed|final)\b")


def derives(question: Sequence[Statement], thinking: Sequence[Statement]) -> bool:
    """Whether a text has a sentence that computes or deduces and does not only repeat the question."""
    asked = {statement.key for statement in question}
    equations = frozenset().union(*(statement.unit.equations for statement in question))
    words = frozenset().union(*(statement.unit.vocabulary for statement in question))
    for statement in thinking:
        unit = statement.unit
        if statement.key in asked or unit.body.endswith("?"):
            continue
        if unit.equations - equations and _COMPUTES.search(unit.plain):
            return True
        if _CONCLUDES.search(unit.lower) or "\\boxed" in unit.text:
            continue
        if len(unit.vocabulary - words) >= 2 and _DEDUCES.search(unit.lower):
            return True
    return False
