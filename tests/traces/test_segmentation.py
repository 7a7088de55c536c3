"""Units cover any text and never split mathematics; plain spelling makes equal expressions equal."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drp.traces.segmentation import is_balanced, separator, units
from drp.traces.spelling import plain

MIXED = st.lists(
    st.sampled_from(
        [
            *("Wait, ", "So x = 3. ", "\n\n", "\\[", "\\]", "$", "$$", "\\(", "\\)", "{", "}"),
            *("\\begin{align}", "\\end{align}", "1. ", "- ", "...", "?! ", "\x00", "\ud800", "\r\n"),
            *("これは。", "a=b=c", "\\frac{", "5! "),
        ]
    )
).map("".join)


@given(st.one_of(st.text(), MIXED), st.sets(st.integers(0, 80)))
@settings(max_examples=300, deadline=None)
def test_units_cover_any_text(text: str, also_at: set[int]) -> None:
    cut = units(text, also_at)
    assert "".join(unit.text for unit in cut) == text
    assert [unit.start for unit in cut[1:]] == [unit.end for unit in cut[:-1]]
    assert {offset for offset in also_at if 0 < offset < len(text)} <= {unit.start for unit in cut}


def bodies(text: str) -> list[str]:
    return [unit.body for unit in units(text)]


def test_sentences_and_lines() -> None:
    assert bodies("So x = 3. Then y = 4?\n- one\n- two") == ["So x = 3.", "Then y = 4?", "- one", "- two"]


@pytest.mark.parametrize(
    "text",
    [
        "\\[ a = 1. \n\n B = 2 \\]",
        "It is $x. Y$ here",
        "1. Find the sum",
        "the sum 1 + 2 + ... + 9",
        "that is 5! 3! ways",
        "uniform (i.e. Each is equal)",
        "\\begin{align} a. B \\end{align}",
    ],
)
def test_texts_that_are_never_split(text: str) -> None:
    assert bodies(text) == [text]


def test_an_opener_that_is_never_closed_is_text() -> None:
    assert bodies("\\[ is open. It goes on. " + "Word. " * 1000)[:2] == ["\\[ is open.", "It goes on."]


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("\\frac{1}{2}", "1/2"),
        ("\\dfrac12", "1/2"),
        ("3 \\times 4 = 12", "3·4=12"),
        ("x^{2}", "x²"),
        ("\\sqrt{3}", "√3"),
        ("1,234,567", "1234567"),
        ("\\(2 \\cdot x\\)", "2x"),
        ("\\left( 1, 2 \\right)", "(1,2)"),
        ("35^\\circ", "35°"),
        ("\\boxed{7}", "7"),
    ],
)
def test_plain_spelling_is_unique(first: str, second: str) -> None:
    assert plain(first) == plain(second)


def test_a_negative_number_stays_apart_from_the_word_before_it() -> None:
    assert plain("the sum is -2") == "the sum is -2"


@pytest.mark.parametrize(
    "text", ["$a$ and \\(b\\)", "costs $19 and $20 and $21 more", "\\begin{a}x\\end{a}", "\\{ \\$"]
)
def test_balanced(text: str) -> None:
    assert is_balanced(text)


@pytest.mark.parametrize("text", ["$a", "\\[ x", "{", "\\( \\]", "\\begin{a}", "}", "\\frac{1}{2"])
def test_unbalanced(text: str) -> None:
    assert not is_balanced(text)


def test_separators_keep_paragraphs_and_lines() -> None:
    assert separator(" Wait. Hmm. ", "So") == " "
    assert separator(".\n\n Hmm.", "So") == "\n\n"
    assert separator("\n", "So") == "\n"
    assert separator(" ", "\\[x\\]") == "\n"


@pytest.mark.parametrize(
    "text",
    [
        "So $3p+e=1.24$ holds.",
        "It is $40_9$ then.",
        "We get $24z = 48y$ and $6!=720$.",
        "$0, 1, 4, 9$ are squares.",
    ],
)
def test_a_formula_that_begins_with_a_digit_is_no_price(text: str) -> None:
    assert is_balanced(text)


@pytest.mark.parametrize(
    "text", ["It costs $5 and then $3 more.", "It is $5. Then I pay $x$ dollars.", "Each pays $30 per item."]
)
def test_a_price_opens_no_formula(text: str) -> None:
    assert is_balanced(text)
