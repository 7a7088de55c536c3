"""Answers are extracted from responses, in linear time even on hostile text."""

import pytest

from drp.grading import Extracted, extract_answer


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        (r"so \boxed{\frac{1}{2}}.", r"\frac{1}{2}"),
        (r"\boxed{\text{a } \boxed{4}}", r"\text{a } {4}"),
        (r"\boxed{\boxed{4}}", "4"),
        (r"\fbox{7}", "7"),
        (r"thus \boxed 5.", "5"),
        (r"\boxed{1}, no: \boxed{2}, or \boxed{ }", "2"),
        (r"\boxed{a\}b}", r"a\}b"),
        (r"$\boxed{2}$ and $\boxed{3}$", "2, 3"),
        (r"\boxed{1}, \boxed{2}, \boxed{3}", "1, 2, 3"),
        (r"\boxed{(3, 3)} \text{ for part (a) and } \boxed{(1, 1)}", "(3, 3), (1, 1)"),
        (r"$\boxed{5}$, that is, $\boxed{5}$", "5"),
        (r"The answer is 3. Check: \boxed{4}", "4"),
        (r"\\boxed{\\frac{1}{2}}", r"\frac{1}{2}"),
    ],
)
def test_the_last_non_empty_box_wins(text, answer):
    assert extract_answer(text) == Extracted(answer, "boxed")


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("The answer is 42.", "42"),
        ("First the answer is 41. Now the final answer is: 42", "42"),
        ("Final answer: $x = 5$ meters", "x = 5"),
        ("**Final Answer**\nThe value is **12**.", "12"),
        ("**Answer:** \\$1.17", "\\$1.17"),
        ("Therefore, the answer is:\n\n\\[ \\frac{3}{4} \\]", r"\frac{3}{4}"),
        ("the answer is -3/4, because it is", "-3/4"),
        ("The correct answer is (B).", "(B)"),
        ("the answer is 29,322,216.", "29,322,216"),
    ],
)
def test_phrases(text, answer):
    assert extract_answer(text) == Extracted(answer, "phrase")


def test_gsm8k_mark_and_last_number():
    assert extract_answer("48+24 = 72 clips.\n#### 1,072") == Extracted("1,072", "hash")
    assert extract_answer("first 3, then -4.5 apples") == Extracted("-4.5", "last_number")
    assert extract_answer("It costs $1,234 in all") == Extracted("1,234", "last_number")


def test_no_answer():
    assert extract_answer("") is None
    assert extract_answer("Hmm, let me think.") is None
    assert extract_answer(r"\boxed{} \boxed{ }") is None


def test_an_unfinished_box_is_no_answer():
    extracted = extract_answer(r"we had 3 and 4, so \boxed{\frac{1}{")
    assert extracted is None or extracted.source == "last_number"


@pytest.mark.parametrize(
    "unit",
    [
        r"\boxed{",
        "{",
        r"\boxed{1}, ",
        "answer is ",
        "answer:\n",
        "7",
        "1,",
        "$",
        "####\n",
        "answer " + "*" * 50,
    ],
)
def test_hostile_repetitions_end(unit):
    extract_answer(unit * (1_000_000 // len(unit)))  # a quadratic search would not return


def test_nul_and_lone_surrogates_are_text_like_any_other():
    assert extract_answer("\x00\ud800 so \\boxed{\ud8007}") == Extracted("\ud8007", "boxed")
