"""Airflow set up as by the Makefile, with a separate home folder, for the tests that run it."""

import json
import os
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]


def environment(folder: Path, **more: str) -> dict[str, str]:
    """Return the environment that infra/airflow.env.sh sets, with Airflow's home and the lake in `folder`."""
    home = {"DRP_AIRFLOW_HOME": str(folder / "airflow"), "DRP_LAKE": str(folder / "lake"), **more}
    (folder / "airflow").mkdir(parents=True, exist_ok=True)
    script = f". {shlex.quote(str(ROOT / 'infra/airflow.env.sh'))} && env -0"
    done = subprocess.run(["bash", "-c", script], env=os.environ | home, capture_output=True, check=True)
    variables = dict(pair.split("=", 1) for pair in done.stdout.decode().split("\0") if pair)
    return variables | {"PYTHONPATH": str(ROOT)}


def run(program: list[str], env: dict[str, str], limit_s: float = 600) -> subprocess.CompletedProcess[str]:
    """Run a program in the repository's root and capture its output."""
    return subprocess.run(
        program, env=env, cwd=ROOT, capture_output=True, text=True, timeout=limit_s, check=False
    )


def described(dag: str, folder: Path) -> dict[str, Any]:
    """Return the facts that tests/dags/print_dag_facts.py prints about a DAG."""
    env = environment(folder)
    program = str(ROOT / "tests/dags/print_dag_facts.py")
    done = run([sys.executable, program, env["AIRFLOW__CORE__DAGS_FOLDER"], dag], env)
    assert done.returncode == 0, done.stderr
    facts: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return facts
