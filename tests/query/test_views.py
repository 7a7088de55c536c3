"""Every view of sql/ on rows with known answers, and on an empty lake."""

from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pytest

from drp.core.lake_schemas import TABLES
from drp.query.session import VIEWS, open_session
from tests.helpers.row_factories import (
    RUN_DATE,
    THINKING,
    Row,
    make_dead_letter,
    make_decision,
    make_decomposition,
    make_question,
    make_rejection,
    make_revision,
    make_rollout,
    make_step,
    one_of_each,
    write_parts,
)

FILES = sorted(VIEWS.glob("*.sql"))
LATER = date(2026, 11, 21)


def _open(folder: Path, **tables: list[Row]) -> duckdb.DuckDBPyConnection:
    return open_session(write_parts(folder, tables))


def _rows(con: duckdb.DuckDBPyConnection, query: str) -> list[dict[str, Any]]:
    return list(con.execute(query).to_arrow_table().to_pylist())


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_a_file_describes_and_creates_the_view_of_its_name(file: Path) -> None:
    first, *_ = file.read_text(encoding="utf-8").splitlines()
    assert first.startswith("-- ")
    assert "?" in first
    assert file.stem not in TABLES
    assert open_session({}).table(file.stem).fetchall() == []  # an empty lake has no rows


def test_the_counts_of_a_night_add_up(tmp_path: Path) -> None:
    [row] = _rows(open_session(write_parts(tmp_path, one_of_each())), "FROM accounting")
    assert row == {
        "run_date": RUN_DATE,
        "recipe": "drp",
        "recipe_hash": "h1",
        "rows_in": 3,
        "rollouts": 2,
        "accepted": 1,
        "rejected": 1,
        "dead_lettered": 1,
        "without_revision": 0,
        "adds_up": True,
        "left_pending": 0,
    }


def test_one_rollout_lost_and_one_revised_twice_do_not_cancel_out(tmp_path: Path) -> None:
    con = _open(
        tmp_path,
        questions=[make_question()],
        rollouts=[make_rollout(), make_rollout(rollout_id="r2", recipe_hash="sampled")],
        revisions=[make_revision(), make_revision(revision_id="v9")],
    )
    [row] = _rows(con, "FROM accounting")
    assert (row["rows_in"], row["accepted"] + row["rejected"]) == (2, 2)
    assert row["without_revision"] == 1
    assert not row["adds_up"]


@pytest.mark.parametrize(
    ("other", "decomposed", "lost"),
    [
        ({}, False, 0),  # imported: the night did not take it on
        ({"recipe_hash": "sampled", "student": "another"}, False, 0),  # sampled for another recipe
        ({"recipe_hash": "sampled"}, False, 1),
        ({}, True, 1),
    ],
)
def test_what_a_night_did_not_take_on_is_left_pending_and_what_it_lost_is_not(
    tmp_path: Path, other: dict[str, str], decomposed: bool, lost: int
) -> None:
    con = _open(
        tmp_path,
        questions=[make_question()],
        rollouts=[make_rollout(), make_rollout(rollout_id="r2", **other)],
        revisions=[make_revision()],
        decompositions=[make_decomposition(rollout_id="r2")] if decomposed else [],
    )
    [row] = _rows(con, "FROM accounting")
    assert (row["rows_in"], row["left_pending"], row["without_revision"]) == (2, 1 - lost, lost)
    assert row["adds_up"] == (not lost)


def test_a_revision_of_a_missing_rollout_does_not_add_up(tmp_path: Path) -> None:
    con = _open(tmp_path, rollouts=[make_rollout()], revisions=[make_revision(), make_rejection()])
    [row] = _rows(con, "FROM accounting")
    assert not row["adds_up"]


def test_a_night_that_died_before_its_first_revision_has_a_row(tmp_path: Path) -> None:
    con = _open(
        tmp_path,
        rollouts=[make_rollout(recipe_hash="sampled")],
        dead_letters=[make_dead_letter(run_date=LATER)],
    )
    rows = _rows(con, "FROM accounting")
    assert [(r["run_date"], r["rows_in"], r["without_revision"], r["adds_up"]) for r in rows] == [
        (RUN_DATE, 1, 1, False),
        (LATER, 1, 0, True),
    ]


def test_an_import_that_no_night_has_taken_on_is_left_pending(tmp_path: Path) -> None:
    [row] = _rows(_open(tmp_path, rollouts=[make_rollout()]), "FROM accounting")
    assert (row["rows_in"], row["left_pending"], row["without_revision"], row["adds_up"]) == (1, 1, 0, True)


