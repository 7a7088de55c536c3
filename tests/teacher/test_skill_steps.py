"""Skill steps of the rule-based teacher: stretches of sentences, natural borders, fitting labels."""

import cProfile
import statistics

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
    assert [skill for skill, _ in labelled(thinking, "")] == ["probability", "fractions and percentages"]


@pytest.mark.parametrize(
    ("turn", "skill"),
    [
        ("Wait, let me double-check that. 2 * 20 = 40. Yes, that is right.", "checking a result"),
        ("No, wait, that is not right. I missed the 11.", "reconsidering"),
        ("So the answer is 51.", "stating the answer"),
        ("Now, I need to find the cards of both.", "setting a subgoal"),
        ("Alternatively, think of three piles.", "considering an alternative"),
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


def test_work_grows_with_length_only() -> None:
    text = "So 3 * 4 = 12. Wait, let me check that. The area of the circle is 5.\n\n"
    calls = []
    for times in (300, 1_500):
        trace = StudentTrace("r", QUESTION, text * times, "", "12")
        with cProfile.Profile() as profile:
            decompose(trace, "skill")
        calls.append(sum(entry.callcount for entry in profile.getstats()))
    assert calls[1] < 6 * calls[0]


def test_steps_per_sentence_on_recorded_traces() -> None:
    """The paper's steps are about 0.65 of the sentences."""
    from benchmarks.skill_steps import recorded

    traces = [trace for _, trace in recorded(shared_file("traces.parquet"), "all")[::8]]
    ratios = [len(decompose(trace, "skill")) / len(decompose(trace, "sentence")) for trace in traces]
    assert 0.35 <= statistics.median(ratios) <= 0.7


@pytest.mark.parametrize(
    ("sentence", "skill"),
    [
        ("First we have to find the former radius and height.", "setting a subgoal"),
        ("For such a pair, we could use elimination or substitution.", "choosing a method"),
        ("Now I'm going to look at the triangle.", "choosing a method"),
        ("Wait, 5 * 9 is 45.", "checking a result"),
        ("Does that add up?", "checking a result"),
        ("How many of them are even?", "setting a subgoal"),
        ("To be safe, consider the total again.", "checking a result"),
        ("Let's see if we get it by adding: 40 + 11 = 51 and 51 + 9 = 60.", "addition"),
        (
            "So the whole pile has 51 cards in the end, which is what the rule of the game demands.",
            "drawing a conclusion",
        ),
        ("In summary, there were two piles and one gift.", "summing up"),
        ("The rule works here, as 4 * 5 = 20 and 4 * 6 = 24.", "multiplication"),
        ("The perimeter of a rectangle is 2(l + w)", "recalling a formula"),
        ("We notice a nice pattern here.", "finding a pattern"),
        ("Check whether 91 is divisible by 7.", "setting a subgoal"),
    ],
)
def test_what_a_sentence_does_outranks_what_it_mentions(sentence: str, skill: str) -> None:
    filler = "So 2 * 20 = 40. And 4 * 10 = 40. And 5 * 8 = 40. And 1 * 40 = 40. " * 3
    assert labelled(f"{filler}\n\n{sentence}")[-1] == (skill, sentence)


@pytest.mark.parametrize(
    "sentence",
    [
        "I've got this equation to solve for y: 3y = 12.",
        "Let's work on this logic puzzle.",
        "Okay, the cards of Ben are 20 and Max has more cards.",
    ],
)
def test_a_trace_begins_with_the_question(sentence: str) -> None:
    assert labelled(sentence)[0][0] == "reading the question"


def test_an_equation_is_set_up_before_it_is_transformed_and_solved() -> None:
    thinking = (
        "The rest is simple.\n\nSo p + q = 31.\n\nThen p - q = 11.\n\n"
        "Adding both sides gives (p + q) + (p - q) = 31 + 11.\n\n2p = 42\n\np = 21"
    )
    skills = [skill for skill, _ in labelled(thinking, "Two numbers add up to 31 and differ by 11.")]
    assert skills.index("setting up an equation") < skills.index("solving an equation")


@pytest.mark.parametrize(
    "members",
    [
        "- red: 3 ways\n- blue: 2 * 4 = 8\n- green: a triangle",
        "| 1 | 4 + 4 |\n| 2 | 3 * 3 |\n| 3 | 2 - 1 |",
        "7 * 9 = 63\n63 + 8 = 71\n71 - 1 = 70",
        "First term = 5\nLast term = 60 / 2\nStep = 3 + 2",
    ],
)
def test_a_list_a_table_or_a_chain_is_not_cut(members: str) -> None:
    steps = labelled(f"So the total of them all is known now.\n\nHere it is:\n{members}")
    assert any(members in text for _, text in steps)


@pytest.mark.parametrize(
    ("lead", "work"),
    [
        ("I need to rationalize the denominator.", "3 / √2 = 3√2 / 2"),
        ("Let me set up a proportion again.", "4 pens / 3 cups = 8 pens / x cups"),
        ("But let me make sure.", "5 * 9 = 45."),
        ("I think that's the answer.", "7/12."),
        ("What is 6 times 7?", "It is 42."),
    ],
)
def test_a_lead_in_begins_the_step_that_it_introduces(lead: str, work: str) -> None:
    steps = labelled(f"The probability is 3/5, a chance of more than half. {lead} {work}", "")
    assert steps[-1][1] == f"{lead} {work}"


def test_a_check_ends_with_its_verdict() -> None:
    thinking = (
        "So 40 + 11 = 51.\n\nLet me check that. 51 - 11 = 40. Yes, that is right. "
        "The ways to choose two of the cards are 51 * 50 / 2 = 1275. There are 1275 ways to choose."
    )
    assert [skill for skill, _ in labelled(thinking)][1:] == ["checking a result", "counting"]


def test_the_parts_of_a_check_stay_a_check() -> None:
    check = "Let me check that. 51 - 11 = 40. Correct. Now, 20: 2 * 20 = 40. That is also correct."
    skills = {skill for skill, _ in labelled(f"So 40 + 11 = 51.\n\n{check}")[1:]}
    assert skills == {"checking a result"}


@pytest.mark.parametrize(
    ("step", "skill"),
    [
        ("\\(\\dbinom{9}{4} = \\frac{9!}{4! 5!} = 126\\).", "binomial coefficients and factorials"),
        ("We could use the quadratic formula here.", "choosing a method"),
        ("Wait, the two sides of the rhombus are parallel to each other.", "geometry"),
        ("Now expand: (x + 2)(x + 5) = x² + 7x + 10.", "expanding a product"),
        ("To complete the square, x² + 6x = (x + 3)² - 9.", "completing the square"),
        ("The derivative of f(x) = x³ is f'(x) = 3x².", "calculus"),
        ("Let me bring down the 6: 46 divided by 8 goes into 5 with 6 left.", "division"),
        ("That cannot be right: the two results contradict each other.", "reconsidering"),
        ("The list of pairs: (1, 8), (2, 7), (3, 6), (4, 5), (5, 4).", "making a list"),
        ("So how many of the numbers have a 5 in the tens place?", "setting a subgoal"),
        ("Alternatively, 6 * 25 = 150.", "considering an alternative"),
        ("Wait, just to ensure I'm not missing any constraints.", "checking a result"),
        ("Wait, that seems like a lot.", "reconsidering"),
    ],
)
def test_a_label_is_what_the_text_shows(step: str, skill: str) -> None:
    filler = "So 2 * 20 = 40. And 4 * 10 = 40. And 5 * 8 = 40. And 1 * 40 = 40. " * 3
    assert labelled(f"{filler}\n\n{step}")[-1] == (skill, step)


def test_a_check_that_goes_on_in_the_next_step_stays_a_check() -> None:
    check = "Let me check x = 4. 2 * 4 + 1 = 9. That works.\n\nx = 0: 2 * 0 + 1 = 1. That works too. Good."
    thinking = f"So x = 4.\n\n{check}"
    assert labelled(thinking)[-1][0] == "checking a result"


def test_a_topic_named_while_the_question_is_read_again_is_no_skill() -> None:
    question = "A triangle has an area of 30 and its altitude to the longest side is 5. How long is it?"
    filler = "So 2 * 20 = 40. And 4 * 10 = 40. And 5 * 8 = 40. And 1 * 40 = 40. " * 3
    again = "The triangle has an area of 30 and its altitude to the longest side is 5."
    assert labelled(f"{filler}\n\n{again}", question)[-1] == ("reading the question", again)
