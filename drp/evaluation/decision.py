"""Whether a checkpoint is to become the champion. How sure a comparison is: drp.evaluation.statistics."""

from collections.abc import Sequence
from dataclasses import dataclass

from drp.config import Promotion
from drp.evaluation.statistics import Comparison


@dataclass(frozen=True)
class ArmComparison:
    """One arm beside the reference on one benchmark."""

    arm: str
    checkpoint_id: str
    reference: str
    """Arm of the reference."""
    benchmark: str
    n_questions: int
    comparison: Comparison
    least_margin: float
    """The smallest margin that so many questions show with 80 % power."""


@dataclass(frozen=True)
class PromotionDecision:
    """Whether the candidate is to become the champion, and why."""

    checkpoint_id: str
    promote: bool
    reason: str


def decide_promotion(rows: Sequence[ArmComparison], rule: Promotion | None) -> PromotionDecision | None:
    """By the recipe's rule: `drp` must be shown to be shorter and not less accurate. None without a rule."""
    found = [row for row in rows if rule and row.arm == "drp" and row.benchmark == rule.benchmark]
    if not found or rule is None:
        return None
    (row,) = found
    accuracy, tokens = row.comparison.accuracy, row.comparison.tokens
    said = (
        f"on {row.benchmark} beside {row.reference}: accuracy {accuracy.value:+.1%} (at least"
        f" {row.comparison.accuracy_at_least:+.1%}, margin {-rule.margin:.1%}), tokens {tokens.value:.2f}×"
        f" (at most {tokens.high:.2f}×, wanted below {1 - rule.saving:.2f}×)"
    )
    promote = row.comparison.is_not_lower(rule.margin) and row.comparison.is_shorter(rule.saving)
    return PromotionDecision(row.checkpoint_id, promote, said)
