"""The row gates: reasons not to send a rollout to the teacher, or not to train on a revision.

    rollout_rejections(question, graded, leaks)                             # before the teacher
    revision_rejections(question, graded, draft, grade, agrees, limits)     # after the teacher

Each function returns all reasons that apply, in the order of `REASONS`; without a reason the row is accepted.
A rollout that does not pass is not sent to the teacher, because its revision would be discarded. `duplicate`
is decided elsewhere, where all rollouts of a run are seen together.
"""

from collections.abc import Iterable, Sequence
from itertools import pairwise

from drp.config import RowGates
from drp.core import Draft, Grade, GradedRollout, Question, Revision, Rollout, Step, Verdict
from drp.derivation import derivation_faults
from drp.gates.leaks import LeakIndex
from drp.gates.reject_reasons import REASONS, Rejection, RejectReason
from drp.grading.arithmetic import false_equations
from drp.traces import foreign_scripts, leaked_markup


def rollout_rejections(question: Question, graded: GradedRollout, leaks: LeakIndex) -> list[Rejection]:
    """Return the reasons not to send this rollout to the teacher; empty if it passes."""
    rejections = [
        *_unfinished(graded),
        *_answer(graded.grade, wrong="rollout_wrong", gold=question.gold_answer),
    ]
    if leak := leaks.leak(question):
        rejections.append(Rejection("benchmark_leak", leak))
    return _ordered(rejections)


def revision_rejections(
    question: Question,
    graded: GradedRollout,
    draft: Draft,
    grade_vs_gold: Grade,
    agrees_with_rollout: Verdict,
    limits: RowGates,
) -> list[Rejection]:
    """Return the reasons to reject this revision; empty if it is accepted.

    Args:
        question: the problem.
        graded: the rollout that was sent to the teacher.
        draft: the teacher's draft.
        grade_vs_gold: the revision's answer graded against gold; empty if there is no answer.
        agrees_with_rollout: the revision's answer compared with the rollout's answer; ignored if there is no
            answer.
        limits: the recipe's limits.
    """
    if draft.refusal is not None:
        return [Rejection(draft.refusal.reason, draft.refusal.detail)]
    if draft.revision is None:
        return [Rejection("malformed", "the teacher gave neither a revision nor a reason")]
    rejections = _answer(grade_vs_gold, wrong="answer_inconsistent", gold=question.gold_answer)
    if grade_vs_gold.verdict == "equal" and agrees_with_rollout != "equal":
        reason: RejectReason = (
            "answer_inconsistent" if agrees_with_rollout == "different" else "answer_undecided"
        )
        original, revised = graded.grade.predicted_answer, grade_vs_gold.predicted_answer
        rejections.append(Rejection(reason, f"{revised!r} against the rollout's {original!r}"))
    if fault := cover_fault(draft.steps, graded.rollout.thinking):
        rejections.append(Rejection("uncovered", fault))
    rejections += _length(graded.rollout, draft.revision, limits)
    found = {rejection.reason for rejection in rejections}
    rejections += [r for r in _derivation(question, graded.rollout, draft.revision) if r.reason not in found]
    rejections += _content(question, graded.rollout, draft.revision)
    return _ordered(rejections)


def cover_fault(steps: Sequence[Step], thinking: str) -> str | None:
    """Describe the first place where the steps do not cover `thinking` without gap or overlap.

    Return None if they cover it exactly. Offsets are in Unicode code points. An empty trace has no steps.
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
    rejections = []
    if graded.rollout.finish_reason == "length":
        rejections.append(Rejection("truncated", f"cut off at a length of {graded.rollout.total_tokens}"))
    elif not graded.rollout.response.strip():
        rejections.append(Rejection("truncated", "no response after the thinking"))
    if graded.is_degenerate:
        rejections.append(Rejection("degenerate", "the trace repeats itself"))
    return rejections


def _answer(grade: Grade, *, wrong: RejectReason, gold: str) -> list[Rejection]:
    if grade.predicted_answer is None:
        return [Rejection("answer_missing", "no answer in the response")]
    if grade.verdict == "equal":
        return []
    if grade.later_answer is not None:
        states = f"{grade.predicted_answer!r}, and then {grade.later_answer!r}"
        return [Rejection("answer_undecided", f"the response states {states}")]
    reason: RejectReason = wrong if grade.verdict == "different" else "answer_undecided"
    return [Rejection(reason, f"{grade.predicted_answer!r} against gold {gold!r}")]


def _length(rollout: Rollout, revision: Revision, limits: RowGates) -> list[Rejection]:
    """Check lengths in characters, a unit that is the same for every student and teacher."""
    rejections = []
    for part, before, after in (
        ("of thinking", len(rollout.thinking), len(revision.thinking)),
        ("in all", _characters(rollout), _characters(revision)),
    ):
        if after >= before:
            rejections.append(Rejection("not_shorter", f"{after} characters {part} from {before}"))
            break
    remaining = len(revision.thinking.strip())
    required = max(1, limits.min_characters, limits.min_share * len(rollout.thinking))
    if remaining < required:
        rejections.append(
            Rejection("hollow", f"{remaining} characters of thinking left of {len(rollout.thinking)}")
        )
    return rejections


def _characters(text: Rollout | Revision) -> int:
    return len(text.thinking) + len(text.response)


def _derivation(question: Question, rollout: Rollout, revision: Revision) -> list[Rejection]:
    """Check that the revision can be followed and agrees with itself; give the first fault of each kind."""
    faults = derivation_faults(
        question.question, rollout.thinking, revision.thinking, rollout.response, revision.response
    )
    first = {fault.kind: fault for fault in reversed(faults)}
    return [Rejection(fault.kind, fault.detail) for fault in first.values()]


def _content(question: Question, rollout: Rollout, revision: Revision) -> list[Rejection]:
    rejections = []
    text = f"{revision.thinking}\n\n{revision.response}"
    if wrong := false_equations(text):
        rejections.append(Rejection("false_arithmetic", f"{wrong[0].left} = {wrong[0].right}"))
    if scripts := foreign_scripts(text, question.question):
        letters = "; ".join(f"{script} {letters[:20]}" for script, letters in scripts.items())
        rejections.append(Rejection("language_mixed", letters))
    if markup := leaked_markup(text, f"{rollout.thinking}\n\n{rollout.response}"):
        rejections.append(Rejection("leaks_markup", repr(markup)))
    return rejections


def _ordered(rejections: Iterable[Rejection]) -> list[Rejection]:
    order = list(REASONS)
    return sorted(rejections, key=lambda rejection: order.index(rejection.reason))
