"""Scores with intervals, and comparisons that do not claim too much from few questions."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from scipy import stats

from drp.evaluation import statistics
from drp.evaluation.intervals import difference_lower_bound, sign_flip_p
from drp.evaluation.statistics import (
    accuracy_efficiency,
    compare,
    difference_variance,
    least_margin,
    majority_is_right,
    pass_at_1,
)

SAMPLES = arrays(np.bool_, array_shapes(min_dims=2, max_dims=2, max_side=30))


@given(SAMPLES, st.randoms())
def test_a_score_does_not_depend_on_order_and_copies(right, chance):
    score = pass_at_1(right)
    assert 0 <= score.low <= score.value <= score.high <= 1
    order = chance.sample(range(len(right)), len(right))
    assert pass_at_1(right[order]) == score
    copies = np.repeat(right, 3, axis=1)
    assert pass_at_1(copies).value == pytest.approx(score.value)
    assert pass_at_1(copies).low == pytest.approx(score.low)


def test_all_right_of_few_is_not_certain():
    assert pass_at_1(np.ones((30, 5), bool)).low < 0.9
    assert pass_at_1(np.ones((4000, 1), bool)).low > 0.99
    with pytest.raises(ValueError, match="needs a sample"):
        pass_at_1(np.ones((0, 3), bool))


def test_the_interval_has_its_nominal_coverage():
    rng = np.random.default_rng(1)
    held = 0
    for _ in range(400):
        score = pass_at_1(rng.random((200, 1)) < 0.85)
        held += score.low <= 0.85 <= score.high
    assert held / 400 == pytest.approx(statistics.CONFIDENCE, abs=0.03)


def test_the_majority_decides_and_ties_go_to_the_first():
    assert majority_is_right(["4", "5", "5"], [False, True, True])
    assert not majority_is_right(["4", "5"], [False, True])
    assert not majority_is_right([None, None, "7"], [False, False, False])
    assert not majority_is_right([None], [False])


def students(rng, questions, base, kept, tokens=0.5):
    """Samples of a base and of a candidate that keeps the share `kept` of its correct answers."""
    right = rng.random((questions, 2)) < base
    other = right & (rng.random(right.shape) < kept)
    lengths = rng.integers(200, 400, right.shape)
    return right, other, lengths, (lengths * tokens).astype(int)


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 99))
def test_a_student_is_not_lower_than_itself_and_as_long(seed):
    right, _, lengths, _ = students(np.random.default_rng(seed), 300, 0.8, 1)
    same = compare(right, right, lengths, lengths)
    assert (same.accuracy.value, same.tokens.low, same.tokens.value, same.tokens.high) == (0, 1, 1, 1)
    assert same.accuracy.high == -same.accuracy.low == pytest.approx(1 - 0.025 ** (1 / 300))
    assert (same.p, same.lost, same.won, same.aes) == (1, 0, 0, 0)
    assert same.is_not_lower(0.01)
    assert not same.is_not_lower(0.001), "300 questions are too few to tell"


def test_losses_and_savings_are_detected():
    seen = compare(*students(np.random.default_rng(2), 4000, 0.85, 0.97))
    assert seen.accuracy.high < 0
    assert not seen.is_not_lower(0.01)
    assert seen.p < 1e-6
    assert seen.tokens.value == pytest.approx(0.5, abs=0.01)
    assert seen.tokens.low < seen.tokens.value < seen.tokens.high < 0.51
    assert seen.aes == pytest.approx(0.5 - 5 * 0.03, abs=0.05)


def test_thirty_questions_prove_little():
    few = compare(*students(np.random.default_rng(3), 30, 0.8, 0.97))
    many = compare(*students(np.random.default_rng(3), 3000, 0.8, 0.999))
    assert not few.is_not_lower(0.01)
    assert many.is_not_lower(0.01)
    assert least_margin(30, 0.1) > 0.1
    assert least_margin(4000, 0.1) < 0.015


def test_with_many_questions_the_intervals_are_those_of_the_bootstrap():
    base, other, lengths, shorter = students(np.random.default_rng(5), 2_000, 0.7, 0.9)
    lengths = lengths * np.random.default_rng(6).integers(1, 4, (2_000, 1))
    shorter = shorter * np.random.default_rng(7).integers(1, 4, (2_000, 1))
    ours = compare(base, other, lengths, shorter)
    gaps = other.mean(axis=1) - base.mean(axis=1)
    expected = stats.bootstrap((gaps,), np.mean, method="percentile", random_state=1).confidence_interval
    assert (ours.accuracy.low, ours.accuracy.high) == pytest.approx((expected.low, expected.high), abs=0.003)
    expected = stats.bootstrap(
        (shorter.mean(axis=1), lengths.mean(axis=1)),
        lambda y, x, axis: y.mean(axis=axis) / x.mean(axis=axis),
        paired=True,
        random_state=1,
    ).confidence_interval
    assert (ours.tokens.low, ours.tokens.high) == pytest.approx((expected.low, expected.high), abs=0.003)


def test_with_one_sample_the_test_is_mcnemars_and_the_interval_clopper_and_pearsons():
    rng = np.random.default_rng(8)
    base, other = rng.random((300, 1)) < 0.8, rng.random((300, 1)) < 0.85
    lengths = np.ones((300, 1), int)
    seen = compare(base, other, lengths, lengths)
    lost, won = int((base & ~other).sum()), int((~base & other).sum())
    assert (seen.lost, seen.won, seen.unit) == (lost, won, "question")
    assert seen.p == pytest.approx(stats.binomtest(won, lost + won).pvalue, rel=1e-12)
    exact = stats.binomtest(int(base.sum()), 300).proportion_ci(statistics.CONFIDENCE, "exact")
    score = pass_at_1(base)
    assert (score.low, score.high) == pytest.approx((exact.low, exact.high), rel=1e-12)


def test_with_several_samples_the_p_value_is_that_of_random_signs():
    rng = np.random.default_rng(9)
    hard = rng.random((60, 1))
    base, other = rng.random((60, 5)) < hard, rng.random((60, 5)) < hard**0.85
    gains = other.sum(axis=1) - base.sum(axis=1)
    expected = stats.permutation_test(
        (gains, np.zeros(60)),
        lambda x, y, axis: (x - y).sum(axis=axis),
        permutation_type="samples",
        n_resamples=20_000,
        rng=1,
    ).pvalue
    assert 0.001 < expected < 0.5
    assert sign_flip_p(gains) == pytest.approx(expected, abs=0.01)


def test_copies_of_samples_are_no_evidence():
    base, other, lengths, shorter = students(np.random.default_rng(10), 400, 0.8, 0.97)
    once = compare(base, other, lengths, shorter)
    copied = compare(*(array.repeat(4, axis=1) for array in (base, other, lengths, shorter)))
    assert copied.p == pytest.approx(once.p)
    assert copied.accuracy.low == pytest.approx(once.accuracy.low)
    assert copied.tokens.high == pytest.approx(once.tokens.high)
    assert (copied.lost, copied.won) == (once.lost, once.won)


@pytest.mark.parametrize("lost", [1, 2, 5, 20, 100])
def test_of_losses_alone_the_bound_is_close_to_the_exact_one(lost):
    differences = -np.repeat([1.0, 0.0], [lost, 2_000 - lost])
    exact = stats.binomtest(lost, 2_000, alternative="less").proportion_ci(0.95, "exact").high
    bound = -float(difference_lower_bound(differences, 0.05))
    assert exact <= bound < exact + 0.0002


def test_one_question_bounds_nothing():
    one = np.ones((1, 3), bool), np.zeros((1, 3), bool), np.full((1, 3), 100), np.full((1, 3), 10)
    seen = compare(*one)
    assert (seen.tokens.low, seen.tokens.high) == (0, math.inf)
    assert not seen.is_shorter(0.0)
    assert seen.accuracy.low == -1
    assert seen.accuracy.high > 0
    assert 0 < pass_at_1(one[0]).low < 0.2


def test_a_candidate_as_good_as_the_base_reaches_the_least_margin_four_times_in_five():
    rng = np.random.default_rng(11)
    hard = rng.beta(1.7, 0.3, (500, 600, 1))
    base, other = (rng.random((500, 600, 3)) < hard for _ in range(2))
    differences = other.mean(axis=2) - base.mean(axis=2)
    margin = least_margin(600, difference_variance(base.reshape(-1, 3), other.reshape(-1, 3)))
    shown = difference_lower_bound(differences, 0.05) > -margin
    assert shown.mean() == pytest.approx(0.8, abs=0.04)


def test_other_questions_cannot_be_compared():
    right, lengths = np.ones((3, 1), bool), np.ones((3, 1), int)
    with pytest.raises(ValueError, match="the same questions"):
        compare(right, right[:2], lengths, lengths)


def test_aes_weighs_a_loss_more_than_a_gain():
    assert accuracy_efficiency(0.8, 0.88, 100, 50) == pytest.approx((3 * 0.1, 0.5))
    assert accuracy_efficiency(0.8, 0.72, 100, 50) == pytest.approx((-5 * 0.1, 0.5))
    assert accuracy_efficiency(0.8, 0.72, 100, 130).score == pytest.approx(-5 * 0.1 - 0.3)
    unknown = accuracy_efficiency(0, 0.5, 100, 50)
    assert math.isnan(unknown.accuracy)
    assert math.isnan(unknown.score)
    assert unknown.tokens == 0.5


def test_few_questions_do_not_rule_out_an_unobserved_loss():
    right = np.ones((30, 1), dtype=bool)
    tokens = np.full((30, 1), 100)
    few = compare(right, right, tokens, tokens // 2)
    assert few.accuracy_at_least == pytest.approx(-0.095, abs=0.002)
    assert not few.is_not_lower(0.01)
    many = compare(right.repeat(20, 0), right.repeat(20, 0), tokens.repeat(20, 0), tokens.repeat(20, 0) // 2)
    assert many.is_not_lower(0.01)
