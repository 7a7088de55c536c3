"""The two families of errors: everything that DRP raises on purpose belongs to one of them.

An operator may read the message at 3 a.m. So each message says what is wrong, what state the data is in and
which command to run next. Airflow retries a `TransientError` and fails at once on a `TerminalError`.
"""


class DrpError(Exception):
    """Base class of all errors of DRP.

    Args:
        problem: what is wrong, in one sentence.
        state: what state the data is in (nothing was written, finished work is kept, ...).
        next_command: the command to run next.
    """

    def __init__(self, problem: str, *, state: str, next_command: str) -> None:
        super().__init__(problem, state, next_command)
        self.problem = problem
        self.state = state
        self.next_command = next_command

    def __str__(self) -> str:
        line = f"{self.problem.rstrip('.')}. {self.state.rstrip('.')}. Next: {self.next_command}"
        return " ".join(line.split())


class TerminalError(DrpError):
    """A retry does not help: a person has to act, or another command has to run first."""


class TransientError(DrpError):
    """The same call may succeed later."""


class BadInputError(TerminalError):
    """A file, a recipe or an argument that cannot be used."""
