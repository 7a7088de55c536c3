"""Whether a candidate becomes the champion, and the reason that is given."""

import numpy as np
import pytest

from drp.config.evaluation import Promotion
from drp.evaluation.promotion_rule import MARGIN_USED_UP, ArmComparison, decide_promotion
from drp.evaluation.statistics import compare

RULE = Promotion(benchmark="b", margin=0.01, saving=0.1)
QUESTIONS = 20_000


def compared(lost: float, ratio: float, reference: str = "champion", arm: str = "drp") -> ArmComparison:
    """A comparison in which the share `lost` of the questions is lost, and the tokens have this ratio."""
    right = np.arange(QUESTIONS)[:, None] >= lost * QUESTIONS
    tokens = np.full((QUESTIONS, 1), 1_000)
    found = compare(np.ones((QUESTIONS, 1), bool), right, tokens, (tokens * ratio).astype(int))
    return ArmComparison(arm, "c1", reference, "b", QUESTIONS, found, 0.001)


def test_without_a_rule_or_a_candidate_there_is_no_decision() -> None:
    row = compared(0, 0.5)
    assert decide_promotion([row], None) is None
    assert decide_promotion([compared(0, 0.5, arm="best_of_n")], RULE) is None
    assert decide_promotion([row], Promotion(benchmark="another")) is None


@pytest.mark.parametrize(
    ("lost", "ratio", "lost_from_original", "promote", "is_used_up"),
    [
        (0.004, 0.8, None, True, False),
        (0.004, 0.8, 0.004, True, False),
        (0.004, 0.8, 0.0095, False, True),  # not shown to be within the margin
        (0.004, 0.8, 0.02, False, True),
        (0.02, 0.8, 0.02, False, False),  # the champion is as good as the original base: it is the candidate
        (0.004, 0.95, 0.004, False, False),
        (0.004, 0.95, 0.02, False, True),
        (
            -1,
            0.8,
            0.02,
            False,
            True,
        ),  # better than the champion, and still worse than what the chain began with
    ],
)
def test_the_candidate_is_compared_with_the_champion_and_the_original_base(
    lost: float, ratio: float, lost_from_original: float | None, promote: bool, is_used_up: bool
) -> None:
    original = None if lost_from_original is None else compared(lost_from_original, 0.5, "base")
    decision = decide_promotion([compared(lost, ratio)], RULE, original)
    assert decision is not None
    assert decision.promote is promote
    assert decision.reason.startswith(MARGIN_USED_UP) is is_used_up
    assert ("compared with the original base" in decision.reason) is (original is not None)
    assert "on b compared with champion: accuracy" in decision.reason


def test_a_chain_of_small_losses_ends_at_the_margin() -> None:
    """Five champions, each 0.3 points below the one before."""
    decisions = [
        decide_promotion([compared(0.003, 0.8)], RULE, compared(0.003 * number, 0.5, "base"))
        for number in range(1, 6)
    ]
    assert [decision.promote for decision in decisions if decision] == [True, True, False, False, False]
