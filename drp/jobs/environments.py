"""The three Python environments of DRP, and the interpreter of each.

    orchestrator   Airflow, DuckDB, Great Expectations, the grader; no torch
    training       torch, transformers, PEFT, DeepSpeed
    inference      vLLM

They are separate because their pinned versions conflict. In a checkout they are `.venv`, `.venv-training` and
`.venv-inference`; DRP_TRAINING_PYTHON and DRP_INFERENCE_PYTHON select others. If the current environment has
the packages of another one as well (`pip install drp[training]`), it serves as both.
"""

import hashlib
import os
import sys
from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Literal, TypeAlias

from drp.config import settings
from drp.jobs.errors import EnvironmentMissingError

Environment: TypeAlias = Literal["orchestrator", "training", "inference"]

VARIABLE = "DRP_ENVIRONMENT"
"""Environment variable that tells a job the environment that it runs in."""
_FOLDERS = {"training": ".venv-training", "inference": ".venv-inference"}
PACKAGES: Mapping[str, Sequence[str]] = {
    "training": ("torch", "transformers", "peft", "tokenizers"),
    "inference": ("torch", "vllm"),
}
"""Packages that make an interpreter an environment."""


def lock_digest(name: Literal["orchestrator", "training", "inference-cpu", "inference-cuda"]) -> str:
    """Return the SHA-256 (hex) of the lock file of an environment; the inference environment has two."""
    lock = Path(__file__).parent / "requirement_locks" / f"{name}.lock"
    return hashlib.sha256(lock.read_bytes()).hexdigest()


def in_environment(environment: Environment) -> bool:
    """Return whether this process runs in `environment`."""
    return os.environ.get(VARIABLE, "orchestrator") == environment


def python_of(environment: Environment) -> Path:
    """Return the interpreter of another environment.

    It is the one in the settings, the one of the checkout, or the current one if it has the packages.

    Raises:
        EnvironmentMissingError: this machine does not have the environment.
    """
    settings_ = settings()
    configured = settings_.training_python if environment == "training" else settings_.inference_python
    python = settings_.home / (configured or f"{_FOLDERS[environment]}/bin/python")
    if python.is_file():
        return python
    if configured is None and all(find_spec(package) for package in PACKAGES[environment]):
        return Path(sys.executable)
    raise EnvironmentMissingError(
        f"this step needs the {environment} environment, but there is no {python}",
        state="Everything finished before this step is kept",
        next_command=f"make {_FOLDERS[environment]}/ready in a checkout, pip install 'drp[{environment}]'"
        f" elsewhere, or set DRP_{environment.upper()}_PYTHON to the Python of such an environment; then run"
        " the same command again",
    )
