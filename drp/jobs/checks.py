"""The outcome of a check of this machine, of a recipe or of a model, and how a job returns such outcomes."""

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal, TypeAlias

Outcome: TypeAlias = Literal["ok", "failed", "not checked"]
GPU = "GPU"
"""Name of the checks that say which GPUs an environment sees, one for each."""


@dataclass(frozen=True)
class HealthCheck:
    """What was checked and what was seen."""

    name: str
    outcome: Outcome
    seen: str
    """What was seen, in one sentence; never a secret."""
    mend: str = ""
    """The command or change that mends it, if it is not `ok`."""
    is_needed: bool = True
    """Whether the recipe needs it."""

    @property
    def is_fatal(self) -> bool:
        """Whether the recipe cannot be done."""
        return self.is_needed and self.outcome == "failed"


def write_checks(file: Path, checks: Iterable[HealthCheck]) -> None:
    """Write the outcomes of a job to the file that its caller has named."""
    file.write_text(json.dumps([asdict(check) for check in checks]), encoding="utf-8")


def read_checks(file: Path) -> list[HealthCheck]:
    """Read what `write_checks` has written."""
    return [HealthCheck(**row) for row in json.loads(file.read_text(encoding="utf-8"))]
