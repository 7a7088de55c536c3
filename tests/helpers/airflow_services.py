"""Airflow as started by `make up`, with a separate home folder, and its UI actions through the API."""

import json
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import psutil

from tests.helpers.airflow_home import environment, run
from tests.helpers.repository import ROOT

NIGHT_LIMIT_S = 900
_DAG = "/api/v2/dags/drp_nightly"


@dataclass
class Airflow:
    """A running Airflow with the token of its admin."""

    url: str
    folder: Path
    env: dict[str, str]
    password: str = ""
    token: str = ""

    def up(self) -> str:
        """Run `make up` and return its output."""
        started = self._services("up")
        assert started.returncode == 0, started.stdout + started.stderr
        assert "was not loaded" not in started.stderr
        return started.stdout

    def log_in(self) -> None:
        """Log in with the password that `up` generated."""
        passwords = self.folder / "airflow/simple_auth_manager_passwords.json.generated"
        self.password = json.loads(passwords.read_text())["admin"]
        status, body = self.call("POST", "/auth/token", {"username": "admin", "password": self.password})
        assert status == 201, body
        self.token = json.loads(body)["access_token"]

    def down(self) -> None:
        """Run `make down` twice, and check that no process remains."""
        keeper = self.keeper
        for _ in range(2):
            stopped = self._services("down")
            assert stopped.returncode == 0, stopped.stderr
            assert session(keeper) == []

    def _services(self, command: str) -> subprocess.CompletedProcess[str]:
        return run([sys.executable, str(ROOT / "infra/services.py"), command], self.env)

    @property
    def keeper(self) -> int:
        """Pid of the session leader of all Airflow processes."""
        return int(json.loads((self.folder / "airflow/services.json").read_text())["pid"])

    def call(self, method: str, path: str, body: Any = None, *, anonymous: bool = False) -> tuple[int, str]:
        """Send a request and return its status and body."""
        headers = {"Content-Type": "application/json"}
        if not anonymous:
            headers["Authorization"] = f"Bearer {self.token}"
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.url + path, data, headers, method=method)  # noqa: S310
        try:
            with urllib.request.urlopen(request, timeout=120) as response:  # noqa: S310
                return response.status, response.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()

    def get(self, path: str) -> Any:
        """Return the JSON at `path`."""
        status, body = self.call("GET", path)
        assert status == 200, body
        return json.loads(body)

    def trigger(self, **conf: Any) -> str:
        """Start a night and return its run id."""
        status, answer = self.call("POST", f"{_DAG}/dagRuns", {"logical_date": None, "conf": conf})
        assert status == 200, answer
        return str(json.loads(answer)["dag_run_id"])

    def state(self, run_id: str) -> str:
        """Return the state of a night."""
        return str(self.get(f"{_DAG}/dagRuns/{quote(run_id)}")["state"])

    def tasks(self, run_id: str) -> list[dict[str, Any]]:
        """Return the task instances of a night."""
        page = self.get(f"{_DAG}/dagRuns/{quote(run_id)}/taskInstances")
        instances: list[dict[str, Any]] = page["task_instances"]
        return instances

    def clear(self, run_id: str, task_id: str) -> None:
        """Clear a task and all tasks downstream, so that they run again."""
        body = {"dag_run_id": run_id, "task_ids": [task_id], "only_failed": False, "dry_run": False}
        body |= {"include_downstream": True, "reset_dag_runs": True}
        status, answer = self.call("POST", f"{_DAG}/clearTaskInstances", body)
        assert status == 200, answer

    def fail(self, run_id: str, task: dict[str, Any]) -> None:
        """Mark a task as failed."""
        path = f"{_DAG}/dagRuns/{quote(run_id)}/taskInstances/{task['task_id']}/{task['map_index']}"
        status, answer = self.call("PATCH", path, {"new_state": "failed"})
        assert status == 200, answer

    def wait(self, until: Callable[[], Any], what: str) -> Any:
        """Poll `until` and return its first true value."""
        deadline = time.monotonic() + NIGHT_LIMIT_S
        while not (value := until()):
            assert time.monotonic() < deadline, f"not in {NIGHT_LIMIT_S} s: {what}"
            time.sleep(0.5)
        return value

    def ended(self, run_id: str) -> str:
        """Wait for the end of a night and return its state."""

        def end() -> str | None:
            state = self.state(run_id)
            return state if state in {"success", "failed"} else None

        return str(self.wait(end, "the end of the night"))


@contextmanager
def airflow(folder: Path, **env: str) -> Iterator[Airflow]:
    """Start Airflow for the block, and stop it afterwards."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    server = Airflow(f"http://localhost:{port}", folder, environment(folder, PORT=str(port), **env))
    try:
        server.up()
        server.log_in()
        yield server
    finally:
        server.down()


def session(leader: int) -> list[psutil.Process]:
    """Return the living processes in the session of `leader`."""
    members = []
    for process in psutil.process_iter(["status"]):
        if session_of(process.pid) == leader and process.info["status"] != psutil.STATUS_ZOMBIE:
            members.append(process)
    return members


def session_of(pid: int) -> int:
    """Return the session leader of a process; 0 if it has ended."""
    try:
        return os.getsid(pid)
    except ProcessLookupError:
        return 0
