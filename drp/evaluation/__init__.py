"""Accuracy and length of students, with their statistical uncertainty (paper, section 4)."""

from drp.evaluation.promotion_rule import ArmComparison, PromotionDecision, decide_promotion
from drp.evaluation.scores import Samples, ScoreKey, UnlikeScoresError, check_alike, score_row
from drp.evaluation.statistics import Comparison, Interval, compare, difference_variance, least_margin

__all__ = [
    "ArmComparison",
    "Comparison",
    "Interval",
    "PromotionDecision",
    "Samples",
    "ScoreKey",
    "UnlikeScoresError",
    "check_alike",
    "compare",
    "decide_promotion",
    "difference_variance",
    "least_margin",
    "score_row",
]
