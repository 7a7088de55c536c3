"""The views over scores: which scores are compared, and which questions are won or lost."""

from datetime import date
from pathlib import Path
from typing import Any

import pytest

from drp.evaluation.statistics import accuracy_efficiency
from drp.query.session import open_session
from tests.helpers.row_factories import (
    RUN_DATE,
    Row,
    make_checkpoint,
    make_question,
    make_score,
    make_score_sample,
    write_parts,
)
from tests.helpers.training_runs import make_run

LATER = date(2026, 11, 21)
BASE: Row = {"score_id": "b", "checkpoint_id": "k0", "arm": "base", "pass_at_1": 0.8, "mean_tokens": 1_000.0}


def _rows(folder: Path, query: str, **tables: list[Row]) -> list[dict[str, Any]]:
    con = open_session(write_parts(folder, tables))
    return list(con.execute(query).to_arrow_table().to_pylist())


def test_a_score_is_compared_with_its_base(tmp_path: Path) -> None:
    scores = [make_score(**BASE), make_score(pass_at_1=0.9, mean_tokens=400.0)]
    drp, base = _rows(tmp_path, "FROM leaderboard", scores=scores, checkpoints=[make_checkpoint()])
    assert (drp["arm"], drp["base_score_id"], drp["recipe"]) == ("drp", "b", "drp")
    assert drp["gain"] == pytest.approx(0.1)
    assert drp["share_of_base_tokens"] == 0.4
    assert drp["aes"] == pytest.approx(0.6 + 3 * 0.125)
    assert (base["arm"], base["gain"], base["share_of_base_tokens"], base["aes"]) == ("base", 0.0, 1.0, 0.0)


@pytest.mark.parametrize("other", ["base", "random_prune", "drp"])
def test_the_view_and_the_comparison_agree_on_the_aes(tmp_path: Path, other: str) -> None:
    run = make_run(arms=("random_prune", "drp"), benchmarks={"small": 200})
    rows = _rows(tmp_path, "FROM leaderboard WHERE cutoff IS NULL", **run.tables)
    found = {row["arm"]: row for row in rows}
    base, row = found["base"], found[other]
    said = accuracy_efficiency(base["pass_at_1"], row["pass_at_1"], base["mean_tokens"], row["mean_tokens"])
    assert row["aes"] == pytest.approx(said.score)


@pytest.mark.parametrize(
    "differs",
    [
        {"benchmark": "math500"},
        {"prompt_version": "2"},
        {"grader_version": "2"},
        {"engine": "transformers"},
        {"sampling": '{"temperature": 1.0}'},
        {"n_samples": 5},
        {"n_questions": 7},
        {"cutoff": 12_000},
        {"run_date": LATER},
    ],
    ids=str,
)
def test_scores_of_different_keys_are_never_compared(tmp_path: Path, differs: Row) -> None:
    query = "FROM leaderboard WHERE arm = 'drp'"
    [row] = _rows(tmp_path, query, scores=[make_score(**BASE), make_score(**differs)])
    assert row["gain"] is row["aes"] is row["share_of_base_tokens"] is row["base_score_id"] is None


def test_of_two_bases_under_one_key_none_is_chosen(tmp_path: Path) -> None:
    other = make_score(**BASE | {"score_id": "b2", "checkpoint_id": "another student"})
    query = "SELECT base_score_id FROM leaderboard"
    rows = _rows(tmp_path, query, scores=[make_score(**BASE), other, make_score()])
    assert [row["base_score_id"] for row in rows] == [None] * 3


def test_a_score_counts_once_the_last_time_it_was_measured(tmp_path: Path) -> None:
    scores = [
        make_score(**BASE),
        make_score(**BASE),  # by another run of the same date
        make_score(),
        make_score(**BASE | {"run_date": LATER}),
        make_score(arm="champion", pass_at_1=0.7, run_date=LATER),
    ]
    query = "SELECT run_date, arm, pass_at_1, base_score_id FROM leaderboard"
    rows = _rows(tmp_path, query, scores=scores, checkpoints=[make_checkpoint(), make_checkpoint()])
    assert [tuple(row.values()) for row in rows] == [
        (LATER, "base", 0.8, "b"),
        (LATER, "drp", 0.7, "b"),  # what the champion was trained as
    ]


def test_without_a_correct_answer_of_the_base_there_is_no_relative_gain(tmp_path: Path) -> None:
    scores = [make_score(**BASE | {"pass_at_1": 0.0}), make_score()]
    drp, _ = _rows(tmp_path, "FROM leaderboard", scores=scores)
    assert drp["aes"] is None
    assert drp["gain"] == pytest.approx(0.9)


def test_a_question_is_won_or_lost_by_its_right_samples(tmp_path: Path) -> None:
    def samples(score_id: str, **right: int) -> list[Row]:
        return [
            make_score_sample(
                score_sample_id=f"{score_id}-{question}-{index}",
                score_id=score_id,
                question_id=question,
                sample_index=index,
                verdict=("equal" if index < n else None),
                total_tokens=100 * (index + 1),
            )
            for question, n in right.items()
            for index in range(2)
        ]

    base = samples("b", q1=2, q2=0, q3=1, q4=0)
    rows = _rows(
        tmp_path,
        "FROM won_and_lost",
        questions=[make_question()],
        scores=[make_score(**BASE | {"n_samples": 2}), make_score(n_samples=2)],
        score_samples=[*base, *base, *samples("o1", q1=1, q2=2, q3=1, q4=0)],
    )
    columns = ("question_id", "outcome", "base_right", "arm_right", "gold_answer")
    assert [tuple(row[column] for column in columns) for row in rows] == [
        ("q1", "lost", 2, 1, "4"),
        ("q2", "won", 0, 2, None),
        ("q3", "same", 1, 1, None),
        ("q4", "same", 0, 0, None),
    ]
    assert {(row["base_tokens"], row["arm_tokens"], row["n_samples"]) for row in rows} == {(150.0, 150.0, 2)}
    assert {row["run_date"] for row in rows} == {RUN_DATE}
