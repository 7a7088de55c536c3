"""The heuristic teacher: exact cover, one decision a step, sound revisions, refusals."""

from collections.abc import Sequence
from dataclasses import replace
from typing import get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drp.config.decomposition import DecompositionKind
from drp.core.records import ACTIONS, Action, Decision, Draft, Refusal, Revision, StudentTrace
from drp.teacher.heuristic import SKILL_FAMILIES, HeuristicTeacher, decompose, revise, synthesise
from drp.teacher.heuristic.decision_reasons import DecisionReason
from drp.teacher.heuristic.keep_or_delete import Judge
from drp.teacher.heuristic.merge import joined
from drp.teacher.heuristic.teacher import MAX_CHARACTERS
from drp.teacher.protocol import Teacher
from drp.traces import units
from tests.helpers.shared_data import shared_file
from tests.traces.test_segmentation import MIXED

KINDS: tuple[DecompositionKind, ...] = get_args(DecompositionKind)
QUESTION = "Mia has 12 apples. Mia buys 4 boxes with 3 apples each. Find how many apples Mia has in the end."
THINKING = """\
Okay, so I need to find how many apples Mia has in the end. \
Let me read the problem again. Mia has 12 apples. \
First, Mia buys 4 boxes with 3 apples each. Maybe I should add, so 4 + 3 = 7. No, wait, that is not right. \
There are equal groups, so I multiply. So 4 * 3 = 12 apples. Wait, let me double check that. 4 * 3 = 12. \
Yes, that is right.

Okay, next, I put the 12 new apples with the 12 from before. That gives 12 + 12 = 24 apples. \
So the answer is 24.

Let me go over everything once more. 4 * 3 = 12, 12 + 12 = 24. Everything is consistent. \
So the answer is 24."""
TRACE = StudentTrace("r1", QUESTION, THINKING, "Mia has 24 apples. The final answer is \\boxed{24}.", "24")


def taught(trace: StudentTrace, kind: DecompositionKind = "skill") -> Draft:
    teacher = HeuristicTeacher()
    [draft] = teacher.revise(teacher.decompose([Draft(trace)], kind))
    return draft


def decided(trace: StudentTrace, kind: DecompositionKind) -> Sequence[Decision]:
    """The decisions of the rules alone, on any trace."""
    steps = decompose(trace, kind)
    all_units = units(trace.thinking, [step.char_end for step in steps])
    return revise(trace, steps, all_units, Judge(trace, all_units).verdicts())


def revision(trace: StudentTrace, kind: DecompositionKind = "skill") -> Revision:
    draft = taught(trace, kind)
    assert draft.refusal is None
    assert draft.revision is not None
    return draft.revision


def actions(decisions: Sequence[Decision]) -> list[Action]:
    return [decision.action for decision in decisions]


def test_it_is_a_teacher() -> None:
    teacher: Teacher = HeuristicTeacher()
    assert (teacher.name, teacher.prompt_version) == ("heuristic", "heuristic-5")


@given(st.one_of(st.text(), MIXED), st.sampled_from(KINDS), st.text(max_size=5))
@settings(max_examples=300, deadline=None)
def test_any_text_is_covered_decided_and_put_together_the_same_way(
    thinking: str, kind: DecompositionKind, answer: str
) -> None:
    trace = StudentTrace("r", "What is 1 + 2?", thinking, "", answer)
    steps = decompose(trace, kind)
    assert "".join(thinking[step.char_start : step.char_end] for step in steps) == thinking
    assert all(step.char_start < step.char_end for step in steps)
    assert {step.skill_family for step in steps} <= set(SKILL_FAMILIES)
    decisions = decided(trace, kind)
    assert [decision.step_index for decision in decisions] == list(range(len(steps)))
    assert all(decision.reason in get_args(DecisionReason) for decision in decisions)
    check_merges(decisions)
    assert synthesise(trace, steps, decisions) == synthesise(trace, steps, decided(trace, kind))


def check_merges(decisions: Sequence[Decision]) -> None:
    for decision in decisions:
        is_merge = decision.action == "MULTI-STEP COMPRESS"
        assert bool(decision.merged_with) == is_merge
        if is_merge:
            group = sorted({decision.step_index, *decision.merged_with})
            assert len(group) == 1 + len(decision.merged_with)
            assert all(sorted({i, *decisions[i].merged_with}) == group for i in group)
            assert (decision.revised_text is not None) == (decision.step_index == group[0])
        else:
            assert (decision.revised_text is not None) == (decision.action == "SINGLE-STEP COMPRESS")


