"""What runs in the environments of jobs imports nothing that these environments lack."""

import re
import subprocess
import sys
from importlib.metadata import packages_distributions

import pytest

from tests.helpers.repository import ROOT

_NAME = re.compile(r"^([A-Za-z0-9._-]+)==", re.MULTILINE)


def _locked(file: str) -> set[str]:
    """Normalised names of the distributions in a lock file."""
    names = _NAME.findall((ROOT / "requirements" / file).read_text(encoding="utf-8"))
    return {re.sub(r"[-_.]+", "-", name).lower() for name in names}


@pytest.mark.parametrize("lock", ["training.lock", "inference-cpu.lock", "inference-cuda.lock"])
def test_the_sampling_worker_needs_only_what_its_environment_has(lock):
    lacking = _locked("orchestrator.lock") - _locked(lock)
    modules = sorted(
        module
        for module, names in packages_distributions().items()
        if {re.sub(r"[-_.]+", "-", name).lower() for name in names} <= lacking
    )
    program = "import sys; sys.modules |= dict.fromkeys(sys.argv[1:]); import drp.pipeline.sampling_worker"
    done = subprocess.run(
        [sys.executable, "-c", program, *modules], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert modules
