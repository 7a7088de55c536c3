"""The job that is killed: `drp`, or the DAG as `make nightly` runs it, with shards so small that a night has
several.

It runs in a process forked from one that has imported the heavy libraries: random moments then fall into the
work, not into ten seconds of imports, and twenty kills take a minute or two.
"""

import logging
import multiprocessing
import os
import runpy
import sys
from collections.abc import Mapping, Sequence
from multiprocessing.process import BaseProcess
from pathlib import Path

import psutil

from drp.cli.main import main
from drp.stages import plan
from tests.helpers.repository import ROOT

ROWS_PER_SHARD = 8
FINISHED = "finished"
"""Begins the line that the log has of every finished shard."""

_FORKS = multiprocessing.get_context("forkserver")
_FORKS.set_forkserver_preload([__name__, "drp.pipeline.nightly", "great_expectations"])


def start(program: str, arguments: Sequence[str], env: Mapping[str, str], log: Path) -> BaseProcess:
    """Start `drp` or infra/run_dags_once.py in a new session; its output goes to `log`."""
    process = _FORKS.Process(target=_run, args=(program, list(arguments), dict(env), log))
    process.start()
    return process


def session(pid: int) -> list[int]:
    """Living processes of the session that `pid` leads."""
    members = []
    for process in psutil.process_iter(["status"]):
        try:
            if os.getsid(process.pid) == pid and process.info["status"] != psutil.STATUS_ZOMBIE:
                members.append(process.pid)
        except ProcessLookupError:
            pass
    return members


def _run(program: str, arguments: list[str], env: dict[str, str], log: Path) -> None:
    os.setsid()
    os.nice(5)
    os.environ.clear()
    os.environ.update(env)
    with log.open("ab") as stream:
        os.dup2(stream.fileno(), 1)
        os.dup2(stream.fileno(), 2)
    handler = logging.FileHandler(log)
    handler.setFormatter(logging.Formatter(f"{FINISHED} %(message)s"))
    runs = logging.getLogger("drp.lake.runs")
    runs.addHandler(handler)
    runs.setLevel(logging.INFO)
    plan.ROWS_PER_SHARD = ROWS_PER_SHARD
    sys.argv = [program, *arguments]
    if program == "airflow":
        sys.path.insert(0, str(ROOT / "infra"))
        runpy.run_path(str(ROOT / "infra/run_dags_once.py"), run_name="__main__")
    main()
