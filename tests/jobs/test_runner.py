"""Jobs in another environment: their log, their errors and how they end."""

import logging
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from drp.core.errors import BadInputError
from drp.jobs.environments import in_environment
from drp.jobs.errors import EnvironmentMissingError, JobFailedError, JobLostError, ScratchUnwritableError
from drp.jobs.process_lock import process_lock
from drp.jobs.runner import run_jobs
from tests.helpers.environments import use_as_training_environment
from tests.helpers.repository import ROOT

JOB = "tests.helpers.worker_job"


@pytest.fixture(autouse=True)
def training(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The training environment is this one."""
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/python").write_text(f'#!/bin/sh\nexec {sys.executable} "$@"\n')
    (tmp_path / "bin/python").chmod(0o755)
    use_as_training_environment(monkeypatch, tmp_path / "bin/python")


def test_a_job_gets_its_document_and_logs_here(tmp_path, caplog):
    caplog.set_level(logging.INFO, "drp.jobs.runner")
    run_jobs("training", JOB, {"do": "write", "file": str(tmp_path / "f"), "text": "ünïcode 'quoted'\n"})
    assert (tmp_path / "f").read_text() == "ünïcode 'quoted'\n"
    assert "environment: training=True" in caplog.text
    assert in_environment("orchestrator")


def test_an_error_of_drp_is_raised_again_with_its_class():
    with pytest.raises(BadInputError) as caught:
        run_jobs("training", JOB, {"do": "refuse"})
    assert str(caught.value) == "no such thing. Nothing was done. Next: another thing"


def test_a_bug_is_reported_with_the_end_of_its_log(caplog):
    with pytest.raises(JobFailedError, match=r"status 1: ZeroDivisionError: a bug"):
        run_jobs("training", JOB, {"do": "crash"})
    (shown,) = [record.message for record in caplog.records if record.levelname == "ERROR"]
    assert "Traceback" in shown


def test_a_killed_job_may_be_run_again():
    with pytest.raises(JobLostError, match="SIGKILL"):
        run_jobs("training", JOB, {"do": "die"})


def test_a_job_that_got_sigterm_may_be_run_again():
    with pytest.raises(JobLostError, match="SIGTERM"):
        run_jobs("training", JOB, {"do": "be asked to end"})


def test_a_missing_environment_is_named(monkeypatch):
    use_as_training_environment(monkeypatch, Path("build/nowhere/bin/python"))
    with pytest.raises(EnvironmentMissingError, match=r"no .*build/nowhere.*make \.venv-training/ready"):
        run_jobs("training", JOB, {"do": "write"})


PARENT = """
import os, signal, sys
from drp.jobs.runner import run_jobs
os.environ["DRP_TRAINING_PYTHON"] = sys.argv[1] + "/bin/python"
signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
run_jobs("training", "tests.helpers.worker_job", {"do": "hang", "file": sys.argv[2]})
"""


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL])
def test_a_job_ends_with_its_parent_and_has_time_to_save(tmp_path, how):
    file = tmp_path / "f"
    parent = subprocess.Popen([sys.executable, "-c", PARENT, str(tmp_path), str(file)], cwd=ROOT)
    _wait(lambda: file.is_file() and file.read_text().isdigit())
    job = int(file.read_text())
    parent.send_signal(how)
    parent.wait(30)
    _wait(lambda: file.read_text() == "ended" and not _lives(job))


def test_the_next_attempt_waits_for_the_job_of_a_killed_one(tmp_path, caplog):
    caplog.set_level(logging.INFO, "drp.jobs.process_lock")
    file, lock = tmp_path / "f", tmp_path / "lock"
    parent = subprocess.Popen([sys.executable, "-c", HOLDER, str(tmp_path), str(file), str(lock)], cwd=ROOT)
    _wait(lambda: file.is_file() and file.read_text().isdigit())
    job = int(file.read_text())
    parent.kill()
    with process_lock(lock):
        assert file.read_text() == "ended"
        _wait(lambda: not _lives(job))
    assert "waiting until the process" in caplog.text
    with process_lock(lock):
        pass


def test_a_lock_that_cannot_be_created_is_an_error(tmp_path):
    (tmp_path / "file").touch()
    with (
        pytest.raises(ScratchUnwritableError, match="make room"),
        process_lock(tmp_path / "file/lock"),
    ):
        pass


HOLDER = """
import os, sys
from pathlib import Path
from drp.jobs.process_lock import process_lock
from drp.jobs.runner import run_jobs
os.environ["DRP_TRAINING_PYTHON"] = sys.argv[1] + "/bin/python"
with process_lock(Path(sys.argv[3])) as lock:
    run_jobs("training", "tests.helpers.worker_job", {"do": "hang", "file": sys.argv[2]}, holding=[lock])
"""


def _wait(condition) -> None:
    until = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.05)


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True
