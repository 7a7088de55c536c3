"""Report: write the page of a night and its summary, also for a quarantined night."""

from contextlib import closing

from rich.table import Table

from drp.core import BadInputError, RunId
from drp.lake import Lake, run_ids, stage_counts
from drp.query import THREADS, open_session
from drp.report.nightly import NightFacts, NightOutcome, build_report, summary
from drp.runtime import RunContext, reopen
from drp.stages.gate import DOCS

MEMORY = "128MB"
"""Memory limit of DuckDB: half that of the stages, which costs a tenth more time with 100,000 rollouts."""


def report(ctx: RunContext) -> str:
    """Write the night's page and return its path."""
    with closing(open_session(ctx.visible_parts(), memory_limit=MEMORY, threads=THREADS)) as con:
        page = build_report(con, _facts(ctx))
    ctx.lake.store.put(f"{ctx.report_folder}/report.html", page.encode())
    return ctx.report_address


def summarise(ctx: RunContext) -> Table:
    """Summarise the night in one table for a terminal."""
    with closing(open_session(ctx.visible_parts(), memory_limit=MEMORY, threads=THREADS)) as con:
        return summary(con, _facts(ctx))


def last_night(lake: Lake, run_id: str | None) -> RunContext:
    """The night with this run id, or the last one in the lake.

    Raises:
        BadInputError: the lake has no night yet.
        UnknownRunError: there is no run of this name.
    """
    nights = [name for name in run_ids(lake.store) if RunId.parse(name).kind == "night"]
    if run_id is None and not nights:
        raise BadInputError(
            f"the lake at {lake.store.root} has no night yet",
            state="Nothing was written",
            next_command="drp nightly",
        )
    return reopen(lake, run_id or nights[-1])


def _outcome(ctx: RunContext) -> NightOutcome:
    match ctx.run.state().state:
        case "published":
            return "published"
        case "quarantined":
            return "quarantined"
        case "nothing new":
            return "nothing new"
        case "discarded":
            return "discarded"
    return "unfinished" if any(ctx.own_parts().values()) else "nothing new"


def _facts(ctx: RunContext) -> NightFacts:
    return NightFacts(
        run_id=ctx.run_id,
        run_date=ctx.run.run_date,
        recipe=ctx.recipe.name,
        recipe_hash=ctx.revision_hash,
        outcome=_outcome(ctx),
        detail=ctx.run.state().detail,
        docs_link=DOCS if ctx.lake.store.get(f"{ctx.report_folder}/{DOCS}") else None,
        stages=stage_counts(ctx.shard_files()),
    )
