"""The DAG as Airflow reads it."""

from typing import Any

import pytest

from tests.helpers.airflow_home import described

pytestmark = pytest.mark.services


@pytest.fixture(scope="module")
def dag(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Facts about the DAG from tests/dags/print_dag_facts.py."""
    return described("drp_train_eval", tmp_path_factory.mktemp("parse"))


def test_it_parses_without_the_heavy_libraries(dag: dict[str, Any]) -> None:
    assert dag["import_errors"] == {}
    assert dag["heavy_modules"] == []


def test_the_stages_follow_one_another(dag: dict[str, Any]) -> None:
    upstream = {name: task["upstream"] for name, task in dag["tasks"].items()}
    assert upstream == {
        "prepare": [],
        "train": ["prepare"],
        "benchmarks": ["prepare", "train"],
        "evaluate": ["benchmarks"],
        "compare": ["evaluate", "prepare"],
        "register": ["compare", "prepare"],
        "gatekeeper": ["register"],
        "approve": ["gatekeeper"],
        "promote": ["approve", "compare", "gatekeeper"],
        "report": ["prepare", "promote"],
    }


def test_what_needs_a_gpu_asks_for_it_through_the_pool(dag: dict[str, Any]) -> None:
    pools = {name for name, task in dag["tasks"].items() if task["pool"] == "gpu"}
    assert pools == {"train", "evaluate"}


def test_the_asset_is_a_new_champions(dag: dict[str, Any]) -> None:
    outlets = {name: task["outlets"] for name, task in dag["tasks"].items() if task["outlets"]}
    assert outlets == {"promote": ["drp_checkpoint"]}


def test_errors_decide_on_retries(dag: dict[str, Any]) -> None:
    assert all(task["has_retry_policy"] and task["retries"] for task in dag["tasks"].values())


def test_parameters_are_checked(dag: dict[str, Any]) -> None:
    assert dag["params"] == {"recipe": "", "run_date": "", "corpus_version": None, "approval": False}
    refused = [(name, value) for name, value, taken in dag["takes"] if not taken]
    assert refused == [
        ("recipe", "no such thing"),
        ("recipe", None),
        ("run_date", "yesterday"),
        ("run_date", None),
        ("corpus_version", 0),
        ("approval", "no"),
    ]
