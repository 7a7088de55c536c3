"""A killed training resumes along the same curve, and SIGTERM saves a state first."""

import os
import signal
import subprocess
import sys
import time
from multiprocessing import get_context
from multiprocessing.process import BaseProcess
from pathlib import Path

import pytest

torch = pytest.importorskip("torch", reason="needs the training environment: make test-training")
pytest.importorskip("transformers", reason="needs the training environment: make test-training")

from drp.config.settings import settings  # noqa: E402
from drp.core.errors import BadInputError  # noqa: E402
from drp.jobs.runner import run_jobs  # noqa: E402
from drp.training.atomic_files import folder_digest  # noqa: E402
from drp.training.job import MANIFEST  # noqa: E402
from drp.training.resume_state import States  # noqa: E402
from drp.training.sft import train  # noqa: E402
from tests.helpers.repository import ROOT  # noqa: E402
from tests.training.tiny_students import make_job, make_student  # noqa: E402

pytestmark = pytest.mark.training


OPTIONS = {"epochs": 12, "eval_steps": 20, "save_steps": 4, "lora": {"dropout": 0.2}}
"""About 60 steps."""


@pytest.fixture(scope="module")
def student(tmp_path_factory):
    return make_student(tmp_path_factory.mktemp("student"))


@pytest.fixture(scope="module")
def undisturbed(student, tmp_path_factory):
    folder = tmp_path_factory.mktemp("undisturbed")
    job = make_job(folder / "job", student, **OPTIONS)
    return job, folder / "out", train(job, folder / "out")


def start(job: Path, out: Path) -> BaseProcess:
    """Train in a forked process, because torch takes seconds to import."""
    running = get_context("fork").Process(target=train, args=(job, out))
    running.start()
    return running


def wait_for_state(out: Path, running: BaseProcess, after: int) -> None:
    """Wait until a state of more than `after` steps is saved."""
    while not [step for step in steps(out) if step > after]:
        assert running.is_alive()
        time.sleep(0.01)


def steps(out: Path) -> list[int]:
    folder = out / "state"
    return sorted(int(p.name) for p in folder.iterdir() if p.name.isdecimal()) if folder.is_dir() else []


def test_after_kill_9_it_goes_on_to_the_same_end(undisturbed, tmp_path):
    job, whole, manifest = undisturbed
    out, reached = tmp_path / "out", 0
    for pause in (0.0, 0.02, 0.1):
        running = start(job, out)
        wait_for_state(out, running, reached)
        time.sleep(pause)
        running.kill()
        running.join()
        assert running.exitcode == -signal.SIGKILL
        assert not (out / MANIFEST).exists()
        reached = steps(out)[-1]
        assert 0 < reached < manifest.steps
        assert len(steps(out)) <= 3  # two, and one that was about to be removed
    resumed = train(job, out)
    assert resumed.curve == manifest.curve
    assert folder_digest(out / "merged") == folder_digest(whole / "merged")
    assert not (out / "state").exists()


def test_sigterm_saves_a_state_and_ends_with_143(undisturbed, tmp_path):
    job, _, manifest = undisturbed
    out = tmp_path / "out"
    running = start(job, out)
    wait_for_state(out, running, 0)
    running.terminate()
    running.join()
    assert running.exitcode == 143
    saved = steps(out)[-1]
    assert saved < manifest.steps
    assert train(job, out).curve == manifest.curve


class StoppedError(Exception):
    """The test ended the training."""


def stop_at(monkeypatch, step: int) -> None:
    """Stop trainings in this process once the state of `step` is saved."""
    save = States.save

    def saving(states: States, at: int, *rest: object) -> None:
        save(states, at, *rest)
        if at >= step:
            raise StoppedError

    monkeypatch.setattr(States, "save", saving)


def stopped(monkeypatch, job: Path, out: Path, step: int) -> None:
    with monkeypatch.context() as patched:
        stop_at(patched, step)
        with pytest.raises(StoppedError):
            train(job, out)


@pytest.mark.parametrize("at", [20, 30, 10_000], ids=["validation is due", "between validations", "the end"])
def test_wherever_it_stopped_the_curve_is_the_same(undisturbed, tmp_path, monkeypatch, at):
    job, _, manifest = undisturbed
    out = tmp_path / "out"
    stopped(monkeypatch, job, out, min(at, manifest.steps))
    assert train(job, out).curve == manifest.curve


def test_a_damaged_state_is_passed_over_for_the_one_before_it(undisturbed, tmp_path, monkeypatch, caplog):
    job, _, manifest = undisturbed
    out = tmp_path / "out"
    stopped(monkeypatch, job, out, 32)
    assert steps(out) == [28, 32]
    file = out / "state/00000032/state.safetensors"
    data = bytearray(file.read_bytes())
    data[-5] ^= 1
    file.write_bytes(data)
    assert States(out).newest().document["position"]["step"] == 28
    assert "00000032 is damaged" in caplog.text
    (out / "state/00000028/state.json").write_text("{")
    assert States(out).newest() is None
    assert train(job, out).curve == manifest.curve


def test_a_state_of_another_job_is_refused(undisturbed, student, tmp_path, monkeypatch):
    out = tmp_path / "out"
    stopped(monkeypatch, undisturbed[0], out, 4)
    other = make_job(tmp_path / "job", student, **{**OPTIONS, "seed": 5})
    with pytest.raises(BadInputError, match="belongs to another training"):
        train(other, out)
    assert steps(out) == [4]


def test_sigterm_during_validation_is_handled(undisturbed, tmp_path, monkeypatch):
    job, _, manifest = undisturbed
    out = tmp_path / "out"
    with monkeypatch.context() as patched:
        from drp.training.loop import Loop

        validate = Loop._validation_loss

        def interrupted(loop: Loop, check_sigterm: object) -> float:
            os.kill(os.getpid(), signal.SIGTERM)
            return validate(loop, check_sigterm)

        patched.setattr(Loop, "_validation_loss", interrupted)
        with pytest.raises(SystemExit) as ended:
            train(job, out)
    assert ended.value.code == 143
    assert steps(out)[-1] == 20
    assert signal.getsignal(signal.SIGTERM) == signal.SIG_DFL
    assert train(job, out).curve == manifest.curve


def test_usage_errors_and_bad_input_have_their_exit_status(tmp_path):
    def ends(*arguments: object) -> subprocess.CompletedProcess:
        command = [sys.executable, "-m", "drp.training.worker_main", *map(str, arguments)]
        return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)

    assert ends().returncode == 2
    refused = ends(tmp_path / "nothing", tmp_path / "out")
    assert refused.returncode == 1
    assert "BadInputError: there is no job in" in refused.stderr.splitlines()[-1]


def test_the_runner_starts_it_with_a_document(student, tmp_path, monkeypatch):
    monkeypatch.setenv("DRP_TRAINING_PYTHON", sys.executable)
    settings.cache_clear()
    job = make_job(tmp_path / "job", student, epochs=1)
    run_jobs("training", "drp.training.worker_main", {"job": str(job), "out": str(tmp_path / "out")})
    assert (tmp_path / "out" / MANIFEST).is_file()
