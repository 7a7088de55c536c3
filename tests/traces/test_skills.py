"""Evidence for skills: words, signs, mixtures."""

import pytest

from drp.traces import SKILL_FAMILIES, skill_of
from drp.traces.skills import skill_scores


@pytest.mark.parametrize(
    ("text", "skill"),
    [
        ("The probability of a red ball is 3/5.", "probability"),
        ("There are 10 ways to choose two of them.", "counting"),
        ("C(5, 2) = x + 3", "counting"),
        ("The radius of the circle is 3.", "geometry"),
        ("143 is divisible by 11", "divisibility and primes"),
        ("3 * 4 * 5 = 60", "multiplication"),
        ("8-3 = 5", "subtraction"),
        ("3 * 4 + 5 - 2 = 15", "arithmetic"),
        ("2x + 3 = 7", "algebraic manipulation"),
        ("the \\boxed{7}", "stating the answer"),
        ("addition", "addition"),
        ("checking a condition", "checking a result"),
    ],
)
def test_words_and_signs_point_to_a_skill(text: str, skill: str) -> None:
    found = skill_of(text)
    assert found is not None
    assert found.name == skill
    assert found.family in SKILL_FAMILIES


@pytest.mark.parametrize(
    "text", ["", "Hmm.", "好的", "the x-ray", "pages 3-9", "There is a different remaining part"]
)
def test_what_shows_no_skill_has_no_evidence(text: str) -> None:
    assert skill_of(text) is None


def test_a_mixture_of_operations_adds_up_to_the_general_skill() -> None:
    total = dict(skill_scores("3 * 4 = 12"))
    for skill, score in skill_scores("12 + 5 = 17").items():
        total[skill] = total.get(skill, 0.0) + score
    assert max(total, key=total.__getitem__).name == "arithmetic"


@pytest.mark.parametrize(
    ("text", "skill"),
    [
        ("It is probably easier to multiply first: 4 * 5 = 20", "multiplication"),
        ("The conversion factor from yards to feet is 3.", "converting units"),
        ("3/9 is the same as 1/3", "fractions and percentages"),
        ("(2/3)^2 = 4/9", "powers and roots"),
        ("9! = 9 * 8 * 7!", "multiplication"),
        ("Long division of 870 gives 290.", "division"),
        ("2 < x < 9", "inequalities"),
        ("(2 + 3i)(2 - 3i) = 13", "complex numbers"),
        ("It follows a binomial distribution.", "probability"),
    ],
)
def test_a_form_or_a_part_of_a_word_is_no_evidence(text: str, skill: str) -> None:
    found = skill_of(text)
    assert found is not None
    assert found.name == skill


@pytest.mark.parametrize("text", ["to determine it", "from another side", "these coefficients 1, 0, 4"])
def test_a_word_with_many_senses_is_faint_evidence(text: str) -> None:
    assert max(skill_scores(text).values(), default=0.0) < 0.5
