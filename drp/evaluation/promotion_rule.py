"""Decide whether a checkpoint becomes the champion. The statistics are in drp.evaluation.statistics."""

from collections.abc import Sequence
from dataclasses import dataclass

from drp.config import Promotion
from drp.evaluation.statistics import Comparison


@dataclass(frozen=True)
class ArmComparison:
    """Comparison of one arm with the reference on one benchmark."""

    arm: str
    checkpoint_id: str
    reference: str
    """The arm that this one is compared with."""
    benchmark: str
    n_questions: int
    comparison: Comparison
    least_margin: float
    """The smallest non-inferiority margin that `n_questions` can demonstrate with 80 % power."""


@dataclass(frozen=True)
class PromotionDecision:
    """Whether to promote the candidate to champion, and why."""

    checkpoint_id: str
    promote: bool
    reason: str


def decide_promotion(rows: Sequence[ArmComparison], rule: Promotion | None) -> PromotionDecision | None:
    """Apply the recipe's promotion rule to the arm `drp`.

    It must be shown to be shorter and not less accurate than the reference.

    Returns:
        The decision; None if there is no rule, or if the arm was not compared on the rule's benchmark.
    """
    matching = [row for row in rows if rule and row.arm == "drp" and row.benchmark == rule.benchmark]
    if not matching or rule is None:
        return None
    (row,) = matching
    accuracy, tokens = row.comparison.accuracy, row.comparison.tokens
    reason = (
        f"on {row.benchmark} compared with {row.reference}: accuracy {accuracy.value:+.1%} (lower bound"
        f" {row.comparison.accuracy_at_least:+.1%}, required above {-rule.margin:.1%}), tokens"
        f" {tokens.value:.2f}× (upper bound {tokens.high:.2f}×, required below {1 - rule.saving:.2f}×)"
    )
    promote = row.comparison.is_not_lower(rule.margin) and row.comparison.is_shorter(rule.saving)
    return PromotionDecision(row.checkpoint_id, promote, reason)
