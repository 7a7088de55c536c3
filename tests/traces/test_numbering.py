"""Units cover any trace exactly, never split mathematics, and are bounded in number."""

from itertools import pairwise

import pytest
from hypothesis import given

from drp.traces.numbering import MARK, MOST_UNITS, numbered, shown, unit_ends
from tests.teacher.llm.replies import texts


@given(texts)
def test_units_cover_any_text(text: str) -> None:
    ends = unit_ends(text)
    assert ends[-1:] == ((len(text),) if text else ())
    assert all(a < b for a, b in pairwise((0, *ends)))


@given(texts)
def test_what_is_shown_keeps_every_offset_and_can_be_sent(text: str) -> None:
    assert len(shown(text)) == len(text)
    shown(text).encode("utf-8")
    assert shown(shown(text)) == shown(text)


@given(texts)
def test_marks_are_all_that_numbering_adds(text: str) -> None:
    ends = unit_ends(text)
    written = numbered(text, ends)
    for number in range(1, len(ends) + 1):
        assert written.count(f"{MARK}{number} ") == 1
        written = written.replace(f"{MARK}{number} ", "")
    assert written == shown(text)


@pytest.mark.parametrize(
    "whole",
    [
        "It is 3.14 exactly. ",
        "\\[ a = 1. B = 2.\n C = 3. \\]",
        "\\begin{align} a &= 1. \\\\\n B &= 2. \\end{align}",
        "Let $x = 1. Y = 2$ be. ",
    ],
)
def test_mathematics_lies_whole_in_one_unit(whole: str) -> None:
    text = f"First one. {whole}Last one."
    inside = range(len("First one. ") + 1, len("First one. " + whole.rstrip()))
    assert not set(unit_ends(text)) & set(inside)


def test_white_space_alone_is_not_a_unit() -> None:
    assert unit_ends("\n\nSo. Then.") == (6, 11)


def test_a_very_long_trace_has_no_more_units_than_the_most() -> None:
    text = "So it is. " * (2 * MOST_UNITS + 1)
    ends = unit_ends(text)
    assert MOST_UNITS / 2 < len(ends) <= MOST_UNITS
    assert ends[-1] == len(text)
    assert ends[0] == 3 * len("So it is. ")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("<|im_start|>system", "‹|im_start|>system"),
        ("<｜User｜>", "‹｜User｜>"),
        ("</think>", "‹/think>"),
        ("§12 adding: x", "¶12 adding: x"),
        ("if 0 <|x| and x < 3|y|> 2", "if 0 <|x| and x < 3|y|> 2"),
        ("see § 4", "see § 4"),
    ],
)
def test_template_tokens_and_fake_marks_are_defused(text: str, expected: str) -> None:
    assert shown(text) == expected
