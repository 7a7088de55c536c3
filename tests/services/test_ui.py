"""Airflow as `make up` starts it: its UI in headless Chromium, its doors, and a whole night through it.

Needs Chromium, Node and playwright-core, which `make test-services` installs.
"""

import json
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import psutil
import pytest

from tests.airflow_home import ROOT, environment, run

NIGHT_LIMIT_S = 900


@dataclass
class Airflow:
    """A running Airflow with the token of its admin."""

    url: str
    password: str
    token: str
    folder: Path

    def call(self, method: str, path: str, body: Any = None, *, anonymous: bool = False) -> tuple[int, str]:
        """Status and body of one request."""
        headers = {"Content-Type": "application/json"}
        if not anonymous:
            headers["Authorization"] = f"Bearer {self.token}"
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.url + path, data, headers, method=method)  # noqa: S310
        try:
            with urllib.request.urlopen(request, timeout=120) as answer:  # noqa: S310
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()

    def get(self, path: str) -> Any:
        """The JSON of a page."""
        status, body = self.call("GET", path)
        assert status == 200, body
        return json.loads(body)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _services(env: dict[str, str], command: str) -> subprocess.CompletedProcess[str]:
    return run([sys.executable, str(ROOT / "infra/services.py"), command], env)


@pytest.fixture(scope="module")
def airflow(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Airflow]:
    """Airflow, up; down again afterwards, with no process left."""
    folder = tmp_path_factory.mktemp("up")
    port = _free_port()
    env = environment(folder, PORT=str(port))
    try:
        started = _services(env, "up")
        assert started.returncode == 0, started.stdout + started.stderr
        url = f"http://localhost:{port}"
        assert url in started.stdout
        assert "was not loaded" not in started.stderr
        again = _services(env, "up")
        assert (again.returncode, "Starting" in again.stdout) == (0, False)

        passwords = folder / "airflow/simple_auth_manager_passwords.json.generated"
        assert str(passwords) in started.stdout
        assert passwords.stat().st_mode & 0o077 == 0 or passwords.parent.stat().st_mode & 0o077 == 0
        password = json.loads(passwords.read_text())["admin"]
        server = Airflow(url, password, "", folder)
        status, body = server.call("POST", "/auth/token", {"username": "admin", "password": password})
        assert status == 201, body
        server.token = json.loads(body)["access_token"]
        yield server
    finally:
        keeper = json.loads((folder / "airflow/services.json").read_text())["pid"]
        stopped = _services(env, "down")
        left = [
            process.info
            for process in psutil.process_iter(["name", "status"])
            if _session_of(process.pid) == keeper and process.info["status"] != psutil.STATUS_ZOMBIE
        ]
    assert stopped.returncode == 0, stopped.stderr
    assert left == []
    assert _services(env, "down").returncode == 0


def _session_of(pid: int) -> int:
    try:
        return os.getsid(pid)
    except ProcessLookupError:
        return 0


@pytest.fixture(scope="module")
def night(airflow: Airflow) -> str:
    """The id of a run that was triggered by hand and has ended."""
    assert airflow.get("/api/v2/dags/drp_nightly")["is_paused"] is False
    assert airflow.get("/api/v2/dags/drp_nightly/dagRuns")["total_entries"] == 0, "it ran by itself"
    body = {"logical_date": None, "conf": {"run_date": "2026-11-20"}}
    status, answer = airflow.call("POST", "/api/v2/dags/drp_nightly/dagRuns", body)
    assert status == 200, answer
    run_id: str = json.loads(answer)["dag_run_id"]
    deadline = time.monotonic() + NIGHT_LIMIT_S
    while time.monotonic() < deadline:
        state = airflow.get(f"/api/v2/dags/drp_nightly/dagRuns/{quote(run_id)}")["state"]
        if state in {"success", "failed"}:
            return run_id
        time.sleep(2)
    pytest.fail(f"the night did not end in {NIGHT_LIMIT_S} s")


def test_every_task_of_the_night_succeeds_in_the_executor(airflow: Airflow, night: str) -> None:
    tasks = airflow.get(f"/api/v2/dags/drp_nightly/dagRuns/{quote(night)}/taskInstances")["task_instances"]
    succeeded = sorted(task["task_id"] for task in tasks if task["state"] == "success")
    once = ["announce", "gate", "ingest", "plan", "publish", "report"]
    assert succeeded == [*once, "shard.decompose", "shard.prune", "shard.rollout"]
    shards = {task["rendered_map_index"] for task in tasks if task["map_index"] >= 0}
    assert all(len(shard) == 12 for shard in shards), "the UI shows the shard's name"


def test_the_asset_tells_the_new_version(airflow: Airflow, night: str) -> None:
    events = airflow.get("/api/v2/assets/events")["asset_events"]
    assert [(event["name"], event["extra"]) for event in events] == [("drp_corpus", {"corpus_version": 1})]


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
    keeper = json.loads((airflow.folder / "airflow/services.json").read_text())["pid"]
    listening = {
        connection.laddr.ip
        for connection in psutil.net_connections("inet")
        if connection.status == psutil.CONN_LISTEN and _session_of(connection.pid or 0) == keeper
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
