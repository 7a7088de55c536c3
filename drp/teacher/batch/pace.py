"""How the batch driver waits."""

from dataclasses import dataclass, field
from datetime import timedelta


@dataclass(frozen=True)
class Patience:
    """With one call of the provider; seconds."""

    fault_s: float = 900
    """So long a call is tried again while the provider fails."""
    settle_s: float = 20
    """After it a batch that was created shows in the list."""
    call_s: float = 60
    """One try."""
    file_s: float = 600
    """One try with a large file in it."""
    backoff_s: float = 0.5
    """After the first try that failed; doubled each time, up to a minute."""


@dataclass(frozen=True)
class Pace:
    """With batches; seconds."""

    poll_first_s: float = 5
    poll_most_s: float = 60
    no_room_s: float = 60
    """After a batch for which the provider had no room; doubled each time, up to ten times of it."""
    carry_after: timedelta = timedelta(hours=26)
    """What is not back so long after its submission is left to another night."""
    patience: Patience = field(default_factory=Patience)
