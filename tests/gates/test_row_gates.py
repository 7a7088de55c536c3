"""Every reason of the row gates, with cases that trigger only this reason and similar ones that do not."""

from collections.abc import Iterable
from dataclasses import replace
from functools import cache
from typing import Any

import pytest

from drp.config.gates import RowGates
from drp.core.records import (
    Draft,
    Grade,
    GradedRollout,
    Question,
    Refusal,
    Revision,
    Rollout,
    Step,
    StudentTrace,
    Verdict,
)
from drp.gates.leaks import LeakIndex
from drp.gates.reject_reasons import REASONS, Rejection
from drp.gates.row_gates import cover_fault, revision_rejections, rollout_rejections

QUESTION = Question("q1", "sums", "train", "What is 12 plus 30?", "42", "made")
THINKING = (
    "We add the tens first: 10 + 30 = 40. Then the ones: 40 + 2 = 42. "
    "Wait, let me check this again to be sure that it is right. 12 + 30 = 42. Yes."
)
PRUNED = "We add the tens first: 10 + 30 = 40. Then the ones: 40 + 2 = 42."
RESPONSE = "The sum is \\boxed{42}."
RIGHT = Grade("42", "boxed", "equal")
LIMITS = RowGates(min_characters=20, min_share=0.1)


def rollout(**fields: Any) -> Rollout:
    whole = Rollout(
        "r1", "q1", "student-1", "replay", None, 0, None, THINKING, RESPONSE, "stop", 10, 12, "characters"
    )
    return replace(whole, **fields)


def before(
    grade: Grade = RIGHT, *, question: Question = QUESTION, is_degenerate: bool = False, **fields: Any
) -> list[str]:
    return names(
        rollout_rejections(question, GradedRollout(rollout(**fields), grade, is_degenerate), index())
    )


def after(
    thinking: str = PRUNED,
    response: str = RESPONSE,
    *,
    grade: Grade = RIGHT,
    agrees: Verdict = "equal",
    original: Rollout | None = None,
    question: Question = QUESTION,
    limits: RowGates = LIMITS,
    **parts: Any,
) -> list[Rejection]:
    sent = original or rollout()
    steps = (Step(0, 66, "addition", "arithmetic"), Step(66, len(sent.thinking), "checking", "verification"))
    draft = Draft(
        StudentTrace("r1", question.question, sent.thinking, sent.response, "42"),
        steps=steps,
        revision=Revision(thinking, response),
    )
    graded = GradedRollout(sent, RIGHT, False)
    return revision_rejections(question, graded, replace(draft, **parts), grade, agrees, limits)


def names(rejections: Iterable[Rejection]) -> list[str]:
    return [rejection.reason for rejection in rejections]


@cache
def index() -> LeakIndex:
    return LeakIndex(["How many of 12 apples and 30 pears are neither?"])


def test_a_right_rollout_is_sent_and_a_good_revision_accepted() -> None:
    assert before() == []
    assert after() == []


def test_every_reason_is_explained_in_one_sentence() -> None:
    assert all(sentence.endswith(".") and ". " not in sentence for sentence in REASONS.values())


@pytest.mark.parametrize(
    ("reason", "fields"),
    [
        ("truncated", {"finish_reason": "length"}),
        ("truncated", {"response": " \n"}),
        ("degenerate", {"is_degenerate": True}),
        ("answer_missing", {"grade": Grade()}),
        ("rollout_wrong", {"grade": Grade("41", "boxed", "different")}),
        ("answer_undecided", {"grade": Grade("x", "boxed", "undecided")}),
        ("benchmark_leak", {"question": replace(QUESTION, split="test")}),
        (
            "benchmark_leak",
            {"question": replace(QUESTION, question="how many of $12$ apples and $30$ pears are neither")},
        ),
    ],
)
def test_rollouts_that_are_not_sent_to_the_teacher(reason: str, fields: dict[str, Any]) -> None:
    assert before(**fields) == [reason]


@pytest.mark.parametrize(
    "fields",
    [
        {"finish_reason": "unknown"},
        {"question": replace(QUESTION, split="")},
        {"question": replace(QUESTION, question="How many of 13 apples and 30 pears are neither?")},
    ],
)
def test_rollouts_that_are_sent(fields: dict[str, Any]) -> None:
    assert before(**fields) == []


def test_all_reasons_that_apply_are_given_in_their_order() -> None:
    found = before(
        Grade(), finish_reason="length", is_degenerate=True, question=replace(QUESTION, split="Validation")
    )
    assert found == ["truncated", "degenerate", "answer_missing", "benchmark_leak"]
    assert found == sorted(found, key=list(REASONS).index)


@pytest.mark.parametrize("reason", ["uncovered", "malformed", "truncated"])
def test_a_refusal_of_the_teacher_is_the_reason(reason: Any) -> None:
    assert after(refusal=Refusal(reason, "what happened"), revision=None) == [
        Rejection(reason, "what happened")
    ]


LONGER = THINKING + " So we are done, and this is the end of it."


