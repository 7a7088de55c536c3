"""Estimates from the samples of a benchmark, with confidence intervals and paired comparisons.

The sampling unit is the question, because samples of the same question are correlated. Intervals and
comparisons therefore resample questions. Base and candidate are compared pairwise on the same questions.

Arrays have the shape [questions, samples]: `right` is bool, `tokens` is int. Every question has the same
number of samples.
"""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import stats

CONFIDENCE = 0.95
RESAMPLES = 10_000
_MAX_INDICES = 2_000_000
"""Resampled indices held in memory at a time: 16 MB."""


@dataclass(frozen=True)
class Interval:
    """An estimate and its confidence interval at level CONFIDENCE."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Comparison:
    """Comparison of a candidate with its base on the same questions and seeds.

    `p` is that of McNemar's exact test, `aes` the accuracy-efficiency score.
    """

    accuracy: Interval
    """Pass@1 of the candidate minus that of the base."""
    tokens: Interval
    """Mean tokens of the candidate divided by those of the base."""
    accuracy_at_least: float
    """One-sided lower bound of the difference in Pass@1, at level CONFIDENCE."""
    lost: int
    """Samples that only the base answered correctly."""
    won: int
    """Samples that only the candidate answered correctly."""
    p: float
    aes: float

    def is_not_lower(self, margin: float) -> bool:
        """Return whether accuracy is non-inferior: it drops by less than `margin` (0.01 is one point)."""
        return self.accuracy_at_least > -margin

    def is_shorter(self, saving: float) -> bool:
        """Return whether more than the share `saving` of the tokens is saved, by the upper bound."""
        return self.tokens.high < 1 - saving


def pass_at_1(right: NDArray[np.bool_]) -> Interval:
    """Return the share of correct samples, with Wilson's interval over the questions.

    With several samples per question the interval is slightly conservative. It does not shrink to a point
    when all samples are correct.

    Raises:
        ValueError: there are no samples.
    """
    questions, samples = right.shape
    if not questions * samples:
        raise ValueError("a score needs a sample")
    share = float(right.mean())
    bounds = stats.binomtest(round(share * questions), questions).proportion_ci(CONFIDENCE, "wilson")
    return Interval(share, min(share, float(bounds.low)), max(share, float(bounds.high)))


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
    *,
    seed: int = 0,
) -> Comparison:
    """Compare a candidate with its base: paired bootstrap over questions, McNemar's test and AES.

    Raises:
        ValueError: the arrays differ in shape or are empty.
    """
    shapes = {array.shape for array in (base_right, right, base_tokens, tokens)}
    if len(shapes) != 1 or not base_right.size:
        raise ValueError(f"base and candidate need the same questions and samples, not {sorted(shapes)}")
    means = np.stack([array.mean(axis=1) for array in (base_right, right, base_tokens, tokens)])
    resampled = _bootstrap_means(means, seed)
    differences, ratios = resampled[1] - resampled[0], resampled[3] / resampled[2]
    base_accuracy, accuracy, base_length, length = means.mean(axis=1)
    lost, won = int((base_right & ~right).sum()), int((~base_right & right).sum())
    return Comparison(
        accuracy=_interval(accuracy - base_accuracy, differences),
        tokens=_interval(length / base_length, ratios),
        accuracy_at_least=_lower_bound(float(accuracy - base_accuracy), differences, lost, means.shape[1]),
        lost=lost,
        won=won,
        p=float(stats.binomtest(won, lost + won).pvalue) if lost + won else 1.0,
        aes=accuracy_efficiency(base_accuracy, accuracy, base_length, length).score,
    )


def _lower_bound(difference: float, resampled: NDArray[np.float64], lost: int, questions: int) -> float:
    """Return the one-sided lower bound of the difference in accuracy.

    Without observed losses the bootstrap resamples none either. Yet a share of up to about 3 / n of the
    questions may be lost unobserved (the rule of three).
    """
    bound = float(np.quantile(resampled, 1 - CONFIDENCE))
    return bound if lost else min(bound, difference - (1 - (1 - CONFIDENCE) ** (1 / questions)))


def _bootstrap_means(means: NDArray[np.float64], seed: int) -> NDArray[np.float64]:
    """Return the row means of RESAMPLES bootstrap samples of the questions: [rows, RESAMPLES]."""
    rng, questions = np.random.default_rng(seed), means.shape[1]
    rows = max(1, _MAX_INDICES // questions)
    parts = []
    for start in range(0, RESAMPLES, rows):
        indices = rng.integers(questions, size=(min(rows, RESAMPLES - start), questions))
        parts.append(np.stack([row[indices].mean(axis=1) for row in means]))
    return np.concatenate(parts, axis=1)


def _interval(value: float, resampled: NDArray[np.float64]) -> Interval:
    low, high = np.quantile(resampled, [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2])
    return Interval(float(value), float(low), float(high))


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


def least_margin(questions: int, discordant: float, power: float = 0.8) -> float:
    """Return the smallest margin for which a benchmark demonstrates non-inferiority with this `power`.

    Assumes two equally accurate students. Normal approximation for paired proportions.

    Args:
        questions: number of questions in the benchmark.
        discordant: share of the questions that exactly one of the two students answers correctly. At least
            one question is assumed, because observing none does not prove that there are none.
        power: probability of demonstrating non-inferiority.
    """
    quantiles = float(stats.norm.ppf(CONFIDENCE) + stats.norm.ppf(power))
    return quantiles * math.sqrt(max(discordant, 1 / questions) / questions)
