"""The name of a run: its date, its kind, and its recipe (or the digest of an imported file).

RunId.parse("2026-11-21-drp")         # a night with the recipe drp
RunId.parse("2026-11-21-train-drp")   # the training run that follows it
RunId.parse("2026-11-21-import-3f9a") # an import of a file with this digest
RunId.parse("2026-11-21-evaluate-3f9a")  # an evaluation of models, with a digest of what is measured
"""

import re
from dataclasses import dataclass
from datetime import date
from typing import Literal, Self, TypeAlias

from drp.core.errors import BadInputError

RunKind: TypeAlias = Literal["night", "train", "import", "evaluate"]

# Recipe names have no hyphen, so "<date>-train" is the night of a recipe with the name `train`.
_RUN_ID = re.compile(
    r"(?P<date>\d{4}-\d{2}-\d{2})-(?:(?P<kind>train|import|evaluate)-)?(?P<recipe>[a-z0-9_]+)"
)
_KINDS: dict[str | None, RunKind] = {
    None: "night",
    "train": "train",
    "import": "import",
    "evaluate": "evaluate",
}


class BadRunIdError(BadInputError):
    """A text that is not the name of a run."""

    def __init__(self, text: str) -> None:
        super().__init__(
            f"{text!r} is not the name of a run, such as 2026-11-21-drp or 2026-11-21-train-drp",
            state="Nothing was read or written",
            next_command="drp corpus list",
        )


@dataclass(frozen=True, order=True)
class RunId:
    """The parts of a run's name; `str` returns the name."""

    date: date
    kind: RunKind
    recipe: str
    """Name of the recipe; for an import, the digest of the file; for an evaluation, of what is measured."""

    @classmethod
    def parse(cls, text: str) -> Self:
        """Parse the name of a run.

        Raises:
            BadRunIdError: `text` is not the name of a run.
        """
        match = _RUN_ID.fullmatch(text)
        try:
            day = date.fromisoformat(match["date"]) if match else None
        except ValueError:  # such as 2026-02-30
            day = None
        if match is None or day is None:
            raise BadRunIdError(text)
        return cls(day, _KINDS[match["kind"]], match["recipe"])

    def __str__(self) -> str:
        return f"{self.date.isoformat()}-{self.series}"

    @property
    def series(self) -> str:
        """The name without the date. Runs of the same kind and recipe share it."""
        return self.recipe if self.kind == "night" else f"{self.kind}-{self.recipe}"
