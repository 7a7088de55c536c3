"""The checkpoint registry: trained checkpoints, where their files are, and which one is in use."""

from drp.registry.champion_events import champion_event
from drp.registry.checkpoint_files import CARD, fetch, folder_key, store_folder, verify
from drp.registry.errors import (
    AmbiguousCheckpointError,
    ChangedCheckpointError,
    CheckpointConflictError,
    MlflowRefusedError,
    MlflowUnavailableError,
    NothingToRollBackError,
    UnknownAliasError,
    UnknownCheckpointError,
)
from drp.registry.records import Checkpoint, CheckpointFile, Flag, Move, holders
from drp.registry.registry import Registry, open_registry

__all__ = [
    "CARD",
    "AmbiguousCheckpointError",
    "ChangedCheckpointError",
    "Checkpoint",
    "CheckpointConflictError",
    "CheckpointFile",
    "Flag",
    "MlflowRefusedError",
    "MlflowUnavailableError",
    "Move",
    "NothingToRollBackError",
    "Registry",
    "UnknownAliasError",
    "UnknownCheckpointError",
    "champion_event",
    "fetch",
    "folder_key",
    "holders",
    "mlflow_push",
    "open_registry",
    "store_folder",
    "verify",
]
