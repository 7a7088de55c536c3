"""Push a checkpoint to an MLflow server, as a tracking run and a version in its model registry.

    push(store, checkpoint, ["champion"], "https://mlflow.example.org")

The run holds the lineage as parameters, scores and loss as metrics, and the files as artifacts. The model
version points at the files. An interrupted push can be repeated: the run is found by its tag, metrics that
are logged twice count as the same point for MLflow, and the run is marked FINISHED once everything is there.

Needs the extra `mlflow`, which is imported only in this module. Credentials are those of MLflow's client:
MLFLOW_TRACKING_USERNAME and _PASSWORD, or MLFLOW_TRACKING_TOKEN.
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
from drp.registry.checkpoint_files import fetch
from drp.registry.errors import CheckpointConflictError, MlflowRefusedError, MlflowUnavailableError
from drp.registry.records import Checkpoint
from drp.storage import ObjectStore

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Metric, Run

ID_TAG = "drp.checkpoint_id"
DIGEST_TAG = "drp.sha256"
"""Tag of run and model version: the checkpoint's digest of all files."""

_PARAMETERS = (
    *("student", "arm", "base_model", "base_sha256", "corpus_version", "recipe", "recipe_hash", "objective"),
    *("environment", "code_commit"),
)
_CURVE = ("loss", "validation_loss", "learning_rate")
_BATCH = 900
"""Metrics per request; MLflow accepts at most 1000 entities."""
_FINISHED = "FINISHED"
_ENVIRONMENT = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",  # a URL may contain a password
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "3",  # about 15 seconds; MLflow's default of 7 takes minutes
}
"""Defaults for MLflow's client, unless the operator sets them."""


@dataclass(frozen=True)
class Pushed:
    """The run and the model version of a checkpoint in MLflow."""

    run_id: str
    model: str
    version: str
    """Number of the model version."""
    sent: bool
    """Whether anything was sent, because it was missing there."""


def push(
    store: ObjectStore, checkpoint: Checkpoint, aliases: Sequence[str], uri: str, model: str | None = None
) -> Pushed:
    """Send a checkpoint to MLflow, as far as it is missing there.

    Args:
        store: the object store with the checkpoint's files. aliases: the checkpoint's aliases, which its
        model version gets. An alias that it has lost stays in MLflow
            until the checkpoint that holds it now is pushed.
        uri: http(s) URL. Messages never contain a user name or password from it.
        model: name of the registered model; None means `drp-STUDENT`, which is also the experiment's name.

    Raises:
        BadInputError: MLflow's client is not installed, or `uri` is not a web address.
        ChangedCheckpointError: a file in the store has changed since it was registered; nothing was sent.
        CheckpointConflictError: MLflow has different files under this id.
        ScratchUnwritableError: there is no disk space for a copy of the files.
        MlflowUnavailableError: the server does not answer, or is temporarily unavailable.
        MlflowRefusedError: the server denies access, rejects the data, or does not serve artifacts.
    """
    address = _address(uri)
    client = _client(checkpoint, uri)
    experiment = re.sub("[/:]", "-", f"drp-{checkpoint.student}")  # MLflow forbids both in model names
    with _translated_errors(checkpoint, address):
        run: Any = _find_run(client, experiment, checkpoint)
        sent = run is None or run.info.status != _FINISHED
        if sent:
            with _files(store, checkpoint) as folder:
                run = run or _new_run(client, experiment, checkpoint)
                _send(client, run, checkpoint, folder, address)
        name = model or experiment
        version, is_new = _version(client, name, run, checkpoint)
        has_new_alias = _set_aliases(client, name, version, aliases)
    return Pushed(run.info.run_id, name, version, sent or is_new or has_new_alias)


def score_metrics(checkpoint: Checkpoint) -> dict[str, float]:
    """Return the scores as metrics: `gsm8k/pass_at_1`, or `gsm8k/within_12000/pass_at_1` with a cut-off."""
    metrics: dict[str, float] = {}
    for score in checkpoint.scores:
        fields = dict(score)
        benchmark, cutoff = fields.pop("benchmark", "all"), fields.pop("cutoff", None)
        prefix = benchmark if cutoff is None else f"{benchmark}/within_{cutoff}"
        numbers = {name: value for name, value in fields.items() if isinstance(value, int | float)}
        metrics |= {f"{prefix}/{name}": float(value) for name, value in numbers.items()}
    return metrics


def _address(uri: str) -> str:
    """Validate the URI and return it without credentials."""
    try:
        parts = urlsplit(uri)
        is_valid = parts.scheme in ("http", "https") and parts.hostname and (parts.port or True)
    except ValueError:
        is_valid = False
    if not is_valid:
        raise BadInputError(
            f"{_redacted(uri)!r} is not the address of an MLflow server",
            state="Nothing was sent",
            next_command="the same command with --to http://HOST:PORT",
        )
    return _redacted(uri)


