"""What can go wrong between DRP and a provider, beyond one request. What landed is always in the ledger."""

from drp.core import TerminalError, TransientError

KEPT = "Every answer that arrived is in the ledger and is not bought again"


class TeacherRefusedError(TerminalError):
    """The provider refuses every request alike: a wrong key, no permission, an unknown model, no money."""

    def __init__(self, teacher: str, why: str, *, next_command: str) -> None:
        super().__init__(f"teacher {teacher}: {why}", state=KEPT, next_command=next_command)


class AnswersElsewhereError(TerminalError):
    """Answers that the ledger has given to a lake are not in this one."""

    def __init__(self, requests: int) -> None:
        super().__init__(
            f"{requests} answers were bought and moved to a lake's teacher_calls, and this lake has them not",
            state="Nothing was bought again and nothing was written",
            next_command="set DRP_LAKE and DRP_DATABASE_URL to a lake and a ledger that belong together",
        )


class TeacherUnavailableError(TransientError):
    """The provider has answered nothing for long: an outage, or a limit that leaves no room."""

    def __init__(self, teacher: str, why: str) -> None:
        super().__init__(
            f"teacher {teacher}: {why}",
            state=KEPT,
            next_command="drp ledger show, and once the provider answers, the same night again",
        )
