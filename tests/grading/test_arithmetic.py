"""False equations are found, everything else is left alone, and the time is linear."""

import pyarrow.parquet as pq
import pytest

from drp.grading import FalseEquation, false_equations
from tests.helpers.shared_data import shared_file


def test_sides_and_span():
    text = "So we get 3 × 4 = 12 = 24/3, fine."
    (found,) = false_equations(text)
    assert found == FalseEquation("12", "24/3", (18, 27))
    assert text[slice(*found.span)] == "12 = 24/3"


@pytest.mark.parametrize(
    "text",
    [
        "12 + 4 + 4 = 21",
        "so 3 + 4 = 8.",
        "**3 + 4 = 8**",
        "- 3 + 4 = 8",
        "1. 3 + 4 = 8",
        "x = 3 + 4 = 8",
        "3 apples + 4 apples = 8 apples",
        "$5 + $3 = $9",
        "0.2 x 50 = 11",
        "1,000 + 1 = 1,002",
        "-3 + 5 = 3",
        "2.5 × 3 = 7.6",
        "$3 \\times 4 = 13$",
        "$2x = 3 \\cdot 4 = \\boxed{13}$",
        "\\[ 3 + 4 = 8 \\]",
        "$\\frac{1}{2} + \\frac13 = \\frac{4}{6}$",
        "$3 \\text{ cm} + 4 \\text{ cm} = 8 \\text{ cm}$",
        "$60{,}000 + 1 = 60{,}002$",
        "\\begin{align*}\ny &= 3 + 4 \\\\\n&= 8\n\\end{align*}",
        "2^{10} = 1023",
        "5! = 121",
        "20% × 50 = 11",
        "\\sqrt{16} + 1 = 6",
        "\\binom{5}{2} = 11",
        "-\\frac{15}{4} = -3\\frac{1}{4}",
        "10/4 = 2.6",
        "48/2 = <<48/2=25>>25 clips",
    ],
)
def test_false(text):
    assert len(false_equations(text)) == 1
    assert len(false_equations(f"We know x + y = 5.\n{text}\nHence z = 3.")) == 1


@pytest.mark.parametrize(
    "text",
    [
        "3 × 4 = 12 = 24/2 = 10 + 2",
        "x + 3 + 4 = 9 and 2x + 1 = 5",
        "f(2) = 9 - 4 + 1 = 6, g(3 + 4) = 8",
        "17 / 5 = 3 remainder 2, and 17 ÷ 5 = 3 R 2",
        "$5 \\cdot 3 = 1 \\pmod{7}$ and $12_3 + 1 = 20_3$",
        "1 + 2 + 3 + ... + 100 = 5050",
        "$0.\\overline{3} + 1 = 4/3$, 1/3 = 0.333...",
        "100/3 = 33.33 and 2/3 = 0.66",
        "0.333 × 3 = 1",
        "3 : 4 = 6 : 8",
        "(1,2) + (3,4) = (4,6)",
        "30 minutes * 2 = 1 hour",
        "30% + 20% = 50%, and 3/4 × 100 = 75%",
        "$3\\frac12 = 3.5$ and $3\\frac{1}{2} = 7/2$",
        "10 + 5\n= 15",
        "10 +\n5 = 15",
        "3 + 4 ≈ 8, 3 + 4 ≠ 8, 3 + 4 < 8 = 2 \\cdot 4",
        "Is 3 + 4 = 8? No. If 3 + 4 = 8, we are wrong.",
        "half of 3 + 4 = 5",
        "divisible by 2, 3, or 5 = 15 + 10 - 3",
        "10*15 = 150 (150 games)",
        "1 + 19 + 168 = 1 + 19 is 20, plus 168 is 188",
        "$\\lfloor 10/4 \\rfloor = 2$, $\\log_2 8 = 3$, $\\sin 30 = 1/2$",
        "$5^{-1} = 3$ in this ring",
        "3 million + 2 = 5 million",
    ],
)
def test_left_alone(text):
    assert false_equations(text) == []


@pytest.mark.parametrize(
    "unit", ["1+1=3 ", "=", "1=", "(", "2^", "\\frac{", "9", "1,234", "a ", "$", "1 + ", "=(1", "\x00\ud800"]
)
def test_hostile_repetitions_end(unit):
    false_equations(unit * (300_000 // len(unit)))


@pytest.mark.parametrize(
    "text",
    [
        "9^9^9^9 = 1",
        "9^{9^{9^{9}}} = 1",
        "99999! = 1",
        "1/0 = 2",
        "(" * 90 + "1+1" + ")" * 90 + " = 3",
        "0^{-2} = 1",
    ],
)
def test_what_is_too_large_or_has_no_value_is_left_alone(text):
    assert false_equations(text) == []


def test_reference_solutions_raise_few_alarms():
    solutions = pq.read_table(shared_file("math.parquet"), columns=["solution"])["solution"].to_pylist()[
        :3000
    ]
    assert sum(bool(false_equations(solution)) for solution in solutions) < 0.01 * len(solutions)
