"""DeepSpeed's ZeRO in two processes gives the loss curve of one process, also after kills."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from multiprocessing import get_context
from multiprocessing.process import BaseProcess
from pathlib import Path

import pytest

torch = pytest.importorskip("torch", reason="needs the training environment: make test-training")
transformers = pytest.importorskip(
    "transformers", reason="needs the training environment: make test-training"
)

from peft import PeftModel  # noqa: E402

from drp.config.settings import settings  # noqa: E402
from drp.core.errors import BadInputError  # noqa: E402
from drp.jobs.errors import JobFailedError, JobLostError  # noqa: E402
from drp.jobs.runner import run_jobs  # noqa: E402
from drp.training import deepspeed_engine, distributed  # noqa: E402
from drp.training.errors import DivergedError  # noqa: E402
from drp.training.job import MANIFEST, Manifest, read_manifest  # noqa: E402
from drp.training.sft import fine_tune, train  # noqa: E402
from tests.helpers.repository import ROOT  # noqa: E402
from tests.training.tiny_students import encoded, make_job, make_student  # noqa: E402

pytestmark = pytest.mark.training


SHORT = {"epochs": 3, "eval_steps": 5, "save_steps": 4}
"""12 steps."""
PROCESSES = 2
STAGES = ["zero2", "zero3"]


@pytest.fixture(scope="module", autouse=True)
def deepspeed():
    """Import DeepSpeed before the processes are forked, so that they need not."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(deepspeed_engine, "PERSISTENCE_THRESHOLD", 0)  # partition the smallest weights too
        pytest.importorskip("deepspeed")
        yield


@pytest.fixture(scope="module")
def student(tmp_path_factory):
    return make_student(tmp_path_factory.mktemp("student"))


@pytest.fixture(scope="module")
def alone(student, tmp_path_factory):
    """Trainings in a single process, to compare with."""
    folder = tmp_path_factory.mktemp("alone")
    return {
        method: train(make_job(folder / method, student, method=method, **SHORT), folder / f"{method}-out")
        for method in ("lora", "full")
    }, folder


def start(job: Path, out: Path) -> list[BaseProcess]:
    """Train in new processes."""
    return together(lambda rank: fine_tune(job, out))


