"""Airflow as `make up` starts it: its UI in headless Chromium, its doors, and a whole night through it.

Needs Chromium, Node and playwright-core, which `make test-services` installs.
"""

import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import psutil
import pytest
import yaml

from drp.config.recipe import RECIPES
from tests.helpers.airflow_home import run
from tests.helpers.airflow_services import Airflow, session_of
from tests.helpers.airflow_services import airflow as running
from tests.scripted_student.server import scripted

pytestmark = pytest.mark.services


@pytest.fixture(scope="module")
def airflow(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Airflow]:
    """Airflow, up; down again afterwards, with no process left."""
    with running(tmp_path_factory.mktemp("up")) as server:
        again = server.up()
        assert server.url in again
        assert "Starting" not in again
        passwords = server.folder / "airflow/simple_auth_manager_passwords.json.generated"
        assert str(passwords) in again
        assert passwords.stat().st_mode & 0o077 == 0 or passwords.parent.stat().st_mode & 0o077 == 0
        yield server


@pytest.fixture(scope="module")
def recipe(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A small recipe whose student is a script: its nights train nothing."""
    document = yaml.safe_load((RECIPES / "drp.yaml").read_text(encoding="utf-8"))
    path = tmp_path_factory.mktemp("recipe") / "drp.yaml"
    path.write_text(yaml.safe_dump(document | scripted(200, 0)), encoding="utf-8")
    return str(path)


@pytest.fixture(scope="module")
def night(airflow: Airflow, recipe: str) -> str:
    """The id of a run that was triggered by hand and has ended."""
    assert airflow.get("/api/v2/dags/drp_nightly")["is_paused"] is False
    assert airflow.get("/api/v2/dags/drp_nightly/dagRuns")["total_entries"] == 0, "it ran by itself"
    run_id = airflow.trigger(run_date="2026-11-20", recipe=recipe)
    airflow.ended(run_id)
    return run_id


def test_every_task_of_the_night_succeeds_in_the_executor(airflow: Airflow, night: str) -> None:
    tasks = airflow.tasks(night)
    succeeded = sorted(task["task_id"] for task in tasks if task["state"] == "success")
    once = ["announce", "gate", "ingest", "plan", "publish", "report"]
    assert succeeded == [*once, "shard.decompose", "shard.prune", "shard.rollout"]
    shards = {task["rendered_map_index"] for task in tasks if task["map_index"] >= 0}
    assert all(len(shard) == 12 for shard in shards), "the UI shows the shard's name"


def test_the_asset_tells_the_new_version(airflow: Airflow, night: str, recipe: str) -> None:
    events = airflow.get("/api/v2/assets/events")["asset_events"]
    assert [(event["name"], event["extra"]) for event in events] == [
        ("drp_corpus", {"corpus_version": 1, "recipe": recipe})
    ]


def test_wrong_parameters_are_refused(airflow: Airflow) -> None:
    for conf in ({"sample_size": 0}, {"run_date": "yesterday"}, {"traces": 3}, {"recipe": "no such thing"}):
        status, answer = airflow.call(
            "POST", "/api/v2/dags/drp_nightly/dagRuns", {"logical_date": None, "conf": conf}
        )
        assert status == 400, f"{conf}: {answer}"


def test_nothing_answers_without_login_and_nothing_beyond_this_machine(airflow: Airflow, night: str) -> None:
    report = f"/drp-report/drp_nightly/{quote(night)}/report.html"
    for path in ("/api/v2/dags", report):
        assert airflow.call("GET", path, anonymous=True)[0] == 401, path
    assert airflow.call("GET", report)[0] == 200
    listening = {
        connection.laddr.ip
        for connection in psutil.net_connections("inet")
        if connection.status == psutil.CONN_LISTEN and session_of(connection.pid or 0) == airflow.keeper
    }
    assert listening == {"127.0.0.1"}


def test_the_report_s_folder_is_all_that_is_served(airflow: Airflow, night: str) -> None:
    pages = f"/drp-report/drp_nightly/{quote(night)}"
    assert airflow.call("GET", f"{pages}/data-docs/index.html")[0] == 200
    for path in ("..%2f..%2fdrp.db", "%2e%2e/%2e%2e/_manifests/1.json", "nothing.html"):
        assert airflow.call("GET", f"{pages}/{path}")[0] == 404, path
    assert airflow.call("GET", "/drp-report/drp_nightly/no-such-run/report.html")[0] == 404


def test_a_person_sees_a_green_graph_and_the_report(airflow: Airflow, night: str, tmp_path: Path) -> None:
    node = shutil.which("node")
    assert node, "run make test-services, which installs what this needs"
    script = [node, "infra/screenshot.mjs", "build/node", airflow.url, airflow.password, night, str(tmp_path)]
    done = run(script, dict(os.environ))
    assert done.returncode == 0, done.stderr
    seen = json.loads(done.stdout)

    assert seen["errors"] == []
    assert "Import Error" not in seen["dags"]
    for task in ("ingest", "plan", "rollout", "decompose", "prune", "gate", "publish", "announce", "report"):
        assert task in seen["graph"]
    assert "failed" not in seen["graph"]
    assert "2026-11-20-drp" in seen["report"]
    assert "Published" in seen["report"]
    assert (tmp_path / "airflow-run.png").stat().st_size > 20_000
