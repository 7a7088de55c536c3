"""Confidence bounds and a test with the question as sampling unit.

Samples of the same question are correlated, so a figure of each question enters, never a single sample. The
last axis of an array is the questions; bounds are computed for all other axes at once.
`benchmarks/type_one_error.py` measures how often the bounds are wrong, and led to the two constants.
"""

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy import signal, stats

Floats: TypeAlias = NDArray[np.float64]

UNSEEN = 1.5
"""Questions that a bound of a difference in accuracy adds, each lost (or won) with all its samples.

If most questions have equal answers, the variance of the few others is underestimated together with their
number. With 1.5 added questions the bound is that of Clopper and Pearson if there are only losses."""
EXTREME = 1.0
"""How many times more a bound of a token ratio counts the question that is farthest on its side: a few
looping samples can have most of the tokens."""


def share_bounds(counts: NDArray[np.int64], samples: int, tail: float) -> tuple[Floats, Floats]:
    """Return the lower and upper bound of the share of correct samples.

    Clopper and Pearson's bounds for the effective number of questions (Korn and Graubard, 1998). That number
    is the ratio of the binomial variance to the variance between questions. Both are estimated with one
    right and one wrong question added, so that they exist if all samples are correct.

    Args:
        counts: correct samples of each question, [..., questions].
        samples: samples of each question.
        tail: probability that a bound is on the wrong side of the true share.
    """
    questions = counts.shape[-1]
    total, squares = counts.sum(axis=-1), (counts**2).sum(axis=-1)
    mean = (total / samples + 1) / (questions + 2)
    variance = (squares / samples**2 + 1) / (questions + 2) - mean**2
    effective = questions * mean * (1 - mean) / variance
    right = effective * (total / (samples * questions))
    wrong = effective - right
    low = np.where(right > 0, stats.beta.ppf(tail, np.maximum(right, 1e-9), wrong + 1), 0.0)
    high = np.where(
        total < samples * questions, stats.beta.isf(tail, right + 1, np.maximum(wrong, 1e-9)), 1.0
    )
    return low, high


def difference_lower_bound(differences: Floats, tail: float) -> Floats:
    """Return the lower bound of the mean difference in accuracy: Student's t with `UNSEEN` lost questions.

    If no question differs, it is the exact bound of a share that was not seen (the rule of three).

    Args:
        differences: share of correct samples of the candidate minus that of the base, [..., questions].
        tail: probability that the true difference is below the bound.
    """
    questions = differences.shape[-1]
    total = questions + UNSEEN
    mean = (differences.sum(axis=-1) - UNSEEN) / total
    variance = ((differences**2).sum(axis=-1) + UNSEEN - total * mean**2) / (total - 1)
    bound = mean - stats.t.isf(tail, total - 1) * np.sqrt(variance / total)
    unseen = tail ** (1 / questions) - 1
    return np.asarray(np.where(differences.any(axis=-1), np.maximum(bound, -1.0), unseen))


def difference_bounds(differences: Floats, tail: float) -> tuple[Floats, Floats]:
    """Return the lower and upper bound of the mean difference in accuracy; see `difference_lower_bound`."""
    return difference_lower_bound(differences, tail), -difference_lower_bound(-differences, tail)


def ratio_bounds(base: Floats, other: Floats, tail: float) -> tuple[Floats, Floats]:
    """Return the lower and upper bound of the ratio of two means over the same questions (Fieller, 1954).

    Args:
        base: mean tokens of each question, [..., questions]; the denominator.
        other: the same of the other student.
        tail: probability that a bound is on the wrong side of the true ratio.

    Returns:
        The bounds; 0 and infinity if the questions are too few to bound the ratio.
    """
    return _ratio_bound(base, other, tail, -1), _ratio_bound(base, other, tail, 1)


def _ratio_bound(base: Floats, other: Floats, tail: float, side: int) -> Floats:
    """Return the lower (`side` -1) or upper (1) bound, with the farthest question counted more often."""
    unbounded = 0.0 if side < 0 else np.inf
    questions = base.shape[-1]
    if questions < 2:
        return np.full(base.shape[:-1], unbounded)
    ratio = other.mean(axis=-1, keepdims=True) / base.mean(axis=-1, keepdims=True)
    farthest = np.argmax(side * (other - ratio * base), axis=-1, keepdims=True)
    x = np.concatenate([base, np.take_along_axis(base, farthest, axis=-1)], axis=-1)
    y = np.concatenate([other, np.take_along_axis(other, farthest, axis=-1)], axis=-1)
    weights = np.ones(questions + 1)
    weights[-1] = EXTREME
    total = weights.sum()
    mean_x, mean_y = x @ weights / total, y @ weights / total

    def error(a: Floats, b: Floats, product: Floats) -> Floats:
        """Return the squared t quantile times the covariance of the two means."""
        covariance = ((a * b) @ weights - total * product) / (total - 1) / total
        return np.asarray(stats.t.isf(tail, total - 1) ** 2 * covariance)

    square_x = mean_x**2 - error(x, x, mean_x**2)
    product = mean_x * mean_y - error(x, y, mean_x * mean_y)
    square_y = mean_y**2 - error(y, y, mean_y**2)
    root = np.sqrt(np.maximum(product**2 - square_x * square_y, 0.0))
    is_bounded = square_x > 0
    bound = (product + side * root) / np.where(is_bounded, square_x, 1.0)
    return np.asarray(np.where(is_bounded, bound, unbounded))


def sign_flip_p(gains: NDArray[np.int64]) -> float:
    """Return the exact two-sided p-value of the sign-flip test: do two students differ in accuracy?

    If they do not, every question's gain is as likely to be a loss of the same size. With one sample for
    each question this is McNemar's exact test.

    Args:
        gains: correct samples of the candidate minus those of the base, [questions].
    """
    sizes, numbers = np.unique(np.abs(gains[gains != 0]), return_counts=True)
    if not sizes.size:
        return 1.0
    chances = np.ones(1)  # of every sum, from the lowest to the highest
    for size, number in zip(sizes.tolist(), numbers.tolist(), strict=True):
        part = np.zeros(2 * size * number + 1)
        part[:: 2 * size] = stats.binom.pmf(np.arange(number + 1), number, 0.5)
        chances = part if chances.size == 1 else signal.fftconvolve(chances, part)
    tail = chances[chances.size // 2 + abs(int(gains.sum())) :].sum()
    return float(np.clip(2 * tail, 0.0, 1.0))
