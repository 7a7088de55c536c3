"""Generated problems are exact, distinct and reproducible."""

from collections import Counter
from itertools import islice

import pytest

from drp.core.ids import question_id
from drp.questions.generators.generate import generate, problem_from_source
from drp.questions.generators.problem_types import calculate
from drp.questions.generators.standard_problems import FAMILIES


def test_more_problems_change_none_and_no_text_comes_twice() -> None:
    many = list(generate(3_000, seed=7))
    assert list(generate(500, seed=7)) == many[:500]
    assert list(islice(generate(10**9, seed=7), 500)) == many[:500]
    assert len({question.question for question in many}) == 3_000
    other = {question.question for question in generate(500, seed=8)}
    assert len(other & {question.question for question in many[:500]}) < 5


def test_problems_are_content_and_come_back_from_their_source() -> None:
    for question in generate(300, seed=1):
        problem = problem_from_source(question.source)
        assert problem is not None
        assert (problem.text, str(problem.answer)) == (question.question, question.gold_answer)
        assert question.question_id == question_id("train", question.question, question.gold_answer)


@pytest.mark.parametrize(
    "source", ["gsm8k.parquet", "", "synthetic-0/1/2", "synthetic-1/1", "synthetic-1/1/2/3"]
)
def test_other_sources_are_not_ours(source: str) -> None:
    assert problem_from_source(source) is None


def test_every_family_comes_with_two_to_five_exact_steps() -> None:
    problems = [problem_from_source(question.source) for question in generate(2_000, seed=0)]
    lengths = Counter(len(problem.computations) for problem in problems)
    assert set(lengths) == {2, 3, 4, 5}
    stories = Counter(problem.asked.split()[-1] for problem in problems)
    assert len(FAMILIES) >= 6
    assert len(stories) >= len(FAMILIES)
    for problem in problems:
        assert problem.answer > 0
        for index, computation in enumerate(problem.computations):
            for operand in (computation.left, computation.right):
                if operand.came_from is not None:
                    assert operand.came_from < index
                    assert operand.value == problem.computations[operand.came_from].result


def test_the_numbers_of_the_working_stand_in_the_story() -> None:
    for question in generate(2_000, seed=3):
        problem = problem_from_source(question.source)
        for computation in problem.computations:
            for operand in (computation.left, computation.right):
                hidden = {100, 2}  # per cent, and the two sides of a perimeter
                if operand.came_from is None and operand.value not in hidden:
                    assert str(operand.value) in problem.text, (problem.text, computation)


def test_computations_are_whole_and_not_below_zero() -> None:
    assert calculate(12, "÷", 4) == 3
    with pytest.raises(ValueError, match="leaves 1"):
        calculate(13, "÷", 4)
    with pytest.raises(ValueError, match="below zero"):
        calculate(1, "-", 2)
