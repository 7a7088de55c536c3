"""Assignment of GPUs to engines."""

import os
import sys
from types import SimpleNamespace

import pytest

from drp.student.engines.gpus import share, take_gpus


@pytest.mark.parametrize(
    ("visible", "size", "shares"),
    [
        ("0123", 1, ["0", "1", "2", "3"]),
        ("0123", 2, ["01", "23", "01"]),
        ("012", 2, ["01", "01"]),  # the rest is too small for an engine
        ("46", 1, ["4", "6", "4"]),
        ("0", 2, ["0", "0"]),  # too few for one engine, which then fails
    ],
)
def test_engines_get_separate_gpus_if_there_are_enough(visible, size, shares):
    assert [share(visible, part, size) for part in range(len(shares))] == shares


@pytest.mark.parametrize(
    ("count", "configured", "visible"),
    [(4, None, "1"), (2, "GPU-a,GPU-b", "GPU-b"), (0, None, None), (0, "", "")],
)
def test_a_process_sees_only_its_gpus(monkeypatch, count, configured, visible):
    cuda = SimpleNamespace(device_count=lambda: count)
    monkeypatch.setitem(sys.modules, "torch", SimpleNamespace(cuda=cuda))
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", configured or "")
    if configured is None:
        monkeypatch.delenv("CUDA_VISIBLE_DEVICES")
    take_gpus(1, 1)
    assert os.environ.get("CUDA_VISIBLE_DEVICES") == visible
