"""What samples of a benchmark say, and how sure it is.

A question is the unit of chance, not a sample: samples of one question are alike. So intervals and
comparisons draw questions, and a base and a candidate are compared on the same questions, pairwise.

Arrays are questions by samples, `right` of bool, `tokens` of int: each question has as many samples.
"""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

CONFIDENCE = 0.95
RESAMPLES = 10_000
_AT_ONCE = 2_000_000
"""Drawn indices held together: 16 MB."""


@dataclass(frozen=True)
class Interval:
    """An estimate with the bounds between which the true value lies with CONFIDENCE."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Comparison:
    """A candidate beside its base on the same questions and seeds; `p` is McNemar's, exact."""

    accuracy: Interval
    """Pass@1 of the candidate less that of the base."""
    tokens: Interval
    """Mean tokens of the candidate over those of the base."""
    accuracy_at_least: float
    """The difference in Pass@1 is above this with CONFIDENCE, one-sided."""
    lost: int
    """Samples that the base had right and the candidate has wrong."""
    won: int
    p: float
    aes: float

    def is_not_lower(self, margin: float) -> bool:
        """Non-inferiority: accuracy falls by less than `margin` (0.01: one point), one-sided."""
        return self.accuracy_at_least > -margin

    def is_shorter(self, saving: float) -> bool:
        """Tokens are lower by more than the share `saving`: the interval's upper bound is."""
        return self.tokens.high < 1 - saving


def pass_at_1(right: NDArray[np.bool_]) -> Interval:
    """Share of samples that are right, with Wilson's interval over the questions.

    With several samples a question the interval is a little too wide, never too narrow, and it does not
    shrink to a point where all are right.

    Raises:
        ValueError: there is no sample.
    """
    questions, samples = right.shape
    if not questions * samples:
        raise ValueError("a score needs a sample")
    share = float(right.mean())
    bounds = stats.binomtest(round(share * questions), questions).proportion_ci(CONFIDENCE, "wilson")
    return Interval(share, min(share, float(bounds.low)), max(share, float(bounds.high)))


def majority_is_right(answers: Sequence[str | None], right: Sequence[bool]) -> bool:
    """Majority@n of one question: whether its most frequent answer (of equals the first) is right.

    Args:
        answers: what each sample answered, spelled one way; None where it did not.
        right: the verdict of each.
    """
    given = Counter(answer for answer in answers if answer is not None)
    if not given:
        return False
    most = given.most_common(1)[0][0]
    return right[answers.index(most)]


def compare(
    base_right: NDArray[np.bool_],
    right: NDArray[np.bool_],
    base_tokens: NDArray[np.int64],
    tokens: NDArray[np.int64],
    *,
    seed: int = 0,
) -> Comparison:
    """A candidate against its base: a paired bootstrap over questions, McNemar and AES.

    Raises:
        ValueError: the arrays are not of the same questions and samples, or empty.
    """
    shapes = {array.shape for array in (base_right, right, base_tokens, tokens)}
    if len(shapes) != 1 or not base_right.size:
        raise ValueError(f"base and candidate need the same questions and samples, not {sorted(shapes)}")
    means = np.stack([array.mean(axis=1) for array in (base_right, right, base_tokens, tokens)])
    drawn = _resampled(means, seed)
    gaps, ratios = drawn[1] - drawn[0], drawn[3] / drawn[2]
    whole = means.mean(axis=1)
    lost, won = int((base_right & ~right).sum()), int((~base_right & right).sum())
    return Comparison(
        accuracy=_interval(whole[1] - whole[0], gaps),
        tokens=_interval(whole[3] / whole[2], ratios),
        accuracy_at_least=_at_least(float(whole[1] - whole[0]), gaps, lost, means.shape[1]),
        lost=lost,
        won=won,
        p=float(stats.binomtest(won, lost + won).pvalue) if lost + won else 1.0,
        aes=accuracy_efficiency_score(whole[0], whole[1], whole[2], whole[3]),
    )


def _at_least(gap: float, drawn: NDArray[np.float64], lost: int, questions: int) -> float:
    """Lower bound of the difference in accuracy, one-sided.

    Where nothing was lost a bootstrap draws no loss either; but of so few questions a share of up to about
    3 / n may be lost unseen (the rule of three).
    """
    bound = float(np.quantile(drawn, 1 - CONFIDENCE))
    return bound if lost else min(bound, gap - (1 - (1 - CONFIDENCE) ** (1 / questions)))


def _resampled(means: NDArray[np.float64], seed: int) -> NDArray[np.float64]:
    """Means over RESAMPLES draws of all questions, with replacement: shape (rows of `means`, RESAMPLES)."""
    rng, questions = np.random.default_rng(seed), means.shape[1]
    rows = max(1, _AT_ONCE // questions)
    parts = []
    for start in range(0, RESAMPLES, rows):
        draws = rng.integers(questions, size=(min(rows, RESAMPLES - start), questions))
        parts.append(np.stack([row[draws].mean(axis=1) for row in means]))
    return np.concatenate(parts, axis=1)


def _interval(value: float, drawn: NDArray[np.float64]) -> Interval:
    low, high = np.quantile(drawn, [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2])
    return Interval(float(value), float(low), float(high))


def accuracy_efficiency_score(
    base_accuracy: float, accuracy: float, base_length: float, length: float
) -> float:
    """AES: the saved share of the length, plus 3 times a gain or minus 5 times a loss in relative accuracy.

    O1-Pruner (Luo et al., 2025), section 5.1, with its default weights. NaN where the base has nothing right.
    """
    if not base_accuracy:
        return math.nan
    change = (accuracy - base_accuracy) / base_accuracy
    return float((base_length - length) / base_length + (3 if change >= 0 else 5) * change)


def least_margin(questions: int, discordant: float, power: float = 0.8) -> float:
    """The smallest margin for which so many questions would show non-inferiority with this `power`.

    For two students of the same accuracy; normal approximation for paired shares.

    Args:
        questions: how many the benchmark has.
        discordant: share of them that exactly one of the two has right. That none was found does not say that
            there is none: at least one is counted.
        power: chance to show it.
    """
    needed = float(stats.norm.ppf(CONFIDENCE) + stats.norm.ppf(power))
    return needed * math.sqrt(max(discordant, 1 / questions) / questions)
