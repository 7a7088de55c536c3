"""Pushing a checkpoint to MLflow, without a server. tests/mlflow has tests with a server."""

import sys
from pathlib import Path

import pytest

from drp.core.errors import BadInputError
from drp.registry.mlflow_push import push, score_metrics
from drp.storage.folder import FolderStore
from tests.helpers.checkpoints import make_checkpoint


@pytest.fixture
def store(tmp_path: Path) -> FolderStore:
    """A store without the checkpoint's files."""
    return FolderStore(tmp_path)


def test_without_mlflow_the_error_names_the_installation(
    store: FolderStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "mlflow", None)
    checkpoint = make_checkpoint(1)
    message = f"not installed.*Nothing was sent.*make build/mlflow/ready.*push {checkpoint.checkpoint_id}"
    with pytest.raises(BadInputError, match=message):
        push(store, checkpoint, [], "http://localhost:5000")


@pytest.mark.parametrize(
    "uri",
    ["localhost:5000", "mlruns", "sqlite:///mlflow.db", "http://", "http://a:b", "http://[x", "databricks"],
)
def test_other_addresses_than_http_are_refused(store: FolderStore, uri: str) -> None:
    with pytest.raises(BadInputError, match=r"not the address of an MLflow server.*Nothing was sent.*--to"):
        push(store, make_checkpoint(1), [], uri)


@pytest.mark.parametrize(
    "uri", ["ftp://me:secret@host", "http://me:s@cret@host:port", "http://me:se/cret@host", "me:secret@host"]
)
def test_messages_do_not_contain_the_password(store: FolderStore, uri: str) -> None:
    with pytest.raises(BadInputError, match="not the address") as raised:
        push(store, make_checkpoint(1), [], uri)
    assert "cret" not in str(raised.value)
    assert "host" in str(raised.value)


def test_scores_become_metrics_by_benchmark_and_cut_off() -> None:
    scores = [
        {"benchmark": "gsm8k", "cutoff": None, "pass_at_1": 0.5, "mean_tokens": 123, "majority_at_n": None},
        {"benchmark": "gsm8k", "cutoff": 2048, "pass_at_1": 0.25},
        {"benchmark": "aime", "cutoff": None, "pass_at_1": 0.125, "note": "by hand"},
    ]
    assert score_metrics(make_checkpoint(1, scores=scores)) == {
        "gsm8k/pass_at_1": 0.5,
        "gsm8k/mean_tokens": 123.0,
        "gsm8k/within_2048/pass_at_1": 0.25,
        "aime/pass_at_1": 0.125,
    }
    assert score_metrics(make_checkpoint(1, scores=[])) == {}
