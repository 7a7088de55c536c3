"""The row gates: why a rollout is not sent to the teacher, and why a revision is not trained on (DESIGN, 5).

    rollout_rejections(question, graded, leaks)                 before any teacher is paid
    revision_rejections(question, graded, draft, grade, agrees, limits)     after the teacher

Each gives every reason that applies, in the order of `REASONS`; no reason means accepted. A rollout that does
not pass is not shown to the teacher: what it wrote would be thrown away. `duplicate` is decided where all
of a night's rollouts are seen together.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal, TypeAlias, get_args

from drp.config import RowGates
from drp.core import Draft, Grade, GradedRollout, Question, Revision, Rollout, Step, Verdict
from drp.gates.leaks import LeakIndex
from drp.grading.arithmetic import false_equations
from drp.traces import foreign_scripts, leaked_markup

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
    "answer_inconsistent": "The revision's answer differs from the rollout's own, or from the gold answer.",
    "answer_undecided": "The grader could not decide whether two answers are the same.",
    "benchmark_leak": "The question is in an evaluation set: the same text, or 13 words in a row in common.",
    "duplicate": "The same rollout, or the same text for the same question, is in the night already.",
    "malformed": "The teacher's reply could not be read as what was asked for.",
    "uncovered": "The steps do not cover the trace from first to last character without gap or overlap.",
    "unanswered": "The teacher gave no answer: it refused, was filtered, replied with nothing, or failed.",
    "not_shorter": "The revision is as long as the rollout or longer.",
    "hollow": "Too little of the trace is left to follow.",
    "false_arithmetic": "An equation in the revision does not hold.",
    "language_mixed": "The revision has letters of a script that the question does not use.",
    "leaks_markup": "The revision has tags, template tokens or labels of a teacher's reply in it.",
}
"""Every reason with a sentence that says what it means, in the order in which reasons are given."""

assert tuple(REASONS) == get_args(RejectReason)  # noqa: S101 - the two lists are one vocabulary


@dataclass(frozen=True)
class Rejection:
    """One gate's refusal: its stable name, and what it saw, for a reader."""

    reason: RejectReason
    detail: str


def rollout_rejections(question: Question, graded: GradedRollout, leaks: LeakIndex) -> list[Rejection]:
    """Why the teacher is not paid for this rollout; empty when it is."""
    found = [*_unfinished(graded), *_answer(graded.grade, wrong="rollout_wrong", gold=question.gold_answer)]
    if leak := leaks.leak(question):
        found.append(Rejection("benchmark_leak", leak))
    return _ordered(found)


def revision_rejections(
    question: Question,
    graded: GradedRollout,
    draft: Draft,
    grade_vs_gold: Grade,
    agrees_with_rollout: Verdict,
    limits: RowGates,
) -> list[Rejection]:
    """Why this revision is not trained on; empty when it is accepted.

    Args:
        question: the problem.
        graded: the rollout that was sent to the teacher.
        draft: what came back.
        grade_vs_gold: the revision's answer, graded against gold; empty when there is no answer.
        agrees_with_rollout: the revision's answer compared with the rollout's own; not read when there is
            no answer.
        limits: the recipe's limits.
    """
    if draft.refusal is not None:
        return [Rejection(draft.refusal.reason, draft.refusal.detail)]
    if draft.revision is None:
        return [Rejection("malformed", "the teacher gave neither a revision nor a reason")]
    found = _answer(grade_vs_gold, wrong="answer_inconsistent", gold=question.gold_answer)
    if grade_vs_gold.verdict == "equal" and agrees_with_rollout != "equal":
        reason: RejectReason = (
            "answer_inconsistent" if agrees_with_rollout == "different" else "answer_undecided"
        )
        own, revised = graded.grade.predicted_answer, grade_vs_gold.predicted_answer
        found.append(Rejection(reason, f"{revised!r} against the rollout's {own!r}"))
    if fault := cover_fault(draft.steps, graded.rollout.thinking):
        found.append(Rejection("uncovered", fault))
    found += _length(graded.rollout, draft.revision, limits)
    found += _content(question, graded.rollout, draft.revision)
    return _ordered(found)


def cover_fault(steps: Sequence[Step], thinking: str) -> str | None:
    """The first place where the steps fail to cover `thinking` from first to last character, in words.

    Offsets are in Unicode code points. None when the cover is exact. An empty trace has no steps.
    """
    if not steps:
        return f"no steps for {len(thinking)} characters" if thinking else None
    if steps[0].char_start != 0:
        return f"the first step begins at character {steps[0].char_start}, not at 0"
    for index, step in enumerate(steps):
        if step.char_end <= step.char_start:
            return f"step {index} is empty: it ends at character {step.char_end}"
    for index, (step, following) in enumerate(pairwise(steps), start=1):
        if step.char_end != following.char_start:
            kind = "a gap" if step.char_end < following.char_start else "an overlap"
            return f"{kind} before step {index}: {step.char_end} to {following.char_start}"
    if steps[-1].char_end != len(thinking):
        return f"the last step ends at character {steps[-1].char_end} of {len(thinking)}"
    return None


def _unfinished(graded: GradedRollout) -> list[Rejection]:
    found = []
    if graded.rollout.finish_reason == "length":
        found.append(Rejection("truncated", f"cut off at a length of {graded.rollout.total_tokens}"))
    elif not graded.rollout.response.strip():
        found.append(Rejection("truncated", "no response after the thinking"))
    if graded.is_degenerate:
        found.append(Rejection("degenerate", "the trace repeats itself"))
    return found


def _answer(grade: Grade, *, wrong: RejectReason, gold: str) -> list[Rejection]:
    if grade.predicted_answer is None:
        return [Rejection("answer_missing", "no answer in the response")]
    if grade.verdict == "equal":
        return []
    reason: RejectReason = wrong if grade.verdict == "different" else "answer_undecided"
    return [Rejection(reason, f"{grade.predicted_answer!r} against gold {gold!r}")]


def _length(rollout: Rollout, revision: Revision, limits: RowGates) -> list[Rejection]:
    """Lengths in characters: the same yardstick for every student and teacher."""
    found = []
    before = len(rollout.thinking) + len(rollout.response)
    after = len(revision.thinking) + len(revision.response)
    if after >= before:
        found.append(Rejection("not_shorter", f"{after} characters from {before}"))
    left = len(revision.thinking.strip())
    least = max(1, limits.min_characters, limits.min_share * len(rollout.thinking))
    if left < least:
        found.append(Rejection("hollow", f"{left} characters of thinking left of {len(rollout.thinking)}"))
    return found


def _content(question: Question, rollout: Rollout, revision: Revision) -> list[Rejection]:
    found = []
    text = f"{revision.thinking}\n\n{revision.response}"
    if wrong := false_equations(text):
        found.append(Rejection("false_arithmetic", f"{wrong[0].left} = {wrong[0].right}"))
    if scripts := foreign_scripts(text, question.question):
        letters = "; ".join(f"{script} {letters[:20]}" for script, letters in scripts.items())
        found.append(Rejection("language_mixed", letters))
    if markup := leaked_markup(text, f"{rollout.thinking}\n\n{rollout.response}"):
        found.append(Rejection("leaks_markup", repr(markup)))
    return found


def _ordered(rejections: Iterable[Rejection]) -> list[Rejection]:
    order = list(REASONS)
    return sorted(rejections, key=lambda rejection: order.index(rejection.reason))
