"""`drp registry push` against a real MLflow server, also through a proxy that injects faults.

These tests run in the environment with MLflow's client: `build/mlflow/bin/python -m pytest tests/mlflow`.
"""

import hashlib
import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, TypeAlias
from uuid import uuid4

import pytest

from drp.config.settings import settings
from drp.lake.lake import open_lake
from drp.registry.checkpoint_files import folder_key, store_folder
from drp.registry.records import Checkpoint
from drp.registry.registry import open_registry
from tests.cli.test_main import assert_refused
from tests.helpers.checkpoints import checkpoint_id, make_checkpoint
from tests.helpers.servers import Fault, Proxy, S3Server, forget, free_port

mlflow = pytest.importorskip("mlflow", reason="needs MLflow's client: make test-services")
from mlflow import MlflowClient  # noqa: E402
from mlflow.artifacts import download_artifacts  # noqa: E402

pytestmark = pytest.mark.mlflow


ROOT = Path(__file__).resolve().parents[2]
SERVER = ROOT / "build/mlflow-server/bin/mlflow"
ONE, TWO = checkpoint_id(1), checkpoint_id(2)
START_LIMIT_S = 120
LIMIT_S = 120
CURVE = ("loss", "validation_loss", "learning_rate")
STEPS = 500
"""Their metrics do not fit into a single request."""
MODEL = {
    "adapter/adapter.safetensors": b"\1" * 1000,
    "merged/config.json": b"{}",
    "merged/model-00001-of-00001.safetensors": bytes(range(256)) * 20_000,
    "merged/original/tokenizer.bin": b"",
}
Push: TypeAlias = Callable[..., tuple[int, str, str]]


