"""A checkpoint sent to an MLflow server: a run of its tracking, and a version in its model registry.

    push(store, checkpoint, ["champion"], "https://mlflow.example.org")

The run has the lineage as parameters, scores and loss as metrics, and the files as artifacts; the version
points at the files. Of a push that was cut off the next one does the rest: the run is found again by its tag,
what is logged twice is the same point to MLflow, and the run is FINISHED when all of it is there.

Needs the extra `mlflow`, which is imported here and nowhere else. Who may write there is said to MLflow's
client the way it knows: MLFLOW_TRACKING_USERNAME and _PASSWORD, or MLFLOW_TRACKING_TOKEN.
"""

import os
import re
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from drp.config import settings
from drp.core import BadInputError, CheckpointFolder
from drp.jobs import ScratchUnwritableError
from drp.registry.errors import CheckpointConflictError, MlflowRefusedError, MlflowUnavailableError
from drp.registry.files import fetch
from drp.registry.records import Checkpoint
from drp.storage import ObjectStore

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Metric, Run

ID_TAG = "drp.checkpoint_id"
DIGEST_TAG = "drp.sha256"
"""Of the run and of the version: the checkpoint's digest of all files."""

_PARAMETERS = (
    *("student", "arm", "base_model", "base_sha256", "corpus_version", "recipe", "recipe_hash", "objective"),
    *("environment", "code_commit"),
)
_CURVE = ("loss", "validation_loss", "learning_rate")
_BATCH = 900
"""Metrics in one request: MLflow takes 1000 of all kinds."""
_FINISHED = "FINISHED"
_ENVIRONMENT = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",  # a URL may have a password
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "3",  # some 15 seconds; MLflow's own 7 are minutes
}
"""How MLflow's client behaves where the operator has not said otherwise."""


@dataclass(frozen=True)
class Pushed:
    """Where a checkpoint is in MLflow."""

    run_id: str
    model: str
    version: str
    """Number of its version of the model."""
    sent: bool
    """Whether anything was missing there."""


def push(
    store: ObjectStore, checkpoint: Checkpoint, aliases: Sequence[str], uri: str, model: str | None = None
) -> Pushed:
    """Make MLflow have a checkpoint; what it has already is not sent again.

    Args:
        store: where the checkpoint's files are.
        aliases: those that the checkpoint has, which its version gets; one that it has lost stays in MLflow
            until the checkpoint that has it now is pushed.
        uri: http(s)://; a name and password in it appear in no message.
        model: name of the registered model; `drp-STUDENT` if None, which is always the experiment's name.

    Raises:
        BadInputError: MLflow's client is not installed, or `uri` is no web address.
        ChangedCheckpointError: a file in the store is not what was registered; nothing was sent.
        CheckpointConflictError: MLflow has other files under this id.
        ScratchUnwritableError: there is no room for a copy of the files.
        MlflowUnavailableError: the server does not answer, or cannot just now.
        MlflowRefusedError: it lets nobody in, will not have this, or serves no artifacts itself.
    """
    address = _address(uri)
    client = _client(checkpoint, uri)
    experiment = re.sub("[/:]", "-", f"drp-{checkpoint.student}")  # which MLflow allows in no model's name
    with _answering(checkpoint, address):
        run: Any = _run(client, experiment, checkpoint)
        sent = run is None or run.info.status != _FINISHED
        if sent:
            with _files(store, checkpoint) as folder:
                run = run or _new_run(client, experiment, checkpoint)
                _send(client, run, checkpoint, folder, address)
        name = model or experiment
        version, registered = _version(client, name, run, checkpoint)
        moved = _set_aliases(client, name, version, aliases)
    return Pushed(run.info.run_id, name, version, sent or registered or moved)


