"""The DAG as Airflow reads it."""

from typing import Any

import pytest

from tests.helpers.airflow_home import described

pytestmark = pytest.mark.services


@pytest.fixture(scope="module")
def dag(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Facts about the DAG from tests/dags/print_dag_facts.py."""
    return described("drp_champion", tmp_path_factory.mktemp("parse"))


def test_it_parses_without_the_heavy_libraries(dag: dict[str, Any]) -> None:
    assert dag["import_errors"] == {}
    assert dag["heavy_modules"] == []


def test_it_looks_every_five_minutes_and_updates_the_asset_of_the_training(dag: dict[str, Any]) -> None:
    assert dag["cron"] == "*/5 * * * *"
    assert (dag["catchup"], dag["max_active_runs"]) == (False, 1)
    assert {name: task["outlets"] for name, task in dag["tasks"].items()} == {"announce": ["drp_checkpoint"]}
    assert dag["tasks"]["announce"]["has_retry_policy"]
