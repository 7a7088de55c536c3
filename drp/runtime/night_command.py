"""The command that does a night again, in the words of the shell: what an error names as the next command."""

import shlex
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from drp.config import settings
from drp.runtime.context import RunContext


def with_command(
    ctx: RunContext,
    traces: str | None = None,
    *,
    pairs: Sequence[str] = (),
    student: str | None = None,
    sample_size: int | None = None,
    backlog: bool = False,
) -> RunContext:
    """Return the context of a night that knows its command. The options are those of `drp nightly`.

    Files are named by their absolute paths, and the date is always named, so that the command does the same
    from another folder and on another day.
    """
    recipe = ctx.recipe_source or ctx.recipe.name
    if Path(recipe).suffix:
        recipe = str(Path(recipe).absolute())
    words = ["drp", "nightly"]
    if traces is not None:
        words += ["--traces", traces if _is_no_path(traces) else str(settings().home / traces)]
    words += ["--recipe", recipe, "--run-date", ctx.run.run_date.isoformat()]
    if sample_size is not None:
        words += ["--sample-size", str(sample_size)]
    if student is not None:
        words += ["--student", student]
    for pair in pairs:
        words += ["--map", pair]
    for change in ctx.recipe.overrides:
        words += ["--set", change]
    if backlog:
        words.append("--backlog")
    return replace(ctx, command=shlex.join(words))


def _is_no_path(traces: str) -> bool:
    """Whether it is an address, or the standard input."""
    return traces == "-" or "://" in traces