def test_a_rollout_that_is_revised_the_next_night_counts_there(tmp_path: Path) -> None:
    con = _open(
        tmp_path,
        rollouts=[make_rollout(), make_rollout(rollout_id="r2")],
        revisions=[make_revision(), make_rejection(run_date=LATER)],
    )
    rows = _rows(con, "FROM accounting")
    assert [(r["run_date"], r["rows_in"], r["adds_up"]) for r in rows] == [
        (RUN_DATE, 1, True),
        (LATER, 1, True),
    ]


def test_two_recipes_are_counted_apart(tmp_path: Path) -> None:
    other = {"recipe": "sentence", "recipe_hash": "h2"}
    con = _open(
        tmp_path,
        rollouts=[make_rollout(), make_rollout(rollout_id="r2")],
        revisions=[make_revision(), make_rejection(), make_revision(revision_id="w1", **other)],
    )
    rows = _rows(con, "FROM accounting")
    assert [(r["recipe"], r["rows_in"], r["left_pending"], r["adds_up"]) for r in rows] == [
        ("drp", 2, 0, True),
        ("sentence", 2, 1, True),
    ]


def test_tokens_of_different_counters_are_never_compared(tmp_path: Path) -> None:
    con = _open(
        tmp_path,
        questions=[make_question()],
        rollouts=[
            make_rollout(rollout_id="a", total_tokens=100),
            make_rollout(rollout_id="b", total_tokens=300),
            make_rollout(rollout_id="c", total_tokens=50, token_counter="engine"),  # noqa: S106
        ],
        revisions=[
            make_revision(revision_id="va", rollout_id="a", tokens=60),
            make_revision(revision_id="vb", rollout_id="b", tokens=60),
            make_revision(revision_id="vc", rollout_id="c", tokens=10_000),
        ],
    )
    characters, engine = _rows(con, "FROM tokens_saved")
    assert (characters["compared"], engine["compared"]) == (2, 0)
    assert (characters["mean_before"], characters["median_after"]) == (200, 60)
    assert characters["saving"] == pytest.approx(1 - 120 / 400)
    assert characters["median_saving"] == pytest.approx((0.4 + 0.8) / 2)
    assert engine["accepted"] == 1
    assert engine["saving"] is engine["median_after"] is None


def test_a_rollout_counts_once_for_each_of_its_reasons(tmp_path: Path) -> None:
    con = _open(
        tmp_path,
        questions=[make_question()],
        rollouts=[make_rollout(rollout_id=f"r{n}") for n in range(4)],
        revisions=[
            make_revision(revision_id="v0", rollout_id="r0"),
            make_revision(revision_id="v1", rollout_id="r1"),
            make_rejection("hollow", "not_shorter", "hollow", revision_id="v2", rollout_id="r2"),
            make_rejection("hollow", revision_id="v3", rollout_id="r3"),
        ],
    )
    rows = _rows(con, "SELECT reason, rejected, share_of_rejected, share_of_rollouts FROM reject_reasons")
    assert [tuple(row.values()) for row in rows] == [("hollow", 2, 1.0, 0.5), ("not_shorter", 1, 0.5, 0.25)]


def test_actions_are_counted_by_the_skill_of_their_own_step(tmp_path: Path) -> None:
    steps = [make_step(n, skill_family="arithmetic" if n else "setup") for n in range(4)]
    actions = ["KEEP", "KEEP", "DELETE", "DELETE"]
    con = _open(
        tmp_path,
        revisions=[make_revision()],
        steps=[*steps, make_step(0, decomposition_id="other", skill_family="stray")],
        decisions=[make_decision(n, action=action) for n, action in enumerate(actions)],
    )
    rows = _rows(con, "SELECT skill_family, action, steps, share_of_family FROM actions_by_skill")
    assert [tuple(row.values()) for row in rows] == [
        ("arithmetic", "DELETE", 2, pytest.approx(2 / 3)),
        ("arithmetic", "KEEP", 1, pytest.approx(1 / 3)),
        ("setup", "KEEP", 1, 1.0),
    ]


