"""Where the model of a student is on this machine: a folder, the cache of the model hub, or a checkpoint.

folder = model_folder("r1", "deepseek-ai/DeepSeek-R1-Distill-Qwen-1.5B")
"""

import os
import re
from pathlib import Path

from drp.config import parse_student_name, settings
from drp.student import small

_HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*")
_FOLDERS = frozenset({"models", "students", "checkpoints"})
"""First parts of relative paths that no owner on the hub has."""


def model_folder(student: str, model: str | None = None) -> Path | None:
    """Return the folder of a student's model, None if it is not on this machine.

    Args:
        student: name of the student, or `<student>@<checkpoint>`.
        model: folder or hub id of its model; None if the name itself is one. Relative paths start at
            `DRP_HOME`.
    """
    if parse_student_name(student).checkpoint:
        return _with_config(checkpoint_folder(student))
    source = model or student
    if source == small.NAME:
        return _with_config(small.WEIGHTS)
    return _with_config(settings().home / source) or (
        _with_config(_cached(source)) if _is_hub_id(source) else None
    )


def checkpoint_folder(student: str) -> Path:
    """Return the local folder for the model of a checkpoint, `<line>@<id>`, which must be fetched first."""
    return settings().scratch_root / "models" / str(parse_student_name(student).checkpoint)


def fetch_command(source: str) -> str:
    """Return the command that brings a missing model to this machine."""
    hub = ".venv-training/bin/hf download"
    return f"{hub} {source}" if _is_hub_id(source) else f"{hub} OWNER/MODEL --local-dir {source}"


def _is_hub_id(source: str) -> bool:
    owner, _, _ = source.partition("/")
    is_local = owner in _FOLDERS or (settings().home / owner).is_dir()
    return _HUB_ID.fullmatch(source) is not None and not is_local


def _cached(hub_id: str) -> Path:
    """Return the folder of a model in the hub's cache, in the revision that was downloaded last."""
    home = Path(os.environ.get("HF_HOME", Path.home() / ".cache/huggingface"))
    cache = Path(os.environ.get("HF_HUB_CACHE", home / "hub")) / f"models--{hub_id.replace('/', '--')}"
    main = cache / "refs/main"
    return cache / "snapshots" / (main.read_text().strip() if main.is_file() else "main")


def _with_config(folder: Path) -> Path | None:
    return folder if (folder / "config.json").is_file() else None
