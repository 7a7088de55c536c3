"""Errors between DRP and a provider that concern more than one request.

Answers that arrived before an error are always in the ledger.
"""

from drp.core import TerminalError, TransientError

KEPT = "Every answer that arrived is in the ledger and is not bought again"


class TeacherRefusedError(TerminalError):
    """The provider refuses all requests: a wrong key, no permission, an unknown model or no money."""

    def __init__(self, teacher: str, why: str, *, next_command: str) -> None:
        super().__init__(f"teacher {teacher}: {why}", state=KEPT, next_command=next_command)


class AnswersElsewhereError(TerminalError):
    """Answers that were exported from the ledger to a lake are missing from the current lake."""

    def __init__(self, requests: int) -> None:
        super().__init__(
            f"{requests} paid answers were exported to a different lake and are missing from this one",
            state="Nothing was bought again and nothing was written",
            next_command="set DRP_LAKE and DRP_DATABASE_URL to a lake and a ledger that belong together",
        )


class TeacherUnavailableError(TransientError):
    """The provider has not answered for a long time: an outage, or a rate limit that leaves no room."""

    def __init__(self, teacher: str, why: str) -> None:
        super().__init__(
            f"teacher {teacher}: {why}",
            state=KEPT,
            next_command="drp ledger show; run the same night again once the provider answers",
        )