def test_lengths_fall_into_bins_of_powers_of_two(tmp_path: Path) -> None:
    lengths = [(0, 0), (1, 0), (63, 32), (64, 33), (131_072, 1_024)]
    con = _open(
        tmp_path,
        rollouts=[
            make_rollout(rollout_id=f"r{n}", think_tokens=before) for n, (before, _) in enumerate(lengths)
        ],
        revisions=[
            make_revision(revision_id=f"v{n}", rollout_id=f"r{n}", think_tokens=after)
            for n, (_, after) in enumerate(lengths)
        ],
    )
    rows = _rows(con, "SELECT bin_from, bin_to, before, after FROM length_distribution")
    assert [tuple(row.values()) for row in rows] == [
        (0, 1, 1, 2),
        (1, 2, 1, 0),
        (32, 64, 1, 2),
        (64, 128, 1, 0),
        (1_024, 2_048, 0, 1),
        (131_072, 262_144, 1, 0),
    ]


def test_a_night_states_its_shares_and_the_median_of_its_savings(tmp_path: Path) -> None:
    con = _open(
        tmp_path,
        rollouts=[
            make_rollout(rollout_id="r0", total_tokens=100),
            make_rollout(rollout_id="r1", total_tokens=100),
            make_rollout(rollout_id="r2", total_tokens=100, token_counter="engine"),  # noqa: S106
            make_rollout(rollout_id="r3", verdict="different"),
        ],
        revisions=[
            make_revision(revision_id="v0", rollout_id="r0", tokens=40),
            make_revision(revision_id="v1", rollout_id="r1", tokens=20),
            make_revision(revision_id="v2", rollout_id="r2", tokens=1),
            make_rejection(revision_id="v3", rollout_id="r3"),
        ],
    )
    [row] = _rows(con, "FROM nights")
    assert (row["rollouts"], row["right_answers"], row["right_share"]) == (4, 3, 0.75)
    assert (row["accepted"], row["accepted_share"]) == (3, 0.75)
    assert row["median_saving"] == pytest.approx(0.7)


def test_a_trend_has_rows_for_nights_on_which_a_reason_rejected_none(tmp_path: Path) -> None:
    con = _open(
        tmp_path,
        revisions=[
            make_rejection("hollow", "hollow", "malformed", revision_id="v0", rollout_id="r0"),
            make_revision(revision_id="v1", rollout_id="r1"),
            make_revision(revision_id="v2", rollout_id="r2", run_date=LATER),
            make_revision(revision_id="v3", recipe="other", recipe_hash="h2"),
        ],
    )
    rows = _rows(con, "SELECT run_date, reason, rollouts, rejected, share_of_rollouts FROM reject_trend")
    assert [tuple(row.values()) for row in rows] == [
        (RUN_DATE, "hollow", 2, 1, 0.5),
        (RUN_DATE, "malformed", 2, 1, 0.5),
        (LATER, "hollow", 1, 0, 0.0),
        (LATER, "malformed", 1, 0, 0.0),
    ]


