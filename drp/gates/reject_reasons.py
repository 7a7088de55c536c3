"""The reasons for which a rollout or a revision is rejected: their names, meanings and order."""

from dataclasses import dataclass
from typing import Literal, TypeAlias, get_args

RejectReason: TypeAlias = Literal[
    "truncated",
    "degenerate",
    "answer_missing",
    "rollout_wrong",
    "answer_inconsistent",
    "answer_undecided",
    "benchmark_leak",
    "duplicate",
    "malformed",
    "uncovered",
    "unanswered",
    "not_shorter",
    "hollow",
    "false_arithmetic",
    "language_mixed",
    "leaks_markup",
]

REASONS: dict[RejectReason, str] = {
    "truncated": "The rollout or the teacher's reply ended before it was finished.",
    "degenerate": "The rollout loops: it repeats itself instead of reasoning.",
    "answer_missing": "No answer can be found in the response.",
    "rollout_wrong": "The rollout's answer differs from the gold answer.",
    "answer_inconsistent": "The revision's answer differs from the rollout's answer or from the gold answer.",
    "answer_undecided": "The grader could not decide whether two answers are equal.",
    "benchmark_leak": "The question is in an evaluation set: it shares its text or 13 consecutive words.",
    "duplicate": "The same rollout, or the same text for the same question, is already in the run.",
    "malformed": "The teacher's reply does not have the requested format.",
    "uncovered": "The steps do not cover the trace from first to last character without gap or overlap.",
    "unanswered": "The teacher did not answer: it refused, was filtered, sent an empty reply, or failed.",
    "not_shorter": "The revision is as long as the rollout or longer.",
    "hollow": "Too little of the trace is left to follow the reasoning.",
    "false_arithmetic": "An equation in the revision is false.",
    "language_mixed": "The revision has letters of a script that the question does not use.",
    "leaks_markup": "The revision contains tags, template tokens or labels of a teacher's reply.",
}
"""Every reason and its meaning in one sentence, in the order in which reasons are returned."""

assert tuple(REASONS) == get_args(RejectReason)  # noqa: S101 - the two lists must agree


@dataclass(frozen=True)
class Rejection:
    """A rejection by one gate: the reason's stable name, and details for a reader."""

    reason: RejectReason
    detail: str