def scored(checkpoint: Checkpoint) -> dict[str, float]:
    """The scores as metrics: `gsm8k/pass_at_1`, and `gsm8k/within_12000/pass_at_1` with that cut-off."""
    found: dict[str, float] = {}
    for score in checkpoint.scores:
        rest = dict(score)
        benchmark, cutoff = rest.pop("benchmark", "all"), rest.pop("cutoff", None)
        place = benchmark if cutoff is None else f"{benchmark}/within_{cutoff}"
        numbers = {name: value for name, value in rest.items() if isinstance(value, int | float)}
        found |= {f"{place}/{name}": float(value) for name, value in numbers.items()}
    return found


def _address(uri: str) -> str:
    """The URI as it may be shown."""
    try:
        parts = urlsplit(uri)
        fine = parts.scheme in ("http", "https") and parts.hostname and (parts.port or True)
    except ValueError:
        fine = False
    if not fine:
        raise BadInputError(
            f"{_shown(uri)!r} is no address of an MLflow server",
            state="Nothing was sent",
            next_command="the same command with --to http://HOST:PORT",
        )
    return _shown(uri)


def _shown(text: str) -> str:
    """A text without the names and passwords in its URLs."""
    return re.sub(r"(\w+://)?\S*@", r"\1***@", text)


def _client(checkpoint: Checkpoint, uri: str) -> "MlflowClient":
    for name, value in _ENVIRONMENT.items():
        os.environ.setdefault(name, value)
    try:
        from mlflow import MlflowClient
    except ImportError as error:
        raise BadInputError(
            "MLflow's client is not installed in this environment",
            state="Nothing was sent",
            next_command="make build/mlflow/ready, then "
            f"build/mlflow/bin/drp registry push {checkpoint.checkpoint_id}",
        ) from error
    return MlflowClient(tracking_uri=uri, registry_uri=uri)


@contextmanager
def _answering(checkpoint: Checkpoint, address: str) -> Iterator[None]:
    """Errors of the server as ours."""
    from mlflow.exceptions import MlflowException
    from requests import RequestException

    try:
        yield
    except (MlflowException, RequestException) as error:
        if isinstance(error, MlflowException):
            status = error.get_http_status_code()
        else:
            status = 503 if error.response is None else error.response.status_code
        passes = status >= 500 or status in (408, 429)
        kind = MlflowUnavailableError if passes else MlflowRefusedError
        # Without its cause: a log would show that, with the password in its URL.
        raise kind(checkpoint.checkpoint_id, address, _shown(str(error))) from None


@contextmanager
def _files(store: ObjectStore, checkpoint: Checkpoint) -> Iterator[Path]:
    """A folder with the checkpoint's folders, each file checked, until the block ends."""
    scratch = settings().scratch_root
    try:
        scratch.mkdir(parents=True, exist_ok=True)
        made = tempfile.TemporaryDirectory(prefix="push-", dir=scratch)
    except OSError as error:
        raise ScratchUnwritableError(
            f"{scratch} cannot be written: {error}",
            state="Nothing was sent",
            next_command="make room where DRP_SCRATCH lies, then run the same command again",
        ) from error
    with made as folder:
        for which in _parts(checkpoint):
            fetch(store, checkpoint, which, Path(folder) / which)
        yield Path(folder)


def _parts(checkpoint: Checkpoint) -> list[CheckpointFolder]:
    """The folders that it has, the one to be served first."""
    both: tuple[CheckpointFolder, ...] = ("merged", "adapter")
    return [which for which in both if checkpoint.key(which) is not None]


def _tags(checkpoint: Checkpoint) -> dict[str, str]:
    return {ID_TAG: checkpoint.checkpoint_id, DIGEST_TAG: checkpoint.sha256}