def test_normalised_lengths_are_densities_of_the_same_revisions(tmp_path: Path) -> None:
    con = _open(
        tmp_path,
        questions=[make_question()],
        rollouts=[make_rollout(rollout_id=f"r{n}", total_tokens=n) for n in range(1, 201)]
        + [make_rollout(rollout_id="e", total_tokens=9_999, token_counter="engine")],  # noqa: S106
        revisions=[
            make_revision(revision_id=f"v{n}", rollout_id=f"r{n}", tokens=n // 2) for n in range(1, 201)
        ]
        + [make_revision(revision_id="e", rollout_id="e")],
    )
    rows = _rows(con, "FROM length_density")
    assert {row["full_length"] for row in rows} == {198}  # covers 99 of 100 lengths before
    assert [sum(row[side] for row in rows) for side in ("before", "after")] == [200, 200]
    inside, beyond = rows[:-1], rows[-1]
    assert (beyond["length_from"], beyond["length_to"], beyond["before"], beyond["after"]) == (
        1.0,
        None,
        2,
        0,
    )
    assert beyond["density_before"] is None
    assert sum(row["density_before"] for row in inside) / 100 == pytest.approx(0.99)
    assert sum(row["density_after"] for row in inside) / 100 == pytest.approx(1)
    assert max(row["length_to"] for row in inside if row["after"]) == pytest.approx(0.51)  # 100 of 198


def test_a_length_of_zero_is_in_the_first_step(tmp_path: Path) -> None:
    con = _open(
        tmp_path,
        questions=[make_question()],
        rollouts=[make_rollout(total_tokens=0)],
        revisions=[make_revision(tokens=0)],
    )
    [row] = _rows(con, "FROM length_density")
    assert (row["full_length"], row["length_from"], row["before"], row["after"]) == (1, 0.0, 1, 1)
    [row] = _rows(con, "FROM answers_within_budget")
    assert (row["budget"], row["recovered_before"], row["recovered_after"]) == (1, 1.0, 1.0)


def test_a_budget_recovers_what_fits_into_it(tmp_path: Path) -> None:
    before = [1, 2, 3, 64, 65, 1_000, 4_096, 100_003]
    after = [1, 1, 2, 64, 9, 700, None, 5_000]  # the seventh is rejected
    con = _open(
        tmp_path,
        rollouts=[make_rollout(rollout_id=f"r{n}", total_tokens=tokens) for n, tokens in enumerate(before)]
        + [make_rollout(rollout_id="wrong", total_tokens=5, verdict="different")],
        revisions=[
            make_rejection(revision_id=f"v{n}", rollout_id=f"r{n}")
            if tokens is None
            else make_revision(revision_id=f"v{n}", rollout_id=f"r{n}", tokens=tokens)
            for n, tokens in enumerate(after)
        ]
        + [make_rejection(revision_id="wrong", rollout_id="wrong")],
    )
    rows = _rows(con, "FROM answers_within_budget")
    for row in rows:
        assert row["right_answers"] == 8
        assert row["recovered_before"] == sum(n <= row["budget"] for n in before) / 8
        assert row["recovered_after"] == sum(n is not None and n <= row["budget"] for n in after) / 8
    assert (rows[-1]["recovered_before"], rows[-1]["recovered_after"]) == (1.0, 7 / 8)
    budgets = [row["budget"] for row in rows]
    assert budgets == sorted(budgets)
    assert all(any(n <= budget < 1.05 * n for budget in budgets) for n in (64, 1_000, 100_003))


def test_savings_fall_into_steps_of_five_percent(tmp_path: Path) -> None:
    after = [90, 85, 86, 70, 5, 0]  # of 100
    con = _open(
        tmp_path,
        rollouts=[make_rollout(rollout_id=f"r{n}", total_tokens=100) for n in range(len(after))],
        revisions=[
            make_revision(revision_id=f"v{n}", rollout_id=f"r{n}", tokens=tokens)
            for n, tokens in enumerate(after)
        ],
    )
    rows = _rows(con, "SELECT saving_from, revisions FROM saving_distribution")
    assert [tuple(row.values()) for row in rows] == [(0.1, 2), (0.15, 1), (0.3, 1), (0.95, 1), (1.0, 1)]


def test_the_lineage_of_an_example_shows_the_original_words(tmp_path: Path) -> None:
    thinking = "𝑥 = 2 “so”. Wait, again: 𝑥 = 2."  # offsets count code points, not bytes
    cut = thinking.index("Wait")
    tables = one_of_each() | {
        "rollouts": [make_rollout(thinking=thinking)],
        "steps": [
            make_step(1, char_start=cut, char_end=len(thinking)),
            make_step(0, char_start=0, char_end=cut),
        ],
    }
    [row] = _rows(open_session(write_parts(tmp_path, tables)), "FROM example_lineage")
    assert (row["example_id"], row["question"], row["gold_answer"]) == ("e1", "What is 2 + 2?", "4")
    assert (row["rollout_think_tokens"], row["decomposition"], row["teacher"]) == (
        len(thinking),
        "skill",
        "heuristic",
    )
    assert [(s["original"], s["action"]) for s in row["steps"]] == [
        ("𝑥 = 2 “so”. ", "KEEP"),
        ("Wait, again: 𝑥 = 2.", "DELETE"),
    ]
    assert row["steps"][1]["revised_text"] is None


def test_an_example_stays_in_the_lineage_when_its_question_is_missing(tmp_path: Path) -> None:
    tables = one_of_each() | {"questions": []}
    [row] = _rows(open_session(write_parts(tmp_path, tables)), "FROM example_lineage")
    assert row["question"] is None
    assert len(row["steps"]) == 2


def test_an_undecided_answer_is_not_a_correct_one(tmp_path: Path) -> None:
    verdicts = ["equal", "different", "undecided", None]
    con = _open(
        tmp_path,
        rollouts=[make_rollout(rollout_id=f"r{n}", verdict=verdict) for n, verdict in enumerate(verdicts)],
    )
    [row] = _rows(con, "FROM students")
    assert (row["rollouts"], row["right_answers"], row["right_share"]) == (4, 1, 0.25)
    assert row["mean_think_tokens"] == len(THINKING)
