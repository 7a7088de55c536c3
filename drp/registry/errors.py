"""What can go wrong with the registry: unknown names, changed files, an MLflow that takes nothing."""

from collections.abc import Sequence

from drp.core import BadInputError, TerminalError, TransientError

_UNCHANGED = "Nothing was changed"


class UnknownCheckpointError(BadInputError):
    """There is no checkpoint of this name."""

    def __init__(self, name: str, why: str, nearest: Sequence[str]) -> None:
        super().__init__(
            f"there is no checkpoint {name!r} in the registry{why}"
            + (f"; near it: {', '.join(nearest)}" if nearest else ""),
            state=_UNCHANGED,
            next_command=f"drp registry show {nearest[0]}" if nearest else "drp registry list",
        )


class UnknownAliasError(BadInputError):
    """No checkpoint has this alias, or there is no such alias."""


class AmbiguousCheckpointError(BadInputError):
    """The name fits several checkpoints."""


class NothingToRollBackError(TerminalError):
    """The alias has had one checkpoint only, or was taken back to its first."""

    def __init__(self, student: str, alias: str, checkpoint_id: str) -> None:
        super().__init__(
            f"nothing was {alias} of {student} before {checkpoint_id}",
            state=f"It stays {alias}",
            next_command=f"drp registry list --student {student}, then "
            f"drp registry promote NAME --alias {alias} with another one",
        )


class CheckpointConflictError(TerminalError):
    """A checkpoint of this id is registered with other files."""

    def __init__(self, checkpoint_id: str, known: str, new: str) -> None:
        super().__init__(
            f"checkpoint {checkpoint_id} is registered with other files (digest {known[:12]}, now {new[:12]})"
            ": its id leaves out something that its training depends on, or the training is not repeatable",
            state="What was registered stays as it was",
            next_command=f"drp registry verify {checkpoint_id}",
        )


class ChangedCheckpointError(TerminalError):
    """Files in the object store are not what was registered."""

    def __init__(self, checkpoint_id: str, root: str, faults: Sequence[str]) -> None:
        more = f" and {len(faults) - 3} more" if len(faults) > 3 else ""
        super().__init__(
            f"checkpoint {checkpoint_id} in the store at {root} is not what was registered: "
            f"{', '.join(faults[:3])}{more}",
            state="Nothing was written or changed",
            next_command=f"drp registry verify {checkpoint_id}, which names all such files, and restore them "
            "from a backup; or drp registry rollback",
        )


class MlflowUnavailableError(TransientError):
    """The MLflow server does not answer, or says that it cannot just now."""

    def __init__(self, checkpoint_id: str, address: str, why: str) -> None:
        super().__init__(
            f"MLflow at {address} does not take checkpoint {checkpoint_id} now: {why}",
            state="What it has stays there, and is not sent twice",
            next_command="once it answers, the same command again",
        )


class MlflowRefusedError(TerminalError):
    """The MLflow server is there and will not take the checkpoint."""

    def __init__(self, checkpoint_id: str, address: str, why: str) -> None:
        super().__init__(
            f"MLflow at {address} refuses checkpoint {checkpoint_id}: {why}",
            state="What it has stays there, and is not sent twice",
            next_command="set right what it names (--to, --model, MLFLOW_TRACKING_USERNAME and _PASSWORD, "
            "MLFLOW_TRACKING_TOKEN), then the same command again",
        )
