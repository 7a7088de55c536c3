"""Decide whether a checkpoint becomes the champion. The statistics are in drp.evaluation.statistics."""

from collections.abc import Sequence
from dataclasses import dataclass

from drp.config import Promotion
from drp.evaluation.statistics import Comparison

MARGIN_USED_UP = (
    "the chain of champions has used up the margin: the candidate is shown to be within it of the champion,"
    " but not of the original base"
)


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

    def accuracy_words(self, margin: float) -> str:
        """Return the figures on which `Comparison.is_not_lower` decides."""
        return (
            f"accuracy {self.comparison.accuracy.value:+.1%} (lower bound"
            f" {self.comparison.accuracy_at_least:+.1%}, required above {-margin:.1%})"
        )


@dataclass(frozen=True)
class PromotionDecision:
    """Whether to promote the candidate to champion, and why."""

    checkpoint_id: str
    promote: bool
    reason: str


def decide_promotion(
    rows: Sequence[ArmComparison], rule: Promotion | None, against_original: ArmComparison | None = None
) -> PromotionDecision | None:
    """Apply the recipe's promotion rule to the arm `drp`.

    It must be shown to be shorter and not less accurate than the reference. It must also be shown to be not
    less accurate than the original base: champions that each lose less than the margin lose more together.

    Args:
        rows: comparisons of the arms with the reference.
        rule: the rule.
        against_original: comparison of the arm `drp` with the original base on the rule's benchmark; None if
            that is the reference.

    Returns:
        The decision; None if there is no rule, or if the arm was not compared on the rule's benchmark.
    """
    matching = [row for row in rows if rule and row.arm == "drp" and row.benchmark == rule.benchmark]
    if not matching or rule is None:
        return None
    (row,) = matching
    tokens = row.comparison.tokens
    reason = (
        f"on {row.benchmark} compared with {row.reference}: {row.accuracy_words(rule.margin)}, tokens"
        f" {tokens.value:.2f}× (upper bound {tokens.high:.2f}×, required below {1 - rule.saving:.2f}×)"
    )
    is_accurate = row.comparison.is_not_lower(rule.margin)
    promote = is_accurate and row.comparison.is_shorter(rule.saving)
    if against_original is not None:
        reason += f"; compared with the original base: {against_original.accuracy_words(rule.margin)}"
        if not against_original.comparison.is_not_lower(rule.margin):
            promote = False
            if is_accurate:
                reason = f"{MARGIN_USED_UP}: {reason}"
    return PromotionDecision(row.checkpoint_id, promote, reason)
