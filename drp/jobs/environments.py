"""The three environments that DRP runs in, and which Python belongs to each.

    orchestrator   Airflow, DuckDB, Great Expectations, the grader; no torch
    training       torch, transformers, PEFT, DeepSpeed
    inference      vLLM

They are separate because their pins disagree. In a checkout they are `.venv`, `.venv-training` and
`.venv-inference`; DRP_TRAINING_PYTHON and DRP_INFERENCE_PYTHON name others. Where one environment has all
packages (`pip install drp[training]`), it serves as both.
"""

import hashlib
import os
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Literal, TypeAlias

from drp.config import settings
from drp.jobs.errors import EnvironmentMissingError

Environment: TypeAlias = Literal["orchestrator", "training", "inference"]

VARIABLE = "DRP_ENVIRONMENT"
"""Set in a job's process to the environment that it runs in."""
_FOLDERS = {"training": ".venv-training", "inference": ".venv-inference"}
_PACKAGES = {"training": ("torch", "transformers", "peft", "tokenizers"), "inference": ("torch", "vllm")}


def lock_digest(environment: Environment) -> str:
    """SHA-256, hex, of the lock file that `environment` is installed from."""
    lock = Path(__file__).parent / "locks" / f"{environment}.lock"
    return hashlib.sha256(lock.read_bytes()).hexdigest()


def in_environment(environment: Environment) -> bool:
    """Whether this process runs in `environment`."""
    return os.environ.get(VARIABLE, "orchestrator") == environment


def python_of(environment: Environment) -> Path:
    """The Python of another environment: as set, that of the checkout, or this one if it has the packages.

    Raises:
        EnvironmentMissingError: there is none on this machine.
    """
    here = settings()
    configured = here.training_python if environment == "training" else here.inference_python
    python = here.home / (configured or f"{_FOLDERS[environment]}/bin/python")
    if python.is_file():
        return python
    if configured is None and all(find_spec(package) for package in _PACKAGES[environment]):
        return Path(sys.executable)
    raise EnvironmentMissingError(
        f"this needs the {environment} environment, and there is no {python}",
        state="What was done before it is kept",
        next_command=f"make {_FOLDERS[environment]}/ready, or set DRP_{environment.upper()}_PYTHON to the"
        " Python of such an environment; then run the same command again",
    )
