"""The command that does a night again, in the words of the shell: what an error names as the next command."""

import shlex
from collections.abc import Sequence
from pathlib import Path

from drp.config import settings
from drp.questions.importers import absolute


def night_command(
    recipe: str,
    run_date: str,
    traces: str | None = None,
    *,
    overrides: Sequence[str] = (),
    pairs: Sequence[str] = (),
    student: str | None = None,
    sample_size: int | None = None,
    backlog: bool = False,
) -> str:
    """Return the command of a night. The options are those of `drp nightly`.

    Files are named by their absolute paths, and the date is always named, so that the command does the same
    from another folder and on another day.
    """
    if Path(recipe).suffix:
        recipe = str(Path(recipe).absolute())
    words = ["drp", "nightly"]
    if traces is not None:
        words += ["--traces", absolute(traces, settings().home)]
    words += ["--recipe", recipe, "--run-date", run_date]
    if sample_size is not None:
        words += ["--sample-size", str(sample_size)]
    if student is not None:
        words += ["--student", student]
    for pair in pairs:
        words += ["--map", pair]
    for change in overrides:
        words += ["--set", change]
    if backlog:
        words.append("--backlog")
    return shlex.join(words)
