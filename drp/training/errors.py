"""What can stop a training. Needs no torch: the orchestrator raises them again."""

from pathlib import Path

from drp.core import BadInputError, TerminalError, TransientError


class DivergedError(TerminalError):
    """The loss, or its gradient, is no finite number any more."""

    def __init__(self, step: int, loss: float, norm: float, saved: int | None) -> None:
        last = "No state was saved yet" if saved is None else f"The state after step {saved} is kept"
        super().__init__(
            f"the training diverged at step {step}: loss {loss}, norm of the gradient {norm}",
            state=f"{last}; no checkpoint was made",
            next_command="lower learning_rate in the recipe, or raise warmup, then train again",
        )


class CheckpointUnwritableError(TransientError):
    """A state or a checkpoint cannot be written: a full disk, most often."""

    def __init__(self, folder: Path, cause: object) -> None:
        super().__init__(
            f"{folder} cannot be written: {cause}",
            state="Nothing half-written was left; what was saved before it is kept",
            next_command=f"make room in {folder.parent}, then train again: it goes on from the last state",
        )


class CheckpointDamagedError(TerminalError):
    """A checkpoint's file is missing, or is not the one that was written."""

    def __init__(self, folder: Path, file: str, fault: str) -> None:
        super().__init__(
            f"{file} of the checkpoint in {folder} {fault}",
            state="Nothing was read or changed",
            next_command=f"rm -r {folder}, then train again",
        )


class WrongBaseError(BadInputError):
    """An adapter, a job or a state belongs to another base model than the one at hand."""
