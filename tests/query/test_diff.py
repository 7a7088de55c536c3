"""The difference between two versions counts rows by id and content, and verdicts by reason."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from drp.cli.main import app
from drp.lake.lake import Lake, open_lake
from drp.lake.versions import UnknownVersionError
from drp.query.version_diff import Difference, RowChange, VerdictChange, difference
from tests.helpers.lake_runs import publish
from tests.helpers.row_factories import (
    make_decision,
    make_question,
    make_rejection,
    make_revision,
    make_rollout,
)
from tests.helpers.servers import forget


@pytest.fixture
def lake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("DRP_LAKE", str(tmp_path / "lake"))
    forget()
    yield open_lake()
    forget()


def diff(lake: Lake, old: int, new: int) -> Difference:
    return difference(lake, lake.corpus.read(old), lake.corpus.read(new))


def test_a_version_does_not_differ_from_itself(lake):
    publish(lake, "2026-11-20-drp", {"questions": [make_question()]})
    assert diff(lake, 1, 1) == diff(lake, 0, 0) == Difference([], [])


def test_the_first_version_adds_all_its_rows(lake):
    publish(lake, "2026-11-20-drp", {"questions": [make_question()], "rollouts": [make_rollout()]})
    assert diff(lake, 0, 1).rows == [RowChange("questions", 1, 0, 0), RowChange("rollouts", 1, 0, 0)]
    assert diff(lake, 1, 0).rows == [RowChange("questions", 0, 1, 0), RowChange("rollouts", 0, 1, 0)]


def test_rows_are_added_dropped_and_changed_by_id(lake):
    first = [make_question(question_id=i) for i in ("same", "other text", "gone", "gone too")]
    publish(lake, "2026-11-20-drp", {"questions": first}, shard="s1")
    second = [
        make_question(question_id="same"),
        make_question(question_id="other text", question="What?"),
        *(make_question(question_id=f"new {i}") for i in range(3)),
    ]
    publish(lake, "2026-11-20-drp", {"questions": second}, shard="s2")
    assert diff(lake, 1, 2).rows == [RowChange("questions", added=3, dropped=2, changed=1)]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({"seed": None}, {"seed": 0}),
        ({"predicted_answer": None}, {"predicted_answer": ""}),
        ({"thinking": "ab", "response": "c"}, {"thinking": "a", "response": "bc"}),
        ({"is_degenerate": False}, {"is_degenerate": True}),
    ],
)
def test_any_column_makes_a_change_also_from_and_to_null(lake, before, after):
    fixed = {"think_tokens": 1, "total_tokens": 2}
    publish(lake, "2026-11-20-drp", {"rollouts": [make_rollout(**before, **fixed)]}, shard="s1")
    publish(lake, "2026-11-20-drp", {"rollouts": [make_rollout(**after, **fixed)]}, shard="s2")
    assert diff(lake, 1, 2).rows == [RowChange("rollouts", 0, 0, 1)]


def test_lists_make_a_change_too(lake):
    for shard, merged in [("s1", []), ("s2", [1, 2])]:
        decisions = [make_decision(merged_with=merged)]
        publish(lake, "2026-11-20-drp", {"decisions": decisions}, shard=shard)
    assert diff(lake, 1, 2).rows == [RowChange("decisions", 0, 0, 1)]


def test_rows_that_were_written_again_are_not_a_change(lake):
    for shard in ("s1", "s2"):
        publish(lake, "2026-11-20-drp", {"questions": [make_question()]}, shard=shard)
    assert lake.corpus.numbers() == [1, 2]
    assert diff(lake, 1, 2) == Difference([], [])


def test_rows_that_another_night_has_published_are_not_a_change(lake):
    publish(lake, "2026-11-20-drp", {"questions": [make_question(question_id="q1")]})
    publish(lake, "2026-11-21-drp", {"questions": [make_question(question_id="q2")]})
    publish(lake, "2026-11-22-drp", {"questions": [make_question(question_id="q3")]})
    assert diff(lake, 1, 2).rows == [RowChange("questions", 1, 0, 0)]
    assert diff(lake, 1, 3).rows == [RowChange("questions", 2, 0, 0)]
    assert diff(lake, 3, 2).rows == [RowChange("questions", 0, 1, 0)]


def revisions(first: list[str], second: list[str]):
    """Return one accepted revision, and two that were rejected for these reasons."""
    return {
        "revisions": [
            make_revision(revision_id="v0", rollout_id="r0"),
            make_rejection(*first, revision_id="v1", rollout_id="r1"),
            make_rejection(*second, revision_id="v2", rollout_id="r2"),
        ]
    }


def test_verdicts_change_by_recipe_and_reason(lake):
    publish(lake, "2026-11-20-drp", revisions(["hollow"], ["rollout_wrong"]), shard="s1")
    publish(lake, "2026-11-20-drp", revisions(["hollow"], ["hollow", "not_shorter", "hollow"]), shard="s2")
    found = diff(lake, 1, 2)
    assert found.rows == [RowChange("revisions", 0, 0, 1)]
    assert found.verdicts == [
        VerdictChange("drp", "hollow", 1, 2),
        VerdictChange("drp", "not_shorter", 0, 1),
        VerdictChange("drp", "rollout_wrong", 1, 0),
    ]


def test_a_revision_that_is_accepted_now_is_counted_on_both_sides(lake):
    for shard, row in [("s1", make_rejection("hollow", revision_id="v")), ("s2", make_revision())]:
        publish(lake, "2026-11-20-drp", {"revisions": [row | {"revision_id": "v"}]}, shard=shard)
    assert diff(lake, 1, 2) == Difference(
        [RowChange("revisions", 0, 0, 1)],
        [VerdictChange("drp", "accepted", 0, 1), VerdictChange("drp", "hollow", 1, 0)],
    )


def test_the_command_compares_the_current_version_with_its_parent_by_default(lake):
    def command(*words: str) -> str:
        done = CliRunner().invoke(app, ["corpus", "diff", *words], catch_exceptions=False)
        assert done.exit_code == 0
        return done.output

    assert "version 0 to 0" in command()
    publish(lake, "2026-11-20-drp", revisions(["hollow"], ["rollout_wrong"]), shard="s1")
    publish(lake, "2026-11-20-drp", revisions(["hollow"], ["hollow"]), shard="s2")
    shown = command()
    assert "version 1 to 2, published by 2026-11-20-drp" in shown
    assert [line.split("│")[1:-1] for line in shown.splitlines() if "│ hollow" in line] == [
        [" drp    ", " hollow        ", " 1      ", " 2     ", " +1     "]
    ]
    lake.corpus.rollback(1)
    assert "version 0 to 1" in command()
    assert "version 0 to 2" in command("0", "2")
    assert "version 2 to 1" in command("2")


@pytest.mark.parametrize("words", [["7"], ["1", "7"], ["0", "--", "-1"]])
def test_an_unknown_version_is_refused(lake, words):
    publish(lake, "2026-11-20-drp", {"questions": [make_question()]})
    done = CliRunner().invoke(app, ["corpus", "diff", *words])
    assert isinstance(done.exception, UnknownVersionError)
    assert "there is no version" in str(done.exception)
    assert "drp corpus list" in str(done.exception)
