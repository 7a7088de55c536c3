"""The DAG as Airflow reads it, and whole nights through it."""

import json
import sqlite3
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from drp.config.recipe import RECIPES
from tests.fake_provider import provider
from tests.fake_provider.teachers import as_teacher
from tests.helpers.airflow_home import described, environment, run
from tests.helpers.nights import traces_file
from tests.helpers.repository import ROOT
from tests.scripted_student.server import scripted

__all__ = ["traces_file"]  # a fixture
pytestmark = pytest.mark.services


NIGHTLY = str(ROOT / "infra/run_dags_once.py")


@pytest.fixture(scope="module")
def dag(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Facts about the DAG from tests/dags/print_dag_facts.py."""
    return described("drp_nightly", tmp_path_factory.mktemp("parse"))


def test_it_parses_without_the_heavy_libraries(dag: dict[str, Any]) -> None:
    assert dag["import_errors"] == {}
    assert dag["heavy_modules"] == []


def test_one_night_at_a_time_at_one_o_clock_without_catching_up(dag: dict[str, Any]) -> None:
    assert (dag["cron"], dag["catchup"], dag["max_active_runs"]) == ("0 1 * * *", False, 1)
    assert dag["tags"] == ["corpus", "drp"]


def test_the_stages_follow_one_another(dag: dict[str, Any]) -> None:
    upstream = {name: task["upstream"] for name, task in dag["tasks"].items()}
    assert upstream == {
        "ingest": [],
        "plan": ["ingest"],
        "shard.rollout": ["plan"],
        "shard.decompose": ["plan", "shard.rollout"],
        "shard.prune": ["plan", "shard.decompose"],
        "gate": ["shard.prune"],
        "publish": ["gate"],
        "announce": ["publish"],
        "report": ["publish", "shard.prune"],
    }


def test_every_task_is_documented_and_retried_by_the_class_of_its_error(dag: dict[str, Any]) -> None:
    assert dag["doc_md"]
    for name, task in dag["tasks"].items():
        assert task["doc_md"], name
        assert task["has_retry_policy"], name
        assert task["retries"] > 0, name


def test_tasks_with_scarce_resources_use_pools(dag: dict[str, Any]) -> None:
    pools = {name: task["pool"] for name, task in dag["tasks"].items() if task["pool"] != "default_pool"}
    assert pools == {"shard.rollout": "gpu", "shard.decompose": "teacher", "shard.prune": "teacher"}


def test_the_asset_is_announced_by_one_task(dag: dict[str, Any]) -> None:
    outlets = {name: task["outlets"] for name, task in dag["tasks"].items() if task["outlets"]}
    assert outlets == {"announce": ["drp_corpus"]}


def test_parameters_are_checked_and_have_defaults_for_every_night(dag: dict[str, Any]) -> None:
    assert dag["params"] == {
        "recipe": "drp",
        "traces": None,
        "run_date": "",
        "sample_size": None,
        "backlog": False,
    }
    refused = [(name, value) for name, value, taken in dag["takes"] if not taken]
    assert refused == [
        ("recipe", "no such thing"),
        ("recipe", None),
        ("traces", ""),
        ("traces", 3),
        ("run_date", "yesterday"),
        ("run_date", None),
        ("sample_size", 0),
        ("sample_size", "all"),
        ("backlog", "some"),
    ]


def _recipe(folder: Path, change: Callable[[dict[str, Any]], None]) -> Path:
    """Write a small recipe, derived from drp.yaml."""
    recipe = yaml.safe_load((RECIPES / "drp.yaml").read_text(encoding="utf-8"))
    recipe |= scripted(60, 5)
    change(recipe)
    path = folder / "small.yaml"
    path.write_text(yaml.safe_dump(recipe), encoding="utf-8")
    return path


def _asset_events(env: dict[str, str]) -> list[dict[str, Any]]:
    with sqlite3.connect(f"{env['AIRFLOW_HOME']}/nightly.db") as database:
        return [json.loads(extra) for (extra,) in database.execute("SELECT extra FROM asset_event")]


def test_a_night_moves_the_corpus_once_and_the_asset_with_it(tmp_path: Path) -> None:
    env = environment(tmp_path)
    recipe = _recipe(tmp_path, lambda recipe: None)
    night = [sys.executable, NIGHTLY, "--recipe", str(recipe), "--run-date", "2026-11-20"]

    first = run(night, env)
    assert first.returncode == 0, first.stdout + first.stderr
    assert "published" in first.stdout
    assert _asset_events(env) == [{"corpus_version": 1, "recipe": str(recipe)}]

    again = run(night, env)
    assert again.returncode == 0, again.stdout + again.stderr
    announce = next(line for line in again.stdout.splitlines() if line.split()[:1] == ["announce"])
    assert "skipped" in announce
    assert _asset_events(env) == [{"corpus_version": 1, "recipe": str(recipe)}]


def test_a_quarantined_night_fails_has_its_report_and_ends_with_what_to_do(tmp_path: Path) -> None:
    def nothing_may_be_accepted(recipe: dict[str, Any]) -> None:
        recipe["gates"]["night"] |= {"min_rollouts": 1, "accepted_share": [0.0, 0.0]}

    env = environment(tmp_path)
    recipe = _recipe(tmp_path, nothing_may_be_accepted)
    done = run([sys.executable, NIGHTLY, "--recipe", str(recipe), "--run-date", "2026-11-20"], env)

    assert done.returncode == 1
    last = done.stderr.splitlines()[-1]
    assert last.startswith("drp: ")
    assert "quarantined" in last
    assert "Next: " in last
    assert "Traceback" not in done.stderr
    assert (tmp_path / "lake/_reports/2026-11-20-drp/report.html").is_file()
    assert _asset_events(env) == []


def test_a_night_without_work_succeeds_and_moves_nothing(tmp_path: Path) -> None:
    def only_imported_questions(recipe: dict[str, Any]) -> None:
        recipe["questions"] = [{"source": "imported", "dataset": "none", "split": "train"}]

    env = environment(tmp_path)
    recipe = _recipe(tmp_path, only_imported_questions)
    done = run([sys.executable, NIGHTLY, "--recipe", str(recipe), "--run-date", "2026-11-20"], env)

    assert done.returncode == 0, done.stdout + done.stderr
    assert _asset_events(env) == []


def test_a_night_in_batches_leaves_its_slot_and_comes_back(tmp_path: Path) -> None:
    recipe = _recipe(tmp_path, lambda recipe: None)
    with provider(batch_discount="0.5", batches={"validating_s": 1}) as server:
        ledger = f"sqlite:///{tmp_path / 'ledger.db'}"
        env = environment(tmp_path, DRP_DATABASE_URL=ledger, **as_teacher(server, tmp_path, "batch"))
        done = run([sys.executable, NIGHTLY, "--recipe", str(recipe), "--run-date", "2026-11-20"], env)
        totals = server.totals()

    assert done.returncode == 0, done.stdout + done.stderr
    assert totals["by_mode"].keys() == {"batch"}
    assert (totals["billed"], totals["paid_twice"]) == (totals["asked"], 0)
    with sqlite3.connect(f"{env['AIRFLOW_HOME']}/nightly.db") as database:
        deferred = database.execute("SELECT task_id FROM task_instance WHERE trigger_id IS NOT NULL")
        assert deferred.fetchall() == [("shard.decompose",)]


def test_a_spent_budget_ends_with_the_command_that_goes_on(
    tmp_path: Path, traces_file: Callable[..., str]
) -> None:
    recipe, traces = _recipe(tmp_path, lambda recipe: None), traces_file("t.parquet", slice(0, 30))
    night = ["--traces", traces, "--recipe", str(recipe), "--run-date", "2026-11-20", "--backlog", "1"]
    with provider() as server:
        ledger = f"sqlite:///{tmp_path / 'ledger.db'}"
        poor = as_teacher(server, tmp_path, "online") | {"DRP_BUDGET_USD": "0"}
        env = environment(tmp_path, DRP_DATABASE_URL=ledger, **poor)
        done = run([sys.executable, NIGHTLY, *night], env)
        asked = server.totals()["asked"]

    assert (done.returncode, asked) == (1, 0)
    words = done.stderr.splitlines()[-1].partition("Next: ")[2].split()
    assert words[0].startswith("DRP_BUDGET_USD=0.")
    assert words[1:] == ["drp", "nightly", *night[:-1]]


def test_a_file_that_is_not_there_is_refused_in_one_line(tmp_path: Path) -> None:
    env = environment(tmp_path)
    done = run([sys.executable, NIGHTLY, "--traces", "no-such-file.parquet"], env)

    assert done.returncode == 1
    assert "no-such-file.parquet" in done.stderr.splitlines()[-1]
    assert "Traceback" not in done.stderr
