"""Planted wrong answers: what is promised of the items, and that no night publishes one."""

from collections import Counter
from pathlib import Path

import pytest

from benchmarks.planted_wrong_answers import ANSWER_REASONS, careless_llm, night, published
from benchmarks.planting.sources import generated
from benchmarks.planting.wrong_answers import FORMS, AnswerItem, items
from tests.helpers.shared_data import shared_cases


@pytest.fixture(scope="module")
def planted() -> list[AnswerItem]:
    """One item of each role and kind, made from generated word problems."""
    return items(generated(600, 0), 0, per_kind=1, controls=1)


def wrong_of(planted: list[AnswerItem]) -> list[AnswerItem]:
    return [item for item in planted if item.role != "right"]


def test_every_kind_has_items_with_questions_of_their_own(planted: list[AnswerItem]) -> None:
    counts = Counter((item.kind, item.role) for item in planted)
    for kind in FORMS:
        assert [counts[kind, role] for role in ("wrong trace", "wrong revision", "right")] == [1, 1, 1], kind
    assert len({item.question for item in planted}) == len(planted)


def test_the_same_seed_makes_the_same_items(planted: list[AnswerItem]) -> None:
    assert items(generated(600, 0), 0, per_kind=1, controls=1) == planted
    assert items(generated(600, 0), 1, per_kind=1, controls=1) != planted


def test_wrong_and_right_responses_differ(planted: list[AnswerItem]) -> None:
    for item in planted:
        if item.role == "wrong revision":
            assert item.revised is not None
            assert item.revised != item.response
        elif item.role == "right":
            assert item.revised is None


def test_the_rule_based_teacher_publishes_none(tmp_path: Path, planted: list[AnswerItem]) -> None:
    sent = [item for item in planted if item.role != "wrong revision"]
    found = night(tmp_path, sent, {"DRP_TEACHER": "heuristic"})
    passed = published(sent, found)
    assert wrong_of(passed) == []
    assert len(passed) >= 0.3 * sum(item.role == "right" for item in sent)
    reasons = {row["question"]: {*row["reject_reasons"]} for row in found}
    assert all(reasons[item.question] & ANSWER_REASONS for item in wrong_of(sent))


@pytest.mark.services
def test_a_careless_llm_publishes_none(tmp_path: Path, planted: list[AnswerItem]) -> None:
    with careless_llm(tmp_path, planted) as variables:
        found = night(tmp_path, planted, variables)
    passed = published(planted, found)
    assert wrong_of(passed) == []
    assert len(passed) >= 0.7 * sum(item.role == "right" for item in planted)


@pytest.mark.services
def test_an_llm_publishes_no_student_whose_last_number_is_the_gold(tmp_path: Path) -> None:
    rows = shared_cases("answers/wrong_fraction.jsonl")
    wrong = [
        AnswerItem(
            "wrong trace", "fraction", row["question"], row["thinking"], row["response"], row["answer"]
        )
        for row in rows
    ]
    with careless_llm(tmp_path, wrong) as variables:
        found = night(tmp_path, wrong, variables)
    assert len(found) == len(rows) == 8
    assert all(row["reject_reasons"] == ["rollout_wrong"] for row in found)