@pytest.mark.parametrize(
    ("reason", "changes"),
    [
        ("malformed", {"revision": None}),
        ("answer_missing", {"grade": Grade()}),
        ("answer_inconsistent", {"grade": Grade("41", "boxed", "different"), "agrees": "different"}),
        ("answer_inconsistent", {"agrees": "different"}),
        ("answer_undecided", {"grade": Grade("42!", "boxed", "undecided")}),
        ("answer_undecided", {"agrees": "undecided"}),
        ("uncovered", {"steps": (Step(0, 10, "addition", "arithmetic"),)}),
        ("not_shorter", {"thinking": LONGER}),
        ("not_shorter", {"thinking": THINKING}),
        ("hollow", {"thinking": "So it is 42."}),
        ("hollow", {"thinking": "  \n", "limits": RowGates(min_characters=0, min_share=0)}),
        ("hollow", {"limits": RowGates(min_characters=0, min_share=0.6)}),
        ("false_arithmetic", {"response": "As 21 + 21 = 43, it is \\boxed{42}."}),
        ("contradiction", {"response": "The answer is 41, in a box \\boxed{42}."}),
        ("language_mixed", {"thinking": PRUNED.replace("Then", "然后")}),
        ("language_mixed", {"response": "Ответ: \\boxed{42}."}),
        ("leaks_markup", {"thinking": "<think>" + PRUNED}),
        ("leaks_markup", {"response": RESPONSE + "<|im_end|>"}),
        ("leaks_markup", {"response": RESPONSE + "<｜end▁of▁sentence｜>"}),
        ("leaks_markup", {"response": "<br/>" + RESPONSE}),
        ("leaks_markup", {"response": "```json\n" + RESPONSE}),
        ("leaks_markup", {"thinking": "KEEP: " + PRUNED}),
        ("leaks_markup", {"thinking": "**Skill:** addition. " + PRUNED}),
        ("leaks_markup", {"thinking": "### Step 1: add\n" + PRUNED}),
    ],
)
def test_rejected_revisions(reason: str, changes: dict[str, Any]) -> None:
    assert names(after(**changes)) == [reason]


@pytest.mark.parametrize(
    "changes",
    [
        {"thinking": THINKING[:-1]},
        {"limits": RowGates(min_characters=len(PRUNED), min_share=0.4)},
        {"thinking": PRUNED.replace("Then", "With ℤ, θ and 𝑥")},
        {"thinking": PRUNED.replace("tens", "tens (naïve)")},
        {"question": replace(QUESTION, question="12 加 30 是多少?"), "response": "然后 \\boxed{42}."},
        {"thinking": PRUNED.replace("Then", "As 1 <x and y> 3, then")},
        {"thinking": PRUNED.replace("Then", "In the ideal <a> we keep: then")},
        {"thinking": PRUNED + " Step 2 is the same."},
        {
            "original": rollout(response="### Step 1: add\n" + RESPONSE),
            "response": "### Step 2: x\n" + RESPONSE,
        },
    ],
)
def test_similar_revisions_that_are_accepted(changes: dict[str, Any]) -> None:
    assert names(after(**changes)) == []


def test_a_rejection_has_details() -> None:
    details = {
        rejection.reason: rejection.detail
        for rejection in after(
            "12 + 30 = 43. 因此",
            grade=Grade("43", "boxed", "different"),
            agrees="different",
            steps=(Step(0, 10, "addition", "arithmetic"),),
        )
    }
    assert details == {
        "answer_inconsistent": "'43' against gold '42'",
        "uncovered": f"the last step ends at character 10 of {len(THINKING)}",
        "hollow": f"16 characters of thinking left of {len(THINKING)}",
        "contradiction": "“12 + 30 = 43.” says 43 where the student says 42: “12 + 30 = 42.”",
        "false_arithmetic": "12 + 30 = 43",
        "language_mixed": "CJK 因此",
    }


@pytest.mark.parametrize(
    ("spans", "fault"),
    [
        ([(0, 3), (3, 5)], None),
        ([(0, 5)], None),
        ([], "no steps for 5 characters"),
        ([(1, 5)], "the first step begins at character 1, not at 0"),
        ([(0, 2), (3, 5)], "a gap before step 1: 2 to 3"),
        ([(0, 3), (2, 5)], "an overlap before step 1: 3 to 2"),
        ([(3, 5), (0, 3)], "the first step begins at character 3, not at 0"),
        ([(0, 3), (3, 3), (3, 5)], "step 1 is empty: it ends at character 3"),
        ([(0, 3), (3, 4)], "the last step ends at character 4 of 5"),
        ([(0, 3), (3, 6)], "the last step ends at character 6 of 5"),
    ],
)
def test_cover(spans: list[tuple[int, int]], fault: str | None) -> None:
    steps = [Step(start, end, "a skill", "a family") for start, end in spans]
    assert cover_fault(steps, "x𝑦→é.") == fault


def test_an_empty_trace_has_no_steps() -> None:
    assert cover_fault([], "") is None
