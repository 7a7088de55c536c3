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
    "teacher_unsettled",
    "teacher_long_search",
    "teacher_no_conclusion",
    "teacher_lost_link",
    "teacher_nothing_to_cut",
    "not_shorter",
    "hollow",
    "missing_link",
    "dangling_reference",
    "contradiction",
    "withdrawn_step",
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
    "malformed": "The teacher's reply or text cannot be read: no text, another format, an open formula.",
    "uncovered": "The steps do not cover the trace from first to last character without gap or overlap.",
    "unanswered": "The teacher did not answer: it refused, was filtered, sent an empty reply, or failed.",
    "teacher_unsettled": "The rule-based teacher could not tell the derivation from what was taken back.",
    "teacher_long_search": "The rule-based teacher could not tell the derivation from a long search.",
    "teacher_no_conclusion": "What the rule-based teacher kept never concludes the student's answer.",
    "teacher_lost_link": "What the rule-based teacher kept uses values that only dropped text gives.",
    "teacher_nothing_to_cut": "The rule-based teacher found nothing to shorten.",
    "not_shorter": "The revised thinking, or the whole revision, is as long as the rollout's or longer.",
    "hollow": "The revised thinking computes or deduces nothing, or is shorter than the recipe allows.",
    "missing_link": "The revision uses a value, symbol or case that only a dropped sentence gives.",
    "dangling_reference": "The revision refers to an equation, case, step or item that it does not have.",
    "contradiction": "The revision states a result that differs from the student's or from its own.",
    "withdrawn_step": "The revision keeps a step that the student takes back later.",
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
