"""The two families of errors. Everything DRP raises on purpose is one of them.

An operator reads the message at 3 a.m., so each says what is wrong, what state the data is in and which
command to run next. Airflow retries `TransientError` and fails at once on `TerminalError`.
"""


class DrpError(Exception):
    """Base class.

    Args:
        problem: what is wrong, in one sentence.
        state: what state the data is in (nothing written, kept so far, ...).
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
    """Trying again changes nothing: a person, or another command, is needed."""


class TransientError(DrpError):
    """The same call may succeed later."""


class BadInputError(TerminalError):
    """A file, a recipe or an argument that cannot be used as it is."""