def together(work: Callable[[int], None]) -> list[BaseProcess]:
    """Start processes as torchrun would, but forked, because imports take seconds."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]

    def run(rank: int) -> None:
        os.environ |= {"RANK": str(rank), "LOCAL_RANK": str(rank), "WORLD_SIZE": str(PROCESSES)}
        os.environ |= {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port)}
        deepspeed_engine.join_process_group()
        work(rank)

    running = [get_context("fork").Process(target=run, args=(rank,)) for rank in range(PROCESSES)]
    for process in running:
        process.start()
    return running


def ended(running: list[BaseProcess]) -> list[int | None]:
    for process in running:
        process.join(120)
    return [process.exitcode for process in running]


def steps(out: Path) -> list[int]:
    folder = out / "state"
    return sorted(int(p.name) for p in folder.iterdir() if p.name.isdecimal()) if folder.is_dir() else []


def wait_for_state(out: Path, after: int = 0) -> None:
    """Wait until a state of more than `after` steps is saved."""
    until = time.monotonic() + 120
    while not [step for step in steps(out) if step > after]:
        assert time.monotonic() < until
        time.sleep(0.01)


def same_curve(one: Manifest, other: Manifest) -> bool:
    """Compare the losses to within a thousandth."""
    assert [point.step for point in one.curve] == [point.step for point in other.curve]
    pairs = list(zip(one.curve, other.curve, strict=True))
    assert [a.loss for a, _ in pairs] == pytest.approx([b.loss for _, b in pairs], abs=1e-3)
    looks = [(a.validation_loss, b.validation_loss) for a, b in pairs if b.validation_loss is not None]
    assert [a for a, _ in looks] == pytest.approx([b for _, b in looks], abs=1e-3)
    return len(looks) > 1


def logits(model: torch.nn.Module, student: Path) -> torch.Tensor:
    tokens = encoded(student)[0].tokens.long()[None]
    with torch.inference_mode():
        return model.eval()(tokens).logits


def weights(folder: Path) -> torch.nn.Module:
    return transformers.AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)


@pytest.mark.parametrize("method", ["lora", "full"])
@pytest.mark.parametrize("stage", STAGES)
def test_two_processes_learn_what_one_does(student, alone, tmp_path, stage, method):
    manifests, folder = alone
    job = make_job(tmp_path / "job", student, method=method, deepspeed=stage, processes=PROCESSES, **SHORT)
    out = tmp_path / "out"
    assert ended(start(job, out)) == [0, 0]
    manifest = read_manifest(out)
    assert same_curve(manifest, manifests[method])
    assert manifest.versions.keys() == {"torch", "transformers", "peft", "deepspeed"}
    assert {path.name for path in out.iterdir()} == {MANIFEST, "merged"} | (
        {"adapter"} if method == "lora" else set()
    )
    base, merged = logits(weights(student), student), logits(weights(out / "merged"), student)
    one = logits(weights(folder / f"{method}-out/merged"), student)
    assert torch.allclose(merged, one, atol=0.05)  # the weights are rounded to 16 bits
    assert not torch.allclose(merged, base, atol=0.5)
    if method == "lora":
        adapted = logits(PeftModel.from_pretrained(weights(student), out / "adapter"), student)
        assert torch.allclose(merged, adapted, atol=0.05)
    assert train(job, out) == manifest  # it exists already: nothing is started


def test_total_is_a_barrier(tmp_path):
    def work(rank: int) -> None:
        engine = object.__new__(deepspeed_engine.DeepSpeedEngine)
        engine._device = torch.device("cpu")
        if rank == 0:
            assert engine.total() == []
            assert (tmp_path / "written").exists()
        else:
            time.sleep(1)
            (tmp_path / "written").touch()
            engine.total()

    assert ended(together(work)) == [0, 0]


@pytest.mark.parametrize("stage", STAGES)
def test_after_kill_9_of_all_it_goes_on_to_the_same_end(student, tmp_path, stage):
    options = {**SHORT, "lora": {"dropout": 0.2}, "deepspeed": stage, "processes": PROCESSES}
    job, out = make_job(tmp_path / "job", student, **options), tmp_path / "out"
    assert ended(start(job, tmp_path / "whole")) == [0, 0]
    whole = read_manifest(tmp_path / "whole")
    running = start(job, out)
    wait_for_state(out)
    for process in running:
        process.kill()
    assert ended(running) == [-signal.SIGKILL] * PROCESSES
    assert 0 < steps(out)[-1] < whole.steps
    fewer = make_job(tmp_path / "fewer", student, **{**options, "processes": 1})
    with pytest.raises(
        BadInputError, match="belongs to another training"
    ):  # the state is partitioned for two
        fine_tune(fewer, out)
    assert ended(start(job, out)) == [0, 0]
    assert same_curve(read_manifest(out), whole)
    assert not (out / "state").exists()


def test_sigterm_to_one_of_them_ends_all_with_a_state(student, tmp_path):
    options = {**SHORT, "epochs": 16, "deepspeed": "zero2", "processes": PROCESSES}
    out = tmp_path / "out"
    running = start(make_job(tmp_path / "job", student, **options), out)
    wait_for_state(out)
    running[1].terminate()
    assert ended(running) == [143, 143]


def ranks_of(job: Path) -> list[int]:
    """Return the pids of all processes that train this job."""
    found = subprocess.run(["pgrep", "-f", f"drp.training.distributed {job}"], capture_output=True, text=True)
    return [int(pid) for pid in found.stdout.split()]


def wait_for_none(job: Path) -> None:
    until = time.monotonic() + 60
    while ranks_of(job):
        assert time.monotonic() < until
        time.sleep(0.1)


@pytest.fixture
def launched(student, tmp_path):
    """A job for torchrun, and a function that starts it in a process."""
    options = {**SHORT, "epochs": 16, "deepspeed": "zero2", "processes": PROCESSES}
    job, out = make_job(tmp_path / "job", student, **options), tmp_path / "out"
    command = [sys.executable, "-m", "drp.training.worker_main", str(job), str(out)]
    started: list[subprocess.Popen] = []

    def start_again() -> subprocess.Popen:
        started.append(subprocess.Popen(command, cwd=ROOT))
        return started[-1]

    yield job, out, start_again
    for process in started:
        process.kill()
    wait_for_none(job)


def test_torchrun_starts_them_and_they_end_with_it(student, launched, tmp_path, monkeypatch):
    job, out, start_again = launched
    running = start_again()
    wait_for_state(out)
    assert len(ranks_of(job)) == PROCESSES
    running.terminate()
    assert running.wait() == 143
    assert not ranks_of(job)
    reached = steps(out)[-1]

    running = start_again()
    wait_for_state(out, reached)
    running.kill()
    wait_for_none(job)
    assert not (out / MANIFEST).exists()

    monkeypatch.setenv("DRP_TRAINING_PYTHON", sys.executable)
    settings.cache_clear()
    run_jobs("training", "drp.training.worker_main", {"job": str(job), "out": str(out)})
    one = make_job(tmp_path / "one", student, **{**SHORT, "epochs": 16})
    assert same_curve(read_manifest(out), train(one, tmp_path / "one-out"))


def test_one_that_is_killed_takes_the_others_along(launched):
    job, out, start_again = launched
    running = start_again()
    wait_for_state(out)
    os.kill(ranks_of(job)[1], signal.SIGKILL)
    assert running.wait() == 1
    assert not ranks_of(job)


def test_what_one_raised_is_raised(student, tmp_path):
    options = {**SHORT, "method": "full", "learning_rate": 1e30, "warmup": 0, "save_steps": 1}
    job = make_job(tmp_path / "job", student, deepspeed="zero2", processes=PROCESSES, **options)
    with pytest.raises(DivergedError, match=r"diverged at step 2: loss .*The state after step 1 is kept"):
        train(job, tmp_path / "out")


def test_more_processes_than_gpus_are_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)  # whatever this machine has
    with pytest.raises(BadInputError, match="asks for 2 processes, and this machine has 1 GPUs"):
        distributed.launch(tmp_path / "job", tmp_path / "out", 2)


def test_ends_have_their_errors():
    with pytest.raises(JobLostError, match=r"process 1 of the training was killed \(SIGKILL\)"):
        distributed._raise_worker_failure(1, -9)
    with pytest.raises(JobFailedError, match="process 0 of the training ended with status 1"):
        distributed._raise_worker_failure(0, 1)
    with pytest.raises(SystemExit) as caught:
        distributed._raise_worker_failure(0, 143)
    assert caught.value.code == 143
