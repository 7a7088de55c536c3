"""Scores: from samples to rows, in any order, with a cut-off, and never compared across keys."""

import random
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drp.config.student import Sampling
from drp.core.lake_schemas import SCORES
from drp.evaluation.scores import Samples, ScoreKey, UnlikeScoresError, check_alike, score_row

KEY = ScoreKey.of("b", "small-1", "g", "transformers", Sampling(samples=2))


def sample(question: str, k: int, *, verdict: str = "equal", tokens: int = 10, **more: Any) -> dict[str, Any]:
    return {
        "question_id": question,
        "sample_index": k,
        "verdict": verdict,
        "total_tokens": tokens,
        "think_tokens": tokens - 4,
        "finish_reason": "stop",
        "is_degenerate": False,
        "predicted_answer": "4" if verdict == "equal" else "5",
    } | more


def row(rows: list[dict[str, Any]], cutoff: int | None = None) -> dict[str, Any]:
    return score_row(Samples.read(rows), KEY, checkpoint_id="c", arm="base", cutoff=cutoff)


def test_a_score_is_a_row_of_the_table() -> None:
    scored = row([sample("a", 0), sample("a", 1, verdict="different", tokens=30)])
    assert set(scored) == set(SCORES.names)
    assert (scored["pass_at_1"], scored["mean_tokens"], scored["mean_think_tokens"]) == (0.5, 20, 16)
    assert scored["pass_at_1_low"] < 0.5 < scored["pass_at_1_high"]
    assert (scored["n_questions"], scored["n_samples"]) == (1, 2)


def test_majority_counts_questions() -> None:
    rows = [sample("a", k, verdict=v) for k, v in enumerate(["equal", "different", "equal"])]
    rows += [sample("b", k, verdict=v) for k, v in enumerate(["different", "different", "equal"])]
    assert row(rows)["majority_at_n"] == 0.5


def test_samples_longer_than_the_cut_off_have_no_answer() -> None:
    rows = [
        sample("a", 0, tokens=10),
        sample("a", 1, tokens=30),
        sample("b", 0, tokens=20),
        sample("b", 1, tokens=5),
    ]
    scored = row(rows, cutoff=20)
    assert (scored["pass_at_1"], scored["mean_tokens"], scored["share_cut"]) == (
        0.75,
        (10 + 20 + 20 + 5) / 4,
        0.25,
    )
    assert scored["score_id"] != row(rows)["score_id"]


def test_cut_and_looping_shares() -> None:
    rows = [sample("a", 0, finish_reason="length", verdict=None), sample("a", 1, is_degenerate=True)]
    assert (row(rows)["share_cut"], row(rows)["share_looping"]) == (0.5, 0.5)


def test_every_question_needs_the_same_number_of_samples() -> None:
    with pytest.raises(ValueError, match="the same number of samples"):
        Samples.read([sample("a", 0), sample("b", 0), sample("b", 1)])


@given(st.lists(st.lists(st.booleans(), min_size=3, max_size=3), min_size=1, max_size=12), st.integers(0, 9))
def test_pass_at_1_does_not_depend_on_order_and_copies(right: list[list[bool]], seed: int) -> None:
    rows = [
        sample(f"q{number:02}", k, verdict="equal" if verdict else "different")
        for number, verdicts in enumerate(right)
        for k, verdict in enumerate(verdicts)
    ]
    score = row(rows)["pass_at_1"]
    assert 0 <= score <= 1
    names = [f"q{number:02}" for number in range(len(right))]
    shuffled = random.Random(seed).sample(names, len(names))  # noqa: S311
    renamed = sorted(
        ({**sample_, "question_id": shuffled[int(sample_["question_id"][1:])]} for sample_ in rows),
        key=lambda sample_: (sample_["question_id"], sample_["sample_index"]),
    )
    assert row(renamed)["pass_at_1"] == pytest.approx(score)
    copies = [
        {**sample_, "sample_index": k}
        for sample_ in rows
        for k in (2 * sample_["sample_index"], 2 * sample_["sample_index"] + 1)
    ]
    assert row(copies)["pass_at_1"] == pytest.approx(score)


@pytest.mark.parametrize(
    "name", ["benchmark", "prompt_version", "grader_version", "engine", "sampling", "n_samples"]
)
def test_scores_with_different_keys_are_not_compared(name: str) -> None:
    check_alike(KEY, KEY)
    with pytest.raises(UnlikeScoresError, match=f"differ in {name} and"):
        check_alike(KEY, replace(KEY, **{name: 3 if name == "n_samples" else "other"}))