@contextmanager
def running(folder: Path, *options: str) -> Iterator[str]:
    """Run an MLflow server with its database and files in `folder`, and yield its address."""
    assert SERVER.is_file(), "run make test-services, which installs what this needs"
    address = f"http://127.0.0.1:{(port := free_port())}"
    program = [str(SERVER), "server", "--host", "127.0.0.1", "--port", str(port), "--workers", "1", *options]
    database = ["--backend-store-uri", f"sqlite:///{folder}/mlflow.db"]
    quiet = {"MLFLOW_DISABLE_TELEMETRY": "true", "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}
    with (folder / "log").open("w") as log:
        server = subprocess.Popen(
            [*program, *database],
            cwd=folder,
            env=os.environ | quiet,
            stdout=log,
            stderr=log,
            start_new_session=True,  # so that its child processes can be killed with it
        )
    try:
        deadline = time.monotonic() + START_LIMIT_S
        while not healthy(address):
            assert server.poll() is None, (folder / "log").read_text()
            assert time.monotonic() < deadline, (folder / "log").read_text()
            time.sleep(0.2)
        yield address
    finally:
        os.killpg(server.pid, signal.SIGKILL)
        server.wait(30)


def healthy(address: str) -> bool:
    """Return whether the server answers."""
    try:
        with urllib.request.urlopen(f"{address}/health", timeout=5) as answer:  # noqa: S310 (this machine)
            return bool(answer.status == 200)
    except OSError:
        return False


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A server that also serves artifacts. Each test uses a different student."""
    folder = tmp_path_factory.mktemp("mlflow")
    with running(
        folder, "--serve-artifacts", "--artifacts-destination", str(folder / "artifacts")
    ) as address:
        yield address


@pytest.fixture
def proxy(server: str) -> Iterator[Proxy]:
    """A proxy to the server that can inject faults."""
    with Proxy(S3Server(server)) as between:
        yield between


@pytest.fixture(autouse=True)
def registered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Checkpoint]]:
    """Two checkpoints of a new student, of which the first is the champion."""
    for name in [name for name in os.environ if name.startswith("MLFLOW_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    monkeypatch.setenv("DRP_LAKE", str(tmp_path / "lake"))
    monkeypatch.setenv("DRP_DATABASE_URL", f"sqlite:///{tmp_path}/drp.db")
    monkeypatch.setenv("DRP_SCRATCH", str(tmp_path / "scratch"))
    monkeypatch.chdir(tmp_path)
    forget()
    curve = [
        {
            "step": step,
            "loss": 1 / step,
            "validation_loss": 2 / step if step % 100 == 0 else None,
            "learning_rate": 1e-5,
        }
        for step in range(1, STEPS + 1)
    ]
    made, student = [], f"someone/{uuid4().hex}"
    with open_registry(settings().resolved_database_url) as registry:
        for number in (1, 2):
            stored = files_of(tmp_path / f"out{number}", checkpoint_id(number), number)
            made.append(make_checkpoint(number, student=student, curve=curve, **stored))
            registry.register(made[-1])
        registry.promote(ONE, "champion", "it is the first")
    yield made
    forget()


@pytest.fixture
def push(drp: Push) -> Push:
    """Run `drp registry push`; returns exit status, standard output and standard error."""
    return partial(drp, "registry", "push")


def files_of(folder: Path, identity: str, number: int) -> dict[str, Any]:
    """Store the files of a checkpoint in the lake, and return the fields that describe them."""
    for path, data in MODEL.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(data + bytes([number]))
    keys = {which: folder_key(identity, which) for which in ("adapter", "merged")}  # type: ignore[arg-type]
    sent = [store_folder(open_lake().store, folder / which, key) for which, key in keys.items()]
    return {"files": (*sent[0], *sent[1]), "adapter_key": keys["adapter"], "merged_key": keys["merged"]}


def name_of(checkpoint: Checkpoint) -> str:
    """Name of its experiment and model: MLflow allows no slash in model names."""
    return f"drp-{checkpoint.student}".replace("/", "-")


def stored_in_mlflow(server: str, checkpoint: Checkpoint, model: str | None = None) -> dict[str, Any]:
    """Read from MLflow the runs of a student, and the versions and aliases of its model."""
    client = MlflowClient(server, server)
    name = model or name_of(checkpoint)
    experiment = client.get_experiment_by_name(name_of(checkpoint))
    runs = client.search_runs([experiment.experiment_id]) if experiment else []
    models = client.search_registered_models(f"name = '{name}'")
    versions = client.search_model_versions(f"name = '{name}'")
    return {
        "runs": [(run.info.run_id, run.info.status) for run in runs],
        "versions": {str(version.version): (version.run_id, version.tags) for version in versions},
        "aliases": models[0].aliases if models else {},
    }


def downloaded(server: str, address: str, folder: Path) -> dict[str, str]:
    """Return the SHA-256 digests, by path, of what MLflow serves at one of its addresses."""
    folder.mkdir()
    mlflow.set_tracking_uri(server)  # `download_artifacts` ignores its argument for models:/
    download_artifacts(address, dst_path=str(folder))
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*")
        if path.is_file() and path.name != "registered_model_meta"  # MLflow's own
    }


def assert_whole(server: str, checkpoint: Checkpoint, folder: Path) -> None:
    """Check that MLflow has the checkpoint exactly once and complete, byte for byte."""
    client, stored = MlflowClient(server, server), stored_in_mlflow(server, checkpoint)
    ((run_id, status),) = stored["runs"]
    assert status == "FINISHED"
    data = client.get_run(run_id).data
    tags = {"drp.checkpoint_id": checkpoint.checkpoint_id, "drp.sha256": checkpoint.sha256}
    assert {name: value for name, value in data.tags.items() if name.startswith("drp.")} == tags
    names = {"student", "arm", "base_model", "base_sha256", "corpus_version", "recipe", "recipe_hash"}
    names |= {"objective", "environment", "code_commit"}
    assert data.params == {name: str(getattr(checkpoint, name)) for name in names}
    for name in CURVE:
        points = [(point["step"], point[name]) for point in checkpoint.curve if point[name] is not None]
        assert sorted((m.step, m.value) for m in client.get_metric_history(run_id, name)) == points
    scores = {name: value for name, value in data.metrics.items() if name not in CURVE}
    assert scores == {"gsm8k/pass_at_1": 0.5, "gsm8k/mean_tokens": 123.25}
    assert stored["versions"] == {"1": (run_id, tags)}
    assert stored["aliases"] == {"champion": "1"}
    expected = {file.path: file.sha256 for file in checkpoint.files}
    assert downloaded(server, f"runs:/{run_id}/", folder / "run") == expected
    served = downloaded(server, f"models:/{name_of(checkpoint)}@champion", folder / "served")
    merged = {path: digest for path, digest in expected.items() if path.startswith("merged/")}
    assert {f"merged/{path}": digest for path, digest in served.items()} == merged


def test_a_checkpoint_arrives_whole_and_a_second_push_sends_nothing(
    push: Push, server: str, proxy: Proxy, registered: list[Checkpoint], tmp_path: Path
) -> None:
    first = registered[0]
    message = f"checkpoint {ONE} is version 1 of {name_of(first)} in MLflow"
    assert push("champion", "--to", server)[:2] == (0, f"{message}\n")
    assert_whole(server, first, tmp_path)
    writes = ("create", "update", "log-batch", "artifacts", "alias")
    proxy.faults += [Fault(403, "PERMISSION_DENIED", "PUT POST PATCH DELETE", key) for key in writes]
    again = push("champion", "--to", proxy.front.endpoint)
    assert again[:2] == (0, f"{message} already: nothing was sent\n"), again[2]
    assert stored_in_mlflow(server, first)["versions"].keys() == {"1"}
    assert list((tmp_path / "scratch").iterdir()) == []
    assert not (tmp_path / "mlflow.db").exists()  # where the client would store data without a server


@pytest.mark.parametrize("answer", [503, 0], ids=["not done", "done but not acknowledged"])
@pytest.mark.parametrize(
    "where",
    [
        "experiments/create",
        "runs/create",
        "runs/log-batch",
        "model-00001-of-00001",
        "tokenizer.bin",
        "runs/update",
        "registered-models/create",
        "model-versions/create",
        "registered-models/alias",
    ],
)
def test_an_interrupted_push_is_completed(
    push: Push,
    server: str,
    proxy: Proxy,
    registered: list[Checkpoint],
    tmp_path: Path,
    where: str,
    answer: int,
) -> None:
    first = registered[0]
    proxy.faults.append(Fault(answer, "TEMPORARILY_UNAVAILABLE", key=where))
    to = proxy.front.endpoint
    assert_refused(
        push(ONE, "--to", to),
        f"MLflow at {to} cannot accept checkpoint {ONE} at the moment",
        "the same command again",
    )
    proxy.faults.clear()
    assert push(ONE, "--to", to)[0] == 0
    assert_whole(server, first, tmp_path)


@dataclass
class Kill(Fault):
    """Kills the client in the middle of a matching request."""

    client: "subprocess.Popen[bytes] | None" = None

    def fits(self, method: str, path: str) -> bool:
        """Return False always, so that the request still reaches the server."""
        if super().fits(method, path) and self.client is not None:
            self.client.kill()
        return False


def test_a_killed_push_is_completed(
    push: Push, server: str, proxy: Proxy, registered: list[Checkpoint], tmp_path: Path
) -> None:
    kill = Kill(0, methods="PUT", key="merged/config.json")
    proxy.faults.append(kill)
    command = [sys.executable, "-m", "drp.cli.main", "registry", "push", ONE, "--to", proxy.front.endpoint]
    kill.client = subprocess.Popen(command, cwd=ROOT)
    kill.client.wait(LIMIT_S)
    assert kill.client.returncode == -signal.SIGKILL
    stored = stored_in_mlflow(server, registered[0])
    assert ([status for _, status in stored["runs"]], stored["versions"]) == (["RUNNING"], {})
    assert push(ONE, "--to", server)[0] == 0
    assert_whole(server, registered[0], tmp_path)


@pytest.mark.parametrize("change", ["changed", "missing"])
def test_a_changed_file_is_refused_and_nothing_is_sent(
    push: Push, server: str, registered: list[Checkpoint], change: str
) -> None:
    store, key = open_lake().store, f"{registered[0].adapter_key}/adapter.safetensors"
    if change == "missing":
        store.delete(key)
    else:
        store.put(key, b"\2" * 1001)
    message = f"adapter.safetensors {'is missing' if change == 'missing' else 'has changed'}"
    assert_refused(push(ONE, "--to", server), message, f"drp registry verify {ONE}")
    stored = stored_in_mlflow(server, registered[0])
    assert (stored["runs"], stored["versions"], stored["aliases"]) == ([], {}, {})


def test_the_alias_moves_when_its_new_holder_is_pushed(
    push: Push, server: str, registered: list[Checkpoint]
) -> None:
    assert push("champion", "--to", server)[0] == 0
    assert push(TWO, "--to", server)[0] == 0
    assert stored_in_mlflow(server, registered[0])["aliases"] == {"champion": "1"}
    with open_registry(settings().resolved_database_url) as registry:
        registry.promote(TWO, "champion", "it is better")
        registry.promote(ONE, "challenger", "it was not bad")
    for name, number in ((TWO, 2), (ONE, 1)):
        message = f"checkpoint {name} is version {number} of {name_of(registered[0])} in MLflow\n"
        assert push(name, "--to", server)[:2] == (0, message)
    stored = stored_in_mlflow(server, registered[0])
    assert stored["aliases"] == {"champion": "2", "challenger": "1"}
    assert len(stored["runs"]) == 2


def test_another_model_gets_the_same_run(
    push: Push, server: str, registered: list[Checkpoint], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", server)
    model = f"mine {uuid4().hex}"
    assert push(ONE)[0] == 0
    assert push(ONE, "--model", model)[1] == f"checkpoint {ONE} is version 1 of {model} in MLflow\n"
    stored = stored_in_mlflow(server, registered[0], model)
    assert len(stored["runs"]) == 1
    assert [run_id for run_id, _ in stored["versions"].values()] == [stored["runs"][0][0]]
    assert_refused(push(ONE, "--model", "a/b"), "rejected checkpoint", "a/b", "--model")


def test_other_files_of_the_same_id_are_refused(
    push: Push, server: str, registered: list[Checkpoint], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert push(ONE, "--to", server)[0] == 0
    monkeypatch.setenv("DRP_DATABASE_URL", f"sqlite:///{tmp_path}/other.db")
    monkeypatch.setenv("DRP_LAKE", str(tmp_path / "other"))
    forget()
    other = replace(registered[0], **files_of(tmp_path / "out3", ONE, 3))
    with open_registry(settings().resolved_database_url) as registry:
        registry.register(other)
    assert_refused(
        push(ONE, "--to", server),
        "is registered with different files",
        registered[0].sha256[:12],
    )
    assert_whole(server, registered[0], tmp_path)


def test_a_server_that_does_not_answer_is_named_without_its_password(
    push: Push,
) -> None:
    address = f"127.0.0.1:{free_port()}"
    done = push(ONE, "--to", f"http://me:se%41cret@{address}")
    assert_refused(
        done, f"MLflow at http://***@{address} cannot accept", "Connection refused", "the same command again"
    )
    assert "cret" not in done[2]


@pytest.mark.parametrize("where", ["experiments/get-by-name", "merged/config.json"])
def test_denied_access_is_reported_without_the_password(push: Push, proxy: Proxy, where: str) -> None:
    proxy.faults.append(Fault(401, "UNAUTHENTICATED", key=where))
    done = push(ONE, "--to", proxy.front.endpoint.replace("//", "//me:se%41cret@"))
    assert_refused(done, "rejected checkpoint", "401", "MLFLOW_TRACKING_USERNAME")
    assert "cret" not in done[2]


def test_a_server_without_artifacts_is_refused(
    push: Push, tmp_path: Path, registered: list[Checkpoint]
) -> None:
    folder = tmp_path / "server"
    folder.mkdir()
    options = ("--no-serve-artifacts", "--default-artifact-root", str(tmp_path / "elsewhere"))
    with running(folder, *options) as address:
        assert_refused(push(ONE, "--to", address), "does not accept them itself", "--serve-artifacts")
        assert stored_in_mlflow(address, registered[0])["versions"] == {}
    assert not (tmp_path / "elsewhere").exists()