@pytest.mark.parametrize("kind", KINDS)
def test_the_derivation_stays_and_the_rest_goes(kind: DecompositionKind) -> None:
    thinking = revision(TRACE, kind).thinking
    assert thinking.count("4 * 3 = 12") == 1
    assert "12 + 12 = 24" in thinking
    assert "4 + 3 = 7" not in thinking
    assert not any(word in thinking for word in ("Wait", "No,", "double check", "once more", "need to find"))


def test_steps_are_sentences_paragraphs_skills_or_the_whole() -> None:
    counts = {kind: len(decompose(TRACE, kind)) for kind in KINDS}
    assert counts["none"] == 1
    assert counts["step"] == 3
    assert counts["step"] < counts["skill"] < counts["sentence"] == 18


def test_all_four_actions_occur() -> None:
    two_of_one_step = of_tickets(
        "The tickets bring 12 * 7 = 84 dollars. So 84 - 25 = 59. So the answer is 59."
    )
    chosen = [*taught(TRACE).decisions, *taught(two_of_one_step).decisions]
    assert set(actions(chosen)) == set(ACTIONS)


def with_thinking(thinking: str, answer: str = "12") -> StudentTrace:
    return StudentTrace("r", "What is 3 times 4?", thinking, f"It is \\boxed{{{answer}}}.", answer)


@pytest.mark.parametrize(
    ("first", "second", "merged", "reason"),
    [
        ("Now a = 3·4.", "So a = 12.", "Now a = 3·4 = 12.", "merged_chain"),
        ("Compute 3 * 4.", "That is 12 apples.", "Compute 3 * 4 = 12 apples.", "merged_setup"),
        ("It is $3 + 9$.", "That gives $12$.", "It is $3 + 9 = 12$.", None),
        ("So 3 * 4.", "3 * 4 = 12.", "So 3 * 4 = 12.", "merged_setup"),
        ("We use 3 * 4 = 12.", "So there are 12.", "We use 3 * 4 = 12, so there are 12.", "merged_result"),
        ("The area is:", "\\[ A = 12 \\]", "The area is:\n\\[ A = 12 \\]", "merged_lead_in"),
        ("We use 3 * 4 = 12.", "So there are 13.", None, None),
        ("Now a = 3·4.", "So b = 12.", None, None),
        ("It is 3 + 9.", "That is why it works.", None, None),
        ("Now the pens of Eva, 3 fewer than 12.", "So 12 - 3 = 9 pens.", None, None),
        ("First I need the cost of 12.", "So 12 * 3 = 36.", None, None),
        ("Each of them has 12.", "So 12 * 3 = 36.", "Each of them has 12, so 12 * 3 = 36.", "merged_result"),
    ],
)
def test_neighbours_become_one_sentence(
    first: str, second: str, merged: str | None, reason: str | None
) -> None:
    both = joined(first, second, same_paragraph=True)
    assert (both and both[0]) == merged
    assert reason is None or (both is not None and both[1] == reason)


def test_a_merge_takes_in_its_steps() -> None:
    trace = with_thinking("Compute 3 * 4. That is 12 apples. So the answer is 12.")
    decisions = decided(trace, "sentence")
    assert [decision.merged_with for decision in decisions] == [(1, 2), (0, 2), (0, 1)]
    assert decisions[0].revised_text == "Compute 3 * 4 = 12 apples, so the answer is 12."


@pytest.mark.parametrize("sentence", ["No odd terms are left: 3 * 4 = 12", "Not all of 3 * 4 = 12 are even"])
def test_a_negation_is_never_stripped(sentence: str) -> None:
    assert (
        sentence in revision(with_thinking(f"Okay, let me think. {sentence}. So the answer is 12.")).thinking
    )


def test_an_equal_number_on_the_way_is_not_the_end() -> None:
    trace = StudentTrace(
        "r",
        "Eva buys 4 pens for 5 dollars each and pays with 40 dollars. Find how many dollars Eva gets back.",
        "So 4 * 5 = 20 dollars. Wait, let me check. 4 * 5 = 20. Okay. Then Eva pays 40 dollars. "
        "So 40 - 20 = 20 dollars. So the answer is 20.",
        "\\boxed{20}",
        "20",
    )
    assert "40 - 20 = 20" in revision(trace).thinking


