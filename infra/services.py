"""Airflow in the background of this machine, its UI on localhost: what `make up` and `make down` run.

. infra/airflow.env.sh && python infra/services.py up     # returns when the UI answers and the DAGs are there
. infra/airflow.env.sh && python infra/services.py down   # stops all of it
"""

import fcntl
import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import IO

import psutil

ROOT = Path(__file__).resolve().parent.parent
HOME = Path(os.environ["AIRFLOW_HOME"])
AIRFLOW = Path(sys.executable).with_name("airflow")
LOG = HOME / "services.log"
STATE = HOME / "services.json"
PASSWORDS = HOME / "simple_auth_manager_passwords.json.generated"
COMPONENTS = (
    ["api-server"],
    ["dag-processor"],
    ["scheduler", "--skip-serve-logs"],
    ["triggerer", "--skip-serve-logs"],
)
"""No log servers: they would listen on every interface, and the UI reads the log files itself."""

START_LIMIT_S = 300
STOP_LIMIT_S = 30


@dataclass(frozen=True)
class Keeper:
    """The parent of Airflow's processes: leader of a session that nothing it starts leaves."""

    pid: int
    url: str

    def session(self) -> list[psutil.Process]:
        """Living processes of the session."""
        members = []
        for process in psutil.process_iter(["status"]):
            with suppress(ProcessLookupError):
                if os.getsid(process.pid) == self.pid and process.info["status"] != psutil.STATUS_ZOMBIE:
                    members.append(process)
        return members

    def kill(self) -> None:
        """End the whole session at once."""
        for process in self.session():
            with suppress(psutil.NoSuchProcess):
                process.kill()


def up() -> int:
    """Start what is not running, and wait until it can be used."""
    HOME.mkdir(exist_ok=True)
    HOME.chmod(0o700)  # passwords and keys are in there
    with _lock() as lock:
        if _taken(lock):
            _end_orphans()
            port = int(os.environ["AIRFLOW__API__PORT"])
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    return _refuse(
                        f"port {port} is taken", "Nothing was started", f"make up PORT={port + 10}"
                    )
            print("Starting Airflow (a minute or two the first time) ...", flush=True)
            _start(lock)
    return _wait_until_usable()


def keep() -> int:
    """Be the keeper, until one of Airflow's processes ends or `down` asks to stop."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    children = [subprocess.Popen([AIRFLOW, *component]) for component in COMPONENTS]  # noqa: S603
    try:
        while all(child.poll() is None for child in children):
            time.sleep(1)
        return 1
    finally:
        for child in children:
            child.terminate()
        for child in children:
            child.wait()


def down() -> int:
    """Stop Airflow and whatever it started. What a stage has finished is kept; it goes on from there."""
    if not STATE.exists():
        print("Airflow was not up.")
        return 0
    with _lock() as lock:
        if _taken(lock):
            _end_orphans()
        else:
            keeper = _keeper()
            os.kill(keeper.pid, signal.SIGTERM)
            _wait_for(lambda: not keeper.session(), STOP_LIMIT_S)
            keeper.kill()
    STATE.unlink()
    print("Airflow is down.")
    return 0


def _start(lock: IO[str]) -> None:
    from airflow.configuration import write_default_airflow_configuration_if_needed
    from airflow_database import prepare

    write_default_airflow_configuration_if_needed()  # the secrets that the components share
    prepare()
    with LOG.open("wb") as log:
        keeper = subprocess.Popen(  # noqa: S603
            [sys.executable, __file__, "keep"],
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
            pass_fds=[lock.fileno()],  # it holds the lock from now on, as long as it lives
        )
    STATE.write_text(json.dumps(asdict(Keeper(keeper.pid, os.environ["AIRFLOW__API__BASE_URL"]))))


def _lock() -> IO[str]:
    return (HOME / "services.lock").open("w")


def _taken(lock: IO[str]) -> bool:
    """Take the lock that a keeper holds while it lives; False if one does."""
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _keeper() -> Keeper:
    return Keeper(**json.loads(STATE.read_text()))


def _end_orphans() -> None:
    """End what a killed keeper left. (A living process of its number is another's: it has no lock.)"""
    if STATE.exists() and not psutil.pid_exists(_keeper().pid):
        _keeper().kill()


def _wait_until_usable() -> int:
    """Wait for the UI, the scheduler and the DAGs, and print where to look."""
    keeper = _keeper()
    started = datetime.fromtimestamp(psutil.Process(keeper.pid).create_time(), UTC)
    _wait_for(
        lambda: not psutil.pid_exists(keeper.pid) or (_answers(keeper) and _dags_are_read(started)),
        START_LIMIT_S,
    )
    if not (_answers(keeper) and _dags_are_read(started)):
        print(*LOG.read_text(errors="replace").splitlines()[-20:], sep="\n", file=sys.stderr)
        return _refuse("Airflow did not start", f"Its log is {LOG}", "make down, then make up")
    from airflow.models.errors import ParseImportError
    from airflow.utils.session import create_session
    from sqlalchemy import select

    with create_session() as session:
        for error in session.scalars(select(ParseImportError)):
            print(f"{error.filename} was not loaded:\n{error.stacktrace}", file=sys.stderr)
    print(f"Airflow is up: {keeper.url}  user admin, password in {PASSWORDS}")
    print("The DAG drp_nightly is switched on: it runs at 01:00 UTC, and whenever you trigger it.")
    print("`make down` stops it.")
    return 0


def _answers(keeper: Keeper) -> bool:
    try:
        with urllib.request.urlopen(f"{keeper.url}/api/v2/monitor/health", timeout=5) as answer:  # noqa: S310
            health = json.load(answer)
    except OSError:
        return False
    parts = ("metadatabase", "scheduler", "dag_processor", "triggerer")
    return all(health[part]["status"] == "healthy" for part in parts)


def _dags_are_read(since: datetime) -> bool:
    """Whether every DAG file was read since then, or has failed to be."""
    from airflow.models.dag import DagModel
    from airflow.models.errors import ParseImportError
    from airflow.utils.session import create_session
    from sqlalchemy import select

    with create_session() as session:
        read = {
            dag.fileloc for dag in session.scalars(select(DagModel).where(DagModel.last_parsed_time > since))
        }
        failed = {error.filename for error in session.scalars(select(ParseImportError))}
    return all(str(p) in read or p.name in failed for p in (ROOT / "dags").glob("*.py"))


def _wait_for(condition: Callable[[], bool], seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.5)


def _refuse(problem: str, state: str, command: str) -> int:
    print(f"make up: {problem}. {state}. Next: {command}", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit({"up": up, "keep": keep, "down": down}[sys.argv[1]]())
