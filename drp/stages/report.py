"""Report: the night's page and its summary, for people; also of a night that was quarantined."""

from contextlib import closing

from rich.table import Table

from drp.core.errors import BadInputError
from drp.lake.lake import Lake
from drp.lake.runs import run_ids
from drp.query.select import THREADS
from drp.query.session import open_session
from drp.report.nightly.model import NightFacts, Outcome
from drp.report.nightly.page import build_report
from drp.report.nightly.summary import summary
from drp.runtime.context import Night, open_night, stage_facts
from drp.stages.gate import DOCS

MEMORY = "128MB"
"""Of DuckDB: with half of what the stages have, a night of 100,000 rollouts takes a tenth more time."""


def report(night: Night) -> str:
    """Write the night's page and return its path."""
    with closing(open_session(night.visible(), memory_limit=MEMORY, threads=THREADS)) as con:
        page = build_report(con, _facts(night))
    night.lake.store.put(f"{night.reports}/report.html", page.encode())
    return night.page


def summarise(night: Night) -> Table:
    """The night in one table, for a terminal."""
    with closing(open_session(night.visible(), memory_limit=MEMORY, threads=THREADS)) as con:
        return summary(con, _facts(night))


def last_night(lake: Lake, run_id: str | None) -> Night:
    """The night of `run_id`, or the last one that left something in the lake.

    Raises:
        BadInputError: there was no night yet.
        UnknownRunError: there is no run of this name.
    """
    nights = [name for name in run_ids(lake.store) if not {"import", "train"} & set(name.split("-"))]
    if run_id is None and not nights:
        raise BadInputError(
            f"the lake at {lake.store.root} has seen no night yet",
            state="Nothing was written",
            next_command="drp nightly",
        )
    run = lake.open_run(run_id or nights[-1])
    return open_night(run.recipe, run.run_date.isoformat())


def _outcome(night: Night) -> Outcome:
    match night.run.state()["state"]:
        case "published":
            return "published"
        case "quarantined":
            return "quarantined"
        case "nothing new":
            return "nothing new"
    return "unfinished" if any(night.own().values()) else "nothing new"


def _facts(night: Night) -> NightFacts:
    return NightFacts(
        run_id=night.run_id,
        run_date=night.run.run_date,
        recipe=night.recipe.name,
        recipe_hash=night.recipe.revision_hash,
        outcome=_outcome(night),
        detail=night.run.state()["detail"],
        docs_link=DOCS if night.lake.store.get(f"{night.reports}/{DOCS}") else None,
        stages=stage_facts(night.shard_files()),
    )
