"""The table of the effect of pruning: every arm next to unpruned SFT, with the two parts of its AES."""

import json
from collections.abc import Sequence

import numpy as np
import pytest

from benchmarks.effect_table import as_document, effects, next_to, table
from drp.evaluation.scores import Samples


def samples(right: Sequence[int], tokens: Sequence[int]) -> Samples:
    """One sample of each question."""
    column = np.array(right, dtype=bool)[:, None]
    lengths = np.array(tokens)[:, None]
    none = np.zeros_like(column)
    questions = tuple(f"q{number:03}" for number in range(len(right)))
    return Samples(questions, column, lengths, lengths, none, none, [["1"]] * len(right))


HALF, MOST, ALL = [1, 0] * 50, [1, 1, 1, 1, 0] * 20, [1] * 100
ARMS = {
    "base": [samples(HALF, [100] * 100), samples(HALF, [140] * 100)],
    "unpruned_sft": [samples(MOST, [100] * 100), samples(MOST, [100] * 100)],
    "drp": [samples(ALL, [40] * 100), samples(MOST, [40] * 100)],
    "none": [samples(MOST, [50] * 100), samples(MOST, [50] * 100)],
}


def test_every_arm_is_compared_with_unpruned_sft_and_not_with_the_base() -> None:
    found = effects(ARMS)
    assert list(found) == ["base", "unpruned_sft", "drp", "none"]
    assert found["unpruned_sft"].beside is None
    drp = found["drp"]
    assert drp.accuracy == pytest.approx(0.9)
    assert drp.beside is not None
    assert drp.beside.accuracy.value == pytest.approx(0.1)
    assert drp.beside.tokens.value == pytest.approx(0.4)
    assert drp.aes == pytest.approx((3 * 0.1 / 0.8, 0.6))
    assert drp.beside.aes == pytest.approx(3 * 0.1 / 0.8 + 0.6)
    base = found["base"]
    assert base.aes == pytest.approx((-5 * 0.3 / 0.8, -0.2))


def test_the_interval_is_over_questions() -> None:
    once = effects({arm: seeds[:1] for arm, seeds in ARMS.items()})["drp"].beside
    twice = effects({arm: seeds[:1] * 2 for arm, seeds in ARMS.items()})["drp"].beside
    assert once is not None
    assert twice is not None
    assert once.accuracy == twice.accuracy, "the same samples again are no further evidence"


def test_the_table_has_a_row_for_each_arm() -> None:
    lines = table(effects(ARMS), rollouts_per_question=4)
    assert len(lines) == 2 + len(ARMS)
    assert len({line.count("|") for line in lines}) == 1
    assert lines[3] == "| SFT, unpruned | 80.0% |  | 100 |  |  |  |  |"
    assert "| 40 | 0.400 (0.400 to 0.400) | +0.97 | +0.37 | +0.60 |" in lines[4]
    (line,) = next_to(ARMS, ("sentence", "none"))
    assert line.startswith("DRP next to no decomposition: accuracy +10.0%")


def test_a_reference_that_solves_nothing_has_no_relative_accuracy() -> None:
    nothing = samples([0] * 10, [100] * 10)
    found = effects({"unpruned_sft": [nothing], "drp": [samples([1] * 10, [50] * 10)]})
    assert table(found, 4)[-1].endswith("| undefined | undefined | +0.50 |")
    document = json.loads(json.dumps(as_document(found["drp"]), allow_nan=False))
    assert document["next_to_unpruned_sft"]["aes_accuracy_part"] is None
    assert document["next_to_unpruned_sft"]["aes_token_part"] == 0.5


def test_arms_that_were_measured_on_other_questions_are_refused() -> None:
    other = samples([1] * 99, [40] * 99)
    with pytest.raises(ValueError, match="the same questions"):
        effects({"unpruned_sft": [samples(ALL, [100] * 100)], "drp": [other]})
