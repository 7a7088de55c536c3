"""What a voice of the small student is: its phrases by form, its habits, and how it lays a trace out.

The trace writer takes every phrase from a voice and records its form, so that the role of each phrase of a
trace is known.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from drp.questions.generators import Operator


class Form(StrEnum):
    """A kind of phrase. Its value is the name that a reader sees."""

    OPENING = "opening"
    RESTATEMENT = "restatement"
    DOUBT = "doubt"
    PLAN = "plan"
    FIRST_LEAD = "first lead"
    NEXT_LEAD = "next lead"
    LAST_LEAD = "last lead"
    REASON = "reason"
    FALSE_START = "false start"
    """An operation that does not fit, withdrawn in the same phrase, which ends with the right reason."""
    EQUATION = "equation"
    RESULT = "result"
    CHECK = "check"
    GUESS = "guess"
    """An arithmetic result that is as often wrong as right."""
    UNNOTICED = "unnoticed"
    """Follows a guess that stands: a right one, or a wrong one that nobody notices."""
    CAUGHT = "caught"
    """Follows a wrong guess and corrects it."""
    VERIFICATION = "verification"
    BACKWARDS = "backwards"
    DITHERING = "dithering"
    CLOSING = "closing"


class Role(StrEnum):
    """What a sentence does for the solution."""

    RESTATEMENT = "restatement"
    PLAN = "plan"
    DERIVATION = "derivation step"
    REPETITION = "repetition"
    CHECK = "redundant check"
    ASIDE = "aside"
    GUESS = "guess"
    CORRECTION = "correction"
    WITHDRAWN = "withdrawn step"
    ANSWER = "answer"


ROLES: Mapping[Form, Role] = {
    Form.OPENING: Role.RESTATEMENT,
    Form.RESTATEMENT: Role.RESTATEMENT,
    Form.DOUBT: Role.ASIDE,
    Form.PLAN: Role.PLAN,
    Form.FIRST_LEAD: Role.DERIVATION,
    Form.NEXT_LEAD: Role.DERIVATION,
    Form.LAST_LEAD: Role.DERIVATION,
    Form.REASON: Role.DERIVATION,
    Form.FALSE_START: Role.WITHDRAWN,
    Form.EQUATION: Role.DERIVATION,
    Form.RESULT: Role.REPETITION,
    Form.CHECK: Role.CHECK,
    Form.GUESS: Role.GUESS,
    Form.UNNOTICED: Role.ASIDE,
    Form.CAUGHT: Role.CORRECTION,
    Form.VERIFICATION: Role.CHECK,
    Form.BACKWARDS: Role.CHECK,
    Form.DITHERING: Role.ASIDE,
    Form.CLOSING: Role.ANSWER,
}
"""The role of every form."""


class WrittenPhrase(NamedTuple):
    """A phrase of a trace: one sentence or a few that belong together."""

    form: Form
    text: str

    @property
    def role(self) -> Role:
        """What it does for the solution."""
        return ROLES[self.form]


class Habits(NamedTuple):
    """Probabilities of the optional parts of a trace."""

    opening: float
    restatement: float
    plan: float
    lead: float
    reason: float
    false_start: float
    guess: float
    """Half of the guesses are right, the other half are wrong and corrected at once."""
    result: float
    check: float
    verification: float
    backwards: float
    dithering: float
    closing: float
    summary: float


@dataclass(frozen=True)
class Voice:
    """How a student talks. The writer fills in the braces of its phrases."""

    phrases: Mapping[Form, Sequence[str]]
    """Variants of every form except `REASON`."""
    reasons: Mapping[Operator, Sequence[str]]
    """Variants of `REASON` for each operator."""
    verbose: Habits
    answer: str
    """Last line of the response, with `{answer}` and `{unit}`."""
    summary_line: str = "{equation}"
    """A line of the response for each computation."""
    then: str = ", then "
    """Stands between the equations of a verification."""
    apart: frozenset[Form] = frozenset()
    """Forms that stand in a separate paragraph."""