def _run(client: "MlflowClient", experiment: str, checkpoint: Checkpoint) -> "Run | None":
    """The run of the checkpoint, if there is one: of several the oldest, for ever the same."""
    place = client.get_experiment_by_name(experiment)
    if place is None:
        return None
    same = f"tags.`{ID_TAG}` = '{checkpoint.checkpoint_id}'"
    order = ["attributes.start_time ASC", "attributes.run_id ASC"]
    found = client.search_runs([place.experiment_id], same, max_results=1, order_by=order)
    if not found:
        return None
    digest = found[0].data.tags.get(DIGEST_TAG, "")
    if digest != checkpoint.sha256:
        raise CheckpointConflictError(checkpoint.checkpoint_id, digest, checkpoint.sha256)
    run: Run = found[0]
    return run


def _new_run(client: "MlflowClient", experiment: str, checkpoint: Checkpoint) -> "Run":
    place = client.get_experiment_by_name(experiment)
    experiment_id = client.create_experiment(experiment) if place is None else place.experiment_id
    return client.create_run(
        experiment_id,
        start_time=_milliseconds(checkpoint),
        run_name=f"{checkpoint.arm} {checkpoint.checkpoint_id[:12]}",
        tags=_tags(checkpoint),
    )


def _send(client: "MlflowClient", run: "Run", checkpoint: Checkpoint, folder: Path, address: str) -> None:
    """Fill a run and finish it. Any part of it may be there already."""
    from mlflow.entities import Param

    if urlsplit(run.info.artifact_uri).scheme not in ("mlflow-artifacts", "http", "https"):
        # Its client would write to a folder of this machine, or ask for keys of a bucket that it has none of.
        raise MlflowRefusedError(
            checkpoint.checkpoint_id,
            address,
            f"it has its artifacts at {_shown(run.info.artifact_uri)} and takes none itself "
            "(mlflow server --serve-artifacts does)",
        )
    run_id, metrics = run.info.run_id, _metrics(checkpoint)
    parameters = [Param(name, str(getattr(checkpoint, name))) for name in _PARAMETERS]
    client.log_batch(run_id, params=parameters)
    for start in range(0, len(metrics), _BATCH):
        client.log_batch(run_id, metrics=metrics[start : start + _BATCH])
    client.log_artifacts(run_id, str(folder))
    client.set_terminated(run_id, _FINISHED, _milliseconds(checkpoint))


def _metrics(checkpoint: Checkpoint) -> list["Metric"]:
    """Always the same, times too: so that MLflow knows a point that it has."""
    from mlflow.entities import Metric

    last = max((point["step"] for point in checkpoint.curve), default=0)
    points = [(name, value, last) for name, value in scored(checkpoint).items()]
    points += [
        (name, point[name], point["step"])
        for point in checkpoint.curve
        for name in _CURVE
        if point.get(name) is not None
    ]
    when = _milliseconds(checkpoint)
    return [Metric(name, value, when, step) for name, value, step in points]


def _milliseconds(checkpoint: Checkpoint) -> int:
    return int(checkpoint.created_at.timestamp() * 1000)


def _version(client: "MlflowClient", model: str, run: Any, checkpoint: Checkpoint) -> tuple[str, bool]:
    """Number of the version of `model` that points at the run, and whether it was made only now."""
    from mlflow.exceptions import MlflowException

    run_id = run.info.run_id
    for known in client.search_model_versions(f"run_id = '{run_id}'"):
        if known.name == model:
            return str(known.version), False
    try:
        client.create_registered_model(model)
    except MlflowException as error:
        if error.error_code != "RESOURCE_ALREADY_EXISTS":
            raise
    source = f"{run.info.artifact_uri}/{_parts(checkpoint)[0]}"
    # Without waiting: MLflow's own registry has a version ready as it makes it.
    made = client.create_model_version(model, source, run_id, tags=_tags(checkpoint), await_creation_for=0)
    return str(made.version), True


def _set_aliases(client: "MlflowClient", model: str, version: str, aliases: Sequence[str]) -> bool:
    """Give the version its aliases; whether it lacked any."""
    known = client.get_registered_model(model).aliases
    lacking = [alias for alias in aliases if str(known.get(alias)) != version]
    for alias in lacking:
        client.set_registered_model_alias(model, alias, version)
    return bool(lacking)