def _redacted(text: str) -> str:
    """Mask the user names and passwords in the URLs of a text."""
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
def _translated_errors(checkpoint: Checkpoint, address: str) -> Iterator[None]:
    """Raise errors of MLflow and of the connection as DRP errors."""
    from mlflow.exceptions import MlflowException
    from requests import RequestException

    try:
        yield
    except (MlflowException, RequestException) as error:
        if isinstance(error, MlflowException):
            status = error.get_http_status_code()
        else:
            status = 503 if error.response is None else error.response.status_code
        is_transient = status >= 500 or status in (408, 429)
        kind = MlflowUnavailableError if is_transient else MlflowRefusedError
        # `from None`, because the traceback of the cause may show a URL with a password
        raise kind(checkpoint.checkpoint_id, address, _redacted(str(error))) from None


@contextmanager
def _files(store: ObjectStore, checkpoint: Checkpoint) -> Iterator[Path]:
    """Yield a temporary folder with the checkpoint's verified files."""
    scratch = settings().scratch_root
    try:
        scratch.mkdir(parents=True, exist_ok=True)
        temporary = tempfile.TemporaryDirectory(prefix="push-", dir=scratch)
    except OSError as error:
        raise ScratchUnwritableError(
            f"{scratch} cannot be written: {error}",
            state="Nothing was sent",
            next_command="free disk space at DRP_SCRATCH, then run the same command again",
        ) from error
    with temporary as folder:
        for which in _parts(checkpoint):
            fetch(store, checkpoint, which, Path(folder) / which)
        yield Path(folder)


def _parts(checkpoint: Checkpoint) -> list[CheckpointFolder]:
    """Return the folders that the checkpoint has, starting with the one to serve."""
    both: tuple[CheckpointFolder, ...] = ("merged", "adapter")
    return [which for which in both if checkpoint.key(which) is not None]


def _tags(checkpoint: Checkpoint) -> dict[str, str]:
    return {ID_TAG: checkpoint.checkpoint_id, DIGEST_TAG: checkpoint.sha256}


def _find_run(client: "MlflowClient", experiment: str, checkpoint: Checkpoint) -> "Run | None":
    """Return the checkpoint's run, if there is one. Of several it is the oldest, so the choice is stable."""
    existing = client.get_experiment_by_name(experiment)
    if existing is None:
        return None
    has_id = f"tags.`{ID_TAG}` = '{checkpoint.checkpoint_id}'"
    order = ["attributes.start_time ASC", "attributes.run_id ASC"]
    runs = client.search_runs([existing.experiment_id], has_id, max_results=1, order_by=order)
    if not runs:
        return None
    digest = runs[0].data.tags.get(DIGEST_TAG, "")
    if digest != checkpoint.sha256:
        raise CheckpointConflictError(checkpoint.checkpoint_id, digest, checkpoint.sha256)
    run: Run = runs[0]
    return run


def _new_run(client: "MlflowClient", experiment: str, checkpoint: Checkpoint) -> "Run":
    existing = client.get_experiment_by_name(experiment)
    experiment_id = client.create_experiment(experiment) if existing is None else existing.experiment_id
    return client.create_run(
        experiment_id,
        start_time=_milliseconds(checkpoint),
        run_name=f"{checkpoint.arm} {checkpoint.checkpoint_id[:12]}",
        tags=_tags(checkpoint),
    )


def _send(client: "MlflowClient", run: "Run", checkpoint: Checkpoint, folder: Path, address: str) -> None:
    """Log everything to the run and finish it. Parts of it may already be there."""
    from mlflow.entities import Param

    if urlsplit(run.info.artifact_uri).scheme not in ("mlflow-artifacts", "http", "https"):
        # MLflow's client would write to a local folder, or need credentials for a bucket.
        raise MlflowRefusedError(
            checkpoint.checkpoint_id,
            address,
            f"it stores artifacts at {_redacted(run.info.artifact_uri)} and does not accept them itself "
            "(start it with mlflow server --serve-artifacts)",
        )
    run_id, metrics = run.info.run_id, _metrics(checkpoint)
    parameters = [Param(name, str(getattr(checkpoint, name))) for name in _PARAMETERS]
    client.log_batch(run_id, params=parameters)
    for start in range(0, len(metrics), _BATCH):
        client.log_batch(run_id, metrics=metrics[start : start + _BATCH])
    client.log_artifacts(run_id, str(folder))
    client.set_terminated(run_id, _FINISHED, _milliseconds(checkpoint))


def _metrics(checkpoint: Checkpoint) -> list["Metric"]:
    """Return all metrics, with fixed timestamps, so that MLflow recognises points that it already has."""
    from mlflow.entities import Metric

    last = max((point["step"] for point in checkpoint.curve), default=0)
    points = [(name, value, last) for name, value in score_metrics(checkpoint).items()]
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
    """Return the number of the model version that points at the run, and whether it was created just now."""
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
    # no need to wait: MLflow's own registry creates versions synchronously
    created = client.create_model_version(model, source, run_id, tags=_tags(checkpoint), await_creation_for=0)
    return str(created.version), True


def _set_aliases(client: "MlflowClient", model: str, version: str, aliases: Sequence[str]) -> bool:
    """Set the aliases of the version, and return whether any was missing."""
    current = client.get_registered_model(model).aliases
    missing = [alias for alias in aliases if str(current.get(alias)) != version]
    for alias in missing:
        client.set_registered_model_alias(model, alias, version)
    return bool(missing)
