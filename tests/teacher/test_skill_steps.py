"""Skill steps of the rule-based teacher: stretches of sentences, natural borders, fitting labels."""

import statistics
import time

import pytest

from drp.core.records import StudentTrace
from drp.teacher.heuristic import decompose
from tests.helpers.shared_data import shared_file

QUESTION = "Ben has 20 cards, Max 2 times as many cards as Ben and 11 more. Find the cards of Max."


def labelled(thinking: str, question: str = QUESTION) -> list[tuple[str, str]]:
    steps = decompose(StudentTrace("r", question, thinking, "", "51"), "skill")
    return [(step.skill, thinking[step.char_start : step.char_end].strip()) for step in steps]


def test_sentences_that_exercise_one_skill_are_one_step() -> None:
    thinking = (
        "The probability of a red ball is 3/5. Then the probability of a second one is 2/4. "
        "So the probability of both is the product.\n\nNow, let me compute the product. 3/5 * 2/4 = 6/20. "
        "Dividing by 2 gives 3/10."
    )
    assert [skill for skill, _ in labelled(thinking, "")] == ["probability", "division"]


@pytest.mark.parametrize(
    ("turn", "skill"),
    [
        ("Wait, let me double-check that. 2 * 20 = 40. Yes, that is right.", "checking a result"),
        ("No, wait, that is not right. I missed the 11.", "reconsidering"),
        ("So the answer is 51.", "stating the answer"),
        ("Now, I need to find the cards of both.", "setting a subgoal"),
        ("Alternatively, think of three piles.", "choosing another method"),
        ("Let x be the cards of Ben.", "naming a quantity"),
        ("Case 1: x = 3.", "case analysis"),
        ("I remember the quadratic formula.", "recalling a formula"),
        ("The problem says that Max has 11 more.", "reading the question"),
        ("I'm confident that the answer is 51.", "stating the answer"),
    ],
)
def test_a_step_begins_where_another_thing_is_done(turn: str, skill: str) -> None:
    steps = labelled(f"So 2 * 20 = 40. And 4 * 10 = 40. And 5 * 8 = 40. And 1 * 40 = 40.\n\n{turn}")
    assert steps[0][0] == "multiplication"
    assert steps[1:] == [(skill, turn)]


def test_a_check_is_one_step_with_its_computation_and_its_verdict() -> None:
    check = "Let me check that. 2 * 20 = 40.\n\nAnd 40 + 11 = 51.\n\nYes, that is right."
    steps = labelled(f"So 40 + 11 = 51.\n\n{check}\n\nNow, the cards of both are 20 + 51 = 71.")
    assert steps[1] == ("checking a result", check)
    assert steps[2][0] == "addition"


def test_what_leads_to_a_formula_stays_with_it() -> None:
    steps = labelled("Subtract 3:\n\n\\[ x = 4 - 3 \\]\n\nSo,\n\nx = 1")
    assert all(not text.endswith((":", ",")) for _, text in steps)


def test_one_mentioned_word_changes_no_skill() -> None:
    thinking = (
        "There are 4 ways for the first. There are 3 ways for the sides. There are 2 ways for the last."
    )
    assert [skill for skill, _ in labelled(thinking, "")] == ["counting"]


def test_a_text_without_evidence_is_one_step() -> None:
    assert labelled("好的。\n\n嗯。", "") == [("reading the question", "好的。\n\n嗯。")]


def test_time_grows_with_length_only() -> None:
    text = "So 3 * 4 = 12. Wait, let me check that. The area of the circle is 5.\n\n"
    seconds = []
    for times in (300, 1_500):
        trace = StudentTrace("r", QUESTION, text * times, "", "12")
        start = time.process_time()
        decompose(trace, "skill")
        seconds.append(time.process_time() - start)
    assert seconds[1] < 15 * seconds[0]


def test_steps_per_sentence_on_recorded_traces() -> None:
    """The paper's steps are about 0.65 of the sentences."""
    from benchmarks.skill_steps import recorded

    traces = [trace for _, trace in recorded(shared_file("traces.parquet"), "all")[::8]]
    ratios = [len(decompose(trace, "skill")) / len(decompose(trace, "sentence")) for trace in traces]
    assert 0.35 <= statistics.median(ratios) <= 0.7
