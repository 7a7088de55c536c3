"""Estimates from the samples of a benchmark, with confidence intervals and paired comparisons.

The sampling unit is the question, because samples of the same question are correlated: intervals and tests
(`drp.evaluation.intervals`) take one figure of each question. Base and candidate are compared pairwise on the
same questions.

Arrays have the shape [questions, samples]: `right` is bool, `tokens` is int. Every question has the same
number of samples.
"""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from drp.evaluation.intervals import (
    UNSEEN,
    Floats,
    difference_bounds,
    difference_lower_bound,
    ratio_bounds,
    share_bounds,
    sign_flip_p,
)

CONFIDENCE = 0.95
_TAIL = (1 - CONFIDENCE) / 2


@dataclass(frozen=True)
class Interval:
    """An estimate and its confidence interval at level CONFIDENCE."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Comparison:
    """Comparison of a candidate with its base on the same questions and seeds."""

    accuracy: Interval
    """Pass@1 of the candidate minus that of the base."""
    tokens: Interval
    """Mean tokens of the candidate divided by those of the base."""
    accuracy_at_least: float
    """One-sided lower bound of the difference in Pass@1, at level CONFIDENCE."""
    lost: int
    """Questions that the base answered correctly in more samples."""
    won: int
    """Questions that the candidate answered correctly in more samples."""
    p: float
    """Two-sided p-value of the sign-flip test over questions; with one sample it is McNemar's exact test."""
    aes: float
    """Accuracy-efficiency score."""
    unit: Literal["question", "sample"] = "sample"
    """What `lost`, `won` and `p` count. Comparisons that were stored by version 0.1.0 have no unit: they
    count samples, and their intervals are bootstrapped."""

    def is_not_lower(self, margin: float) -> bool:
        """Return whether accuracy is non-inferior: it drops by less than `margin` (0.01 is one point)."""
        return self.accuracy_at_least > -margin

    def is_shorter(self, saving: float) -> bool:
        """Return whether more than the share `saving` of the tokens is saved, by the upper bound."""
        return self.tokens.high < 1 - saving


def pass_at_1(right: NDArray[np.bool_]) -> Interval:
    """Return the share of correct samples, with its interval over questions (`share_bounds`).

    With one sample per question it is Clopper and Pearson's interval. It does not shrink to a point when all
    samples are correct.

    Raises:
        ValueError: there are no samples.
    """
    questions, samples = right.shape
    if not questions * samples:
        raise ValueError("a score needs a sample")
    low, high = share_bounds(right.sum(axis=1), samples, _TAIL)
    return _interval(float(right.mean()), low, high)


def majority_is_right(answers: Sequence[str | None], right: Sequence[bool]) -> bool:
    """Return whether the most frequent answer to a question is correct (Majority@n); ties go to the first.

    Args:
        answers: the normalised answer of each sample; None where it has none.
        right: the verdict on each answer.
    """
    counts = Counter(answer for answer in answers if answer is not None)
    if not counts:
        return False
    majority = counts.most_common(1)[0][0]
    return right[answers.index(majority)]


def compare(
    base_right: NDArray[np.bool_],
    right: NDArray[np.bool_],
    base_tokens: NDArray[np.int64],
    tokens: NDArray[np.int64],
) -> Comparison:
    """Compare a candidate with its base: intervals and a sign-flip test over questions, and AES.

    Raises:
        ValueError: the arrays differ in shape or are empty.
    """
    shapes = {array.shape for array in (base_right, right, base_tokens, tokens)}
    if len(shapes) != 1 or not base_right.size:
        raise ValueError(f"base and candidate need the same questions and samples, not {sorted(shapes)}")
    gains = right.sum(axis=1) - base_right.sum(axis=1)
    differences = gains / right.shape[1]
    lengths, base_lengths = tokens.mean(axis=1), base_tokens.mean(axis=1)
    base_accuracy, accuracy = float(base_right.mean()), float(right.mean())
    base_length, length = float(base_lengths.mean()), float(lengths.mean())
    return Comparison(
        accuracy=_interval(accuracy - base_accuracy, *difference_bounds(differences, _TAIL)),
        tokens=_interval(length / base_length, *ratio_bounds(base_lengths, lengths, _TAIL)),
        accuracy_at_least=float(difference_lower_bound(differences, 1 - CONFIDENCE)),
        lost=int((gains < 0).sum()),
        won=int((gains > 0).sum()),
        p=sign_flip_p(gains),
        aes=accuracy_efficiency(base_accuracy, accuracy, base_length, length).score,
        unit="question",
    )


def _interval(value: float, low: Floats, high: Floats) -> Interval:
    """Build an interval that holds its value."""
    return Interval(value, min(value, float(low)), max(value, float(high)))


class AccuracyEfficiency(NamedTuple):
    """The two parts of an accuracy-efficiency score, which is their sum."""

    accuracy: float
    """3 × the relative gain in accuracy, or 5 × a relative loss. NaN if the base has an accuracy of 0."""
    tokens: float
    """Saved share of the length."""

    @property
    def score(self) -> float:
        """The accuracy-efficiency score."""
        return self.accuracy + self.tokens


def accuracy_efficiency(
    base_accuracy: float, accuracy: float, base_length: float, length: float
) -> AccuracyEfficiency:
    """Return the two parts of the accuracy-efficiency score (AES).

    O1-Pruner (Luo et al., 2025), section 5.1, with its default weights.
    """
    saved = float((base_length - length) / base_length)
    if not base_accuracy:
        return AccuracyEfficiency(math.nan, saved)
    change = float((accuracy - base_accuracy) / base_accuracy)
    return AccuracyEfficiency((3 if change >= 0 else 5) * change, saved)


def difference_variance(base_right: NDArray[np.bool_], right: NDArray[np.bool_]) -> float:
    """Return the variance between questions of the difference in accuracy, for `least_margin`.

    With one sample it is the share of discordant questions if both students are equally accurate.
    """
    differences = right.mean(axis=1) - base_right.mean(axis=1)
    return float(differences.var())


def least_margin(questions: int, variance: float, power: float = 0.8) -> float:
    """Return the smallest margin for which a benchmark demonstrates non-inferiority with this `power`.

    Assumes two equally accurate students, and that the mean difference is normally distributed.

    Args:
        questions: number of questions in the benchmark.
        variance: variance between questions of the difference in accuracy (`difference_variance`).
        power: probability of demonstrating non-inferiority.
    """
    total = questions + UNSEEN
    quantiles = float(stats.t.ppf(CONFIDENCE, total - 1) + stats.norm.ppf(power))
    return UNSEEN / total + quantiles * math.sqrt(questions * variance + UNSEEN) / total