@pytest.mark.parametrize(
    ("question", "thinking", "summary"),
    [
        (
            "Leo buys 7 pens for 2 dollars each. Leo pays with 28 dollars. What is the change?",
            "That is 7 * 2 = 14 dollars. Let me check that: 14 / 2 = 7. Yes, that is right.\n\n"
            "The last thing is the change. I get 28 - 14 = 14. So that is 14 dollars.\n\n"
            "So the answer should be 14.",
            "7 * 2 = 14\n28 - 14 = 14\n\n\\boxed{14}",
        ),
        (
            "Eva makes 4 pens an hour, 5 hours a day, for 2 days, and gives 20 away. How many are left?",
            "So 4 * 5 = 20 pens. So there are 20 pens.\n\nNow I need the pens of 2 days. I get 20 * 2 = 40. "
            "So there are 40 pens.\n\nFinally, the pens without those 20. So 40 - 20 = 20 pens. "
            "So there are 20 pens.\n\nLet me go over it: 4 * 5 = 20, then 20 * 2 = 40, then 40 - 20 = 20. "
            "Yes, the same again.\n\nOkay, so the answer should be 20.",
            "4 * 5 = 20\n20 * 2 = 40\n40 - 20 = 20\n\n\\boxed{20}",
        ),
    ],
)
def test_a_computation_of_the_summary_stays_though_its_result_is_a_number_of_the_question(
    question: str, thinking: str, summary: str
) -> None:
    *computations, _, box = summary.split("\n")
    left = revision(StudentTrace("r", question, thinking, summary, box[7:-1])).thinking
    assert [left.count(computation) for computation in computations] == [1] * len(computations)


def test_a_revision_says_that_the_answer_is_the_answer() -> None:
    text = (
        "The tickets bring 12 * 7 = 84 dollars. So 84 - 25 = 59 dollars.\n\n"
        "Wait, let me check: 59 + 25 = 84. Yes.\n\nSo the answer is 59."
    )
    decisions = taught(of_tickets(text)).decisions
    assert decisions[-1].reason == "closing"
    assert revision(of_tickets(text)).thinking.endswith("84 - 25 = 59 dollars.\n\nSo the answer is 59.")


def test_what_a_revision_ends_in_speaks_of_nothing_that_was_deleted() -> None:
    text = (
        "The tickets bring 12 * 7 = 84 dollars. So 84 - 25 = 59 dollars.\n\n"
        "Alternatively, 80 - 25 = 55 and 4 more.\n\nBoth ways give 59, so the answer is 59."
    )
    assert revision(of_tickets(text)).thinking.endswith("84 - 25 = 59 dollars.")


def test_steps_of_one_skill_are_not_torn_as_single_sentences_are() -> None:
    lead = "First, the cards of Max, 2 times 20."
    text = (
        f"Let me read the problem again.\n\n{lead} There are equal groups, so I multiply. So 2 * 20 = 40.\n\n"
        "Then 40 + 11 = 51. So the answer is 51."
    )
    question = "Ben has 20 cards, Max 2 times as many cards as Ben and 11 more. Find the cards of Max."
    trace = StudentTrace("r", question, text, "\\boxed{51}", "51")
    assert revision(trace, "skill").thinking.startswith(lead)
    assert lead not in revision(trace, "sentence").thinking
    assert taught(trace).decisions[1].action == "KEEP"


def test_the_summary_stays_where_it_boxes_the_students_answer() -> None:
    assert revision(TRACE).response == TRACE.response


@pytest.mark.parametrize("response", ["", "The answer is 24.", "It is \\boxed{23}.", "It is \\boxed{24"])
def test_the_answer_ends_in_a_box_as_the_student_had_it(response: str) -> None:
    assert "\\boxed{24}" in revision(replace(TRACE, response=response)).response


@pytest.mark.parametrize(
    ("trace", "reason"),
    [
        (replace(TRACE, thinking=""), "malformed"),
        (replace(TRACE, thinking=" \n "), "malformed"),
        (replace(TRACE, thinking="x. " * MAX_CHARACTERS), "teacher_long_search"),
        (replace(TRACE, answer="77"), "teacher_no_conclusion"),
        (replace(TRACE, thinking=THINKING.replace("24 apples", "24 apples \\[")), "malformed"),
    ],
)
def test_what_cannot_be_cut_is_refused(trace: StudentTrace, reason: str) -> None:
    draft = taught(trace)
    assert draft.revision is None
    assert draft.refusal is not None
    assert draft.refusal.reason == reason


def test_a_refused_draft_passes_through_untouched() -> None:
    draft = Draft(TRACE, refusal=Refusal("uncovered", "from before"))
    teacher = HeuristicTeacher()
    assert list(teacher.revise(teacher.decompose([draft], "skill"))) == [draft]


def of_tickets(thinking: str) -> StudentTrace:
    question = (
        "Noa sells 12 tickets for 7 dollars each and pays 25 dollars for the hall. Find what she keeps."
    )
    return StudentTrace("r", question, thinking, "She keeps \\boxed{59}.", "59")


