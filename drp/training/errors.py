"""Errors that stop a training. Needs no torch, because the orchestrator raises them again."""

from pathlib import Path

from drp.core import BadInputError, TerminalError, TransientError


class DivergedError(TerminalError):
    """The loss or its gradient is not finite."""

    def __init__(self, step: int, loss: float, norm: float, saved: int | None) -> None:
        last = "No state was saved yet" if saved is None else f"The state after step {saved} is kept"
        super().__init__(
            f"the training diverged at step {step}: loss {loss}, gradient norm {norm}",
            state=f"{last}; no checkpoint was written",
            next_command="lower learning_rate or raise warmup in the recipe, then train again",
        )


class CheckpointUnwritableError(TransientError):
    """A training state or a checkpoint cannot be written, usually because the disk is full."""

    def __init__(self, folder: Path, cause: object) -> None:
        super().__init__(
            f"{folder} cannot be written: {cause}",
            state="Partial files were removed; states saved earlier are kept",
            next_command=f"free disk space at {folder.parent}, then train again to resume the training",
        )


class CheckpointDamagedError(TerminalError):
    """A file of a checkpoint is missing or has changed."""

    def __init__(self, folder: Path, file: str, fault: str) -> None:
        super().__init__(
            f"{file} of the checkpoint in {folder} {fault}",
            state="Nothing was loaded or changed",
            next_command=f"rm -r {folder}, then train again",
        )


class WrongBaseError(BadInputError):
    """An adapter or a job belongs to a different base model."""
