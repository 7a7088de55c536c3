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
    assert extract_answer("It costs $1,234 in all") == Extracted("$1,234", "last_number")


def test_no_answer():
    assert extract_answer("") is None
    assert extract_answer("Hmm, let me think.") is None
    assert extract_answer(r"\boxed{} \boxed{ }") is None


def test_an_unfinished_box_is_no_answer():
    extracted = extract_answer(r"we had 3 and 4, so \boxed{\frac{1}{")
    assert extracted is None or extracted.source == "last_number"


@pytest.mark.parametrize(
    ("text", "answer", "source"),
    [
        (r"<answer>\frac{5}{8}</answer>", r"\frac{5}{8}", "tag"),
        ("<answer>9</answer> (2 ways agree.)", "9", "tag"),
        ('The JSON: {"reason": "3 and 4", "answer": 7}', "7", "json"),
        ("答案是 21。", "21", "phrase"),
        ("最终答案：**36** 个", "36", "phrase"),
        ("The answer is 3, not 4.", "3", "phrase"),
        ("The answer is not 4.\nFinal answer: 6 (not 7)", "6", "phrase"),
        ("The correct option is (D).", "(D)", "phrase"),
        ("So 2x = 14", "2x = 14", "last_expression"),
        ("This means |x| = 14.", "|x| = 14", "last_expression"),
        ("So n ≥ 14", "n ≥ 14", "last_expression"),
        ("The answer is .14", ".14", "phrase"),
        ("x = 5 or x = 32", "x = 5, x = 32", "last_expression"),
        ("The balance is minus 630.", "minus 630", "last_number"),
        ("It is 152 thousand.", "152 thousand", "last_number"),
        (r"So the probability is $\frac{2}{9}$.", r"\frac{2}{9}", "last_expression"),
        (r"We find $y^2 = 8$.", "y^2 = 8", "last_expression"),
        ("Total = 15 + 6 = 21", "21", "last_number"),
        ("That leaves 3/8 of the pie", "3/8", "last_number"),
        ("The train leaves at 3:45.", "3:45", "last_number"),
        ("The area is 14 m².", "14 m²", "last_expression"),
        ("The solutions are 1, 2 and 5.", "1, 2, 5", "last_expression"),
        ("It costs $45. (Updated 2024)", "$45", "last_number"),
        ("The mass is 6.02e23 kg", "6.02e23 kg", "last_expression"),
        ("Nous payons 2,74 euros", "2,74", "last_number"),
        (r"the result is \boxed{18", "18", "boxed"),
        (r"\boxed{\text{The answer is } 18}", "18", "boxed"),
    ],
)
def test_a_whole_expression_is_taken(text, answer, source):
    extracted = extract_answer(text)
    assert extracted is not None
    assert (extracted.answer, extracted.source) == (answer, source)


@pytest.mark.parametrize(
    "text",
    [
        "There are 14 m² of carpet, in 2 rooms.",
        "She has 3 cats and he has 5 dogs.",
        r"I give up.\boxed{} We had 9 tries.",
        r"so \boxed{\frac{3}{",
        "What is asked?",
        "It is half of 14.",
        "It is the square root of 14.",
        "That is 14 squared.",
        "There are fewer than 14.",
        r"It is twice $\boxed{14}$.",
        "14+",
        "The answer is not 14.",
        "It can't be 14.",
        "I don't think that it is 14.",
        "$14$ is wrong.",
        r"The answer is not \boxed{14}.",
        "\\boxed{14}\n\nWait, that is not right.",
        "The answer is 14. But that can't be true.",
        "答案不是 14。",
    ],
)
def test_no_piece_is_taken(text):
    assert extract_answer(text) is None


@pytest.mark.parametrize(
    "text",
    [
        "This does not change the total, so it is 14.",
        "I am not sure, but it is 14.",
        "The answer is 14, not 15.",
        r"It does not equal 15, so \boxed{14}",
        "\\boxed{14}\n\nThis is not a coincidence.",
        r"\boxed{14}. So it is not 15.",
        "Not counting the first, there are 14.",
        "This is a sum of 14.",
        "There are at least 14 of them.",
        "She has 14 left over\n#### 14",
        "That is 14 more than before.",
        r"This has a units digit of \boxed{14}.",
    ],
)
def test_what_is_denied_is_something_else(text):
    extracted = extract_answer(text)
    assert extracted is not None
    assert extracted.answer == "14"


@pytest.mark.parametrize(
    ("text", "later"),
    [
        (r"\boxed{14}. Wait, actually it should be 15.", "15"),
        (r"\boxed{14}\n\nFinal answer: 15", "15"),
        (r"\boxed{14}. So the answer is 15.", "15"),
        (r"\boxed{14}\n\n**15**", "15"),
        (r"\boxed{14}\n#### 15", "15"),
        (r"\boxed{14}. The number of marbles is 15.", "15"),
        ("<answer>14</answer>\nHmm, that gives 15.", "15"),
        (r"\boxed{14} 更正：应该是 15", "15"),
        (r"\boxed{14}. So 14.", "14"),
    ],
)
def test_a_later_statement_is_shown(text, later):
    extracted = extract_answer(text.replace("\\n", "\n"))
    assert extracted is not None
    assert (extracted.answer, extracted.later) == ("14", later)


@pytest.mark.parametrize(
    "text",
    [
        r"\boxed{14} square feet.",
        r"\boxed{14}\) chance of winning.",
        "<answer>14</answer> (3 ways agree.)",
        r"so $\boxed{14}$.",
    ],
)
def test_a_remark_is_no_later_statement(text):
    assert extract_answer(text) == Extracted("14", "tag" if "<" in text else "boxed")


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
