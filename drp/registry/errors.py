"""Errors of the registry: unknown names, changed files, and failed pushes to MLflow."""

from collections.abc import Sequence

from drp.core import BadInputError, TerminalError, TransientError

_UNCHANGED = "Nothing was changed"


class UnknownCheckpointError(BadInputError):
    """No checkpoint matches the name."""

    def __init__(self, name: str, why: str, nearest: Sequence[str]) -> None:
        super().__init__(
            f"there is no checkpoint {name!r} in the registry{why}"
            + (f"; similar names: {', '.join(nearest)}" if nearest else ""),
            state=_UNCHANGED,
            next_command=f"drp registry show {nearest[0]}" if nearest else "drp registry list",
        )


class UnknownAliasError(BadInputError):
    """No checkpoint has this alias, or the alias does not exist."""


class AmbiguousCheckpointError(BadInputError):
    """The name matches several checkpoints."""


class NothingToRollBackError(TerminalError):
    """The alias has no earlier checkpoint to roll back to."""

    def __init__(self, student: str, alias: str, checkpoint_id: str) -> None:
        super().__init__(
            f"{student} had no {alias} before {checkpoint_id}",
            state=f"Checkpoint {checkpoint_id} is still the {alias}",
            next_command=f"drp registry list --student {student}, then "
            f"drp registry promote NAME --alias {alias} with another checkpoint",
        )


class CheckpointConflictError(TerminalError):
    """A checkpoint with the same id is registered with different files."""

    def __init__(self, checkpoint_id: str, known: str, new: str) -> None:
        super().__init__(
            f"checkpoint {checkpoint_id} is registered with different files (digest {known[:12]}, now"
            f" {new[:12]}): either its id does not cover everything that the training depends on, or the"
            " training is not reproducible",
            state="The registered checkpoint is unchanged",
            next_command=f"drp registry verify {checkpoint_id}",
        )


class ChangedCheckpointError(TerminalError):
    """Files in the object store differ from those that were registered."""

    def __init__(self, checkpoint_id: str, root: str, faults: Sequence[str]) -> None:
        more = f" and {len(faults) - 3} more" if len(faults) > 3 else ""
        super().__init__(
            f"the files of checkpoint {checkpoint_id} in the store at {root} differ from those registered: "
            f"{', '.join(faults[:3])}{more}",
            state="Nothing was written or changed",
            next_command=f"drp registry verify {checkpoint_id} to list all such files, then restore them "
            "from a backup; or drp registry rollback",
        )


class MlflowUnavailableError(TransientError):
    """The MLflow server does not answer, or is temporarily unavailable."""

    def __init__(self, checkpoint_id: str, address: str, why: str) -> None:
        super().__init__(
            f"MLflow at {address} cannot accept checkpoint {checkpoint_id} at the moment: {why}",
            state="What was already sent is kept and not sent again",
            next_command="the same command again, once the server answers",
        )


class MlflowRefusedError(TerminalError):
    """The MLflow server answers, but rejects the checkpoint."""

    def __init__(self, checkpoint_id: str, address: str, why: str) -> None:
        super().__init__(
            f"MLflow at {address} rejected checkpoint {checkpoint_id}: {why}",
            state="What was already sent is kept and not sent again",
            next_command="check --to, --model, MLFLOW_TRACKING_USERNAME and _PASSWORD or "
            "MLFLOW_TRACKING_TOKEN, then the same command again",
        )
