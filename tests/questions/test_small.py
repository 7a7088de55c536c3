"""Small problems are small, exact, and in disjoint splits."""

import random
from collections import Counter
from itertools import combinations

import pytest

from drp.config.question_sets import SPLITS, dataset_name
from drp.gates.leaks import LeakIndex
from drp.questions.generators.generate import generate, problem_from_source
from drp.questions.generators.small_student_problems import (
    FAMILIES,
    LARGEST,
    LONGER,
    SHARES,
    SHORT,
    draw,
    split_of,
)


def chance(seed: int | str) -> random.Random:
    """Return a random generator with a fixed seed."""
    return random.Random(seed)  # noqa: S311


SETS = [(level, split) for level, splits in SPLITS.items() for split in splits if level != "standard"]


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.__name__)
@pytest.mark.parametrize("steps", [*SHORT, *LONGER])
def test_a_family_makes_the_requested_number_of_exact_computations(family, steps):
    rng = chance(0)
    for _ in range(200):
        problem = family(rng, steps)
        assert len(problem.computations) == steps
        for index, computation in enumerate(problem.computations):
            for operand in (computation.left, computation.right):
                if operand.came_from is None:
                    assert str(operand.value) in problem.text, (problem.text, computation)
                else:
                    assert operand.came_from < index
                    assert operand.value == problem.computations[operand.came_from].result


def test_no_number_is_large_and_every_family_comes_about_as_often():
    rng = chance(1)
    problems = [draw(rng, "train") for _ in range(1_000)]
    numbers = [c.result for p in problems for c in p.computations]
    numbers += [o.value for p in problems for c in p.computations for o in (c.left, c.right)]
    assert 2 <= min(numbers) <= max(numbers) <= LARGEST
    assert Counter(len(p.computations) for p in problems).keys() == set(SHORT)
    kinds = Counter(p.facts[0].split()[1] for p in problems)  # has, buys, works
    assert kinds["works"] > 120
    assert kinds["buys"] > 120


def test_the_text_decides_the_split():
    rng = chance(2)
    for split in SHARES:
        assert all(split_of(draw(rng, split).text) == split for _ in range(50))
    drawn = Counter(split_of(chance(n).choice(FAMILIES)(chance(n), 3).text) for n in range(4_000))
    for split, share in SHARES.items():
        assert drawn[split] / 4_000 == pytest.approx(share / sum(SHARES.values()), abs=0.03)


def test_splits_are_disjoint_for_all_seeds():
    texts = {
        (level, split): {q.question for seed in (0, 1) for q in generate(300, seed, level, split)}
        for level, split in SETS
    }
    taught = {draw(chance(n), "pretrain").text for n in range(2_000)}
    for first, second in combinations([*texts.values(), taught], 2):
        assert not first & second


@pytest.mark.parametrize(("level", "split"), SETS)
def test_questions_come_back_from_their_source(level, split):
    many = list(generate(80, seed=3, level=level, split=split))
    assert list(generate(40, seed=3, level=level, split=split)) == many[:40]
    for question in many:
        problem = problem_from_source(question.source)
        assert problem is not None
        assert (problem.text, str(problem.answer)) == (question.question, question.gold_answer)
        assert (question.dataset, question.split) == (dataset_name(level), split)
        assert len(problem.computations) in (LONGER if level == "small-longer" else SHORT)


@pytest.mark.parametrize(
    "source", ["small-1/pretrain/0/1", "small-longer-1/train/0/1", "small-1/train/0", "small-1/0/1"]
)
def test_other_sources_are_not_ours(source):
    assert problem_from_source(source) is None


def test_a_level_has_its_splits_only():
    with pytest.raises(ValueError, match="small-longer has no split train"):
        next(generate(1, 0, "small-longer", "train"))


def test_few_training_questions_look_like_a_test_question():
    evaluated = [q.question for level in ("small", "small-longer") for q in generate(300, 0, level, "test")]
    leaks = LeakIndex(evaluated)
    found = [leaks.leak(question) for question in generate(1_000, 0, "small")]
    assert sum(leak is not None for leak in found) < 60