def test_the_body_of_a_check_goes_with_its_announcement_and_verdict() -> None:
    text = (
        "The tickets bring 12 * 7 = 84 dollars. Let me verify that.\n\n10 * 7 is 70, and 2 * 7 is 14.\n\n"
        "Adding them, 70 + 14 is 84.\n\nYes, that is correct.\n\nThe hall costs 25, so 84 - 25 = 59 dollars. "
        "So the answer is 59."
    )
    thinking = revision(of_tickets(text)).thinking
    assert "12 * 7 = 84" in thinking
    assert "70" not in thinking
    assert "84 - 25 = 59" in thinking


def test_a_check_stays_where_the_conclusion_uses_what_it_found() -> None:
    text = (
        "The tickets bring 12 * 7 = 84 dollars. Let me verify the hall.\n\nThe hall and its tax are "
        "20 + 5 = 25 dollars, and from 84 a gift of 13 leaves 84 - 13 = 71.\n\nYes, that is correct.\n\n"
        "The rest of the hall is 25 - 13 = 12, so 71 - 12 = 59 dollars. So the answer is 59."
    )
    assert "84 - 13 = 71" in revision(of_tickets(text)).thinking


def test_one_of_several_cases_is_no_check() -> None:
    text = (
        "She has 14, 15 and 16 to test. 14 divided by 4 is 3.5, which is not whole. Now, 16: let me check if "
        "this is a multiple of 4. 16 divided by 4 is 4.0, which is whole. So 16 is the multiple. The sum is "
        "16 + 16 = 32. So the answer is 32."
    )
    trace = StudentTrace("r", "Find twice the multiple of 4 among three numbers.", text, "\\boxed{32}", "32")
    assert "16 divided by 4 is 4.0" in revision(trace).thinking


def test_a_formula_after_a_mere_guess_is_no_check() -> None:
    text = (
        "The area might be large. But I should make sure.\n\nThe area of a rectangle is A = w * h.\n\n"
        "So A = 13 * 17 = 221. So the answer is 221."
    )
    trace = StudentTrace("r", "Find the area of a 13 by 17 rectangle.", text, "\\boxed{221}", "221")
    assert "A = w * h" in revision(trace).thinking


def test_only_one_way_to_the_answer_is_kept_where_the_summary_tells_another() -> None:
    text = (
        "The tickets bring 12 * 7 = 84 dollars. So 84 - 25 = 59 dollars. Wait, let me double-check.\n\n"
        "Four of them pay the hall but 3: 4 * 7 = 28. Then the other 8 * 7 = 56, and 56 + 3 = 59."
    )
    summary = "4 * 7 = 28 and 28 - 25 = 3, then 8 * 7 = 56 and 56 + 3 = 59. \\boxed{59}"
    thinking = revision(replace(of_tickets(text), response=summary)).thinking
    assert ("84 - 25 = 59" in thinking) != ("56 + 3 = 59" in thinking)


def test_a_result_first_asked_and_then_stated_is_written_once() -> None:
    text = "The tickets bring 12 * 7 = 84? Wait: 12 * 7 = 84. So 84 - 25 = 59. So the answer is 59."
    assert revision(of_tickets(text)).thinking.count("12 * 7") == 1


def test_windows_line_ends_make_the_same_decisions() -> None:
    there = taught(replace(TRACE, thinking=THINKING.replace("\n", "\r\n")))
    assert actions(there.decisions) == actions(taught(TRACE).decisions)


def test_quality_on_recorded_traces() -> None:
    """A floor under the figures that benchmarks/teacher_quality.py prints, on a sixth of the traces."""
    from benchmarks.teacher_quality import eligible, saving, taught

    outcomes = list(taught(eligible(shared_file("traces.parquet"))[::6], "skill"))
    accepted = [outcome.draft for outcome in outcomes if outcome.fault is None]
    assert len(accepted) >= 0.7 * len(outcomes)
    assert sorted(map(saving, accepted))[len(accepted) // 2] >= 0.45
    chosen = [action for outcome in outcomes for action in actions(outcome.draft.decisions)]
    assert all(chosen.count(action) >= 0.005 * len(chosen) for action in ACTIONS)


def test_the_other_of_two_cases_is_no_repetition():
    thinking = (
        "If the axis lies along x, then a > b and the foci are at (c, 0). "
        "If the axis lies along y, then b > a and the foci are at (0, c). "
        "In this case c = 4, so b^2 = 9 + 16 = 25.\n\nTherefore, b = 5.\n\n"
        "Let me double-check that. 5^2 = 25, and 9 + 16 = 25. Yes, that is right. So the answer is 5."
    )
    assert "along y" in revision(with_thinking(thinking, "5")).thinking
