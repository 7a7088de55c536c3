"""Verdicts that text and numbers decide without algebra."""

import pytest

from drp.grading.equality import quick_verdict


@pytest.mark.parametrize(
    ("gold", "prediction"),
    [
        ("29322216", r"29,\!322,\!216"),
        (r"\dfrac{1}{29,\!322,\!216}", r"\frac{1}{29322216}"),
        ("14916", "14{,}916"),
        ("1234567", "$1,234,567$"),
        ("025", "25"),
        ("5", "5.0"),
        (r"\frac34", "0.75"),
        (r"1\frac12", "1.5"),
        (r"\$18.90", "18.9"),
        (r"35\%", "35 percent"),
        (r"90^\circ", "90°"),
        ("12", r"12\text{ cm}"),
        ("-7", "−7"),
        ("C", r"\text{(C)}"),
        (r"\text{Even}", "even"),
        (r"\left( 3, 4 \right)", "(3,4)"),
    ],
)
def test_equal(gold, prediction):
    assert quick_verdict(gold, prediction) == "equal"
    assert quick_verdict(prediction, gold) == "equal"


@pytest.mark.parametrize(
    ("gold", "prediction"),
    [
        ("29322216", r"29,\!322,\!217"),
        ("1/3", "0.33"),
        ("5", "-5"),
        (r"35\%", "3.5"),
        ("B", "C"),
        ("north", "south"),
        ("7", ""),
    ],
)
def test_different(gold, prediction):
    assert quick_verdict(gold, prediction) == "different"


@pytest.mark.parametrize(
    ("gold", "prediction"),
    [
        ("", "7"),
        ("5 cm", "5 inches"),
        (r"100\text{ cm}", r"1\text{ m}"),
        ("3", "3 million"),
        ("204_5", "204"),
        ("$", "$"),
    ],
)
def test_undecided_rather_than_wrong(gold, prediction):
    assert quick_verdict(gold, prediction) == "undecided"


@pytest.mark.parametrize(
    ("gold", "prediction"),
    [
        ("32349", "32, 349"),
        ("5x", "5"),
        ("12", "1 2"),
        ("(x+1)^2", "x^2+2x+1"),
        ("(1,234)", "(1, 234)"),
        ("a", "A b"),
    ],
)
def test_left_to_algebra(gold, prediction):
    assert quick_verdict(gold, prediction) is None


@pytest.mark.parametrize("unit", ["1", "1,", " ", "$", "\\", "{", "a ", "\\text{", "9 ", "\x00"])
def test_hostile_texts_end(unit):
    quick_verdict("7", unit * 1_000_000)
    quick_verdict(unit * 500, "7")  # short enough to be spelled out
