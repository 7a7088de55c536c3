"""The night: what every stage is given."""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from functools import cached_property

from drp.config.recipe import Recipe, load_recipe
from drp.config.settings import settings
from drp.core.errors import BadInputError
from drp.lake.lake import Lake, merged, open_lake
from drp.lake.runs import Run, ShardFile
from drp.report.nightly.model import StageFacts
from drp.runtime.student_models import settled

STAGES = ("ingest", "rollout", "decompose", "prune", "gate")
"""Stages that write shard files, in order."""

INGESTED = "ingested"
"""Fingerprint of imported rows: no recipe can change them."""


@dataclass(frozen=True)
class Night:
    """One run of one recipe on one date; `run.run_id` is `<date>-<recipe>`."""

    lake: Lake
    run: Run
    recipe: Recipe
    workers: int
    began: datetime | None = None
    """Of a task that leaves while batches are out, and comes back: when it began. None: it waits for them."""

    @property
    def run_id(self) -> str:
        """Name of the run."""
        return self.run.run_id

    @cached_property
    def fingerprints(self) -> frozenset[str]:
        """Fingerprints of the shards that belong to this night as the recipe stands now."""
        recipe = self.recipe
        return frozenset(
            {
                INGESTED,
                recipe.rollout_hash,
                recipe.revision_hash,
                recipe.training_hash,
                recipe.evaluation_hash,
            }
        )

    @property
    def reports(self) -> str:
        """Folder of the night's pages in the store."""
        return f"_reports/{self.run_id}"

    @property
    def page(self) -> str:
        """Address of the night's report."""
        return self.lake.store.uri(f"{self.reports}/report.html")

    def shard_files(self, stage: str = "") -> Iterator[ShardFile]:
        """What this night has finished so far."""
        return self.run.shard_files(self.fingerprints, stage)

    def own(self, stage: str = "") -> dict[str, list[str]]:
        """Addresses of what this night has written so far."""
        return self.lake.locate(part for done in self.shard_files(stage) for part in done.parts)

    def shard(self, stage: str, shard: str) -> dict[str, list[str]]:
        """Addresses of what a finished shard of a stage wrote, in one piece or several (`<shard>-0000`)."""
        return self.lake.locate(
            part
            for done in self.shard_files(stage)
            if done.shard.partition("-")[0] == shard
            for part in done.parts
        )

    def visible(self) -> dict[str, list[str]]:
        """Addresses of what this night builds on: all that is published, and its own rows so far."""
        return merged(self.lake.published(), self.own())

    def known(self) -> dict[str, list[str]]:
        """Addresses of all that need not be done again: also what waits in quarantine for a person."""
        waiting = (run for run in self.lake.quarantined() if run.run_id != self.run_id)
        quarantined = (part for run in waiting for done in run.shard_files() for part in done.parts)
        return merged(self.visible(), self.lake.locate(quarantined))


def stage_facts(shard_files: Iterable[ShardFile]) -> list[StageFacts]:
    """What each stage did, in order, all its shards together."""
    facts: dict[str, StageFacts] = {}
    for done in shard_files:
        so_far = facts.get(done.stage, StageFacts(done.stage, 0.0, {}))
        counts = dict(Counter(so_far.counts) + Counter(done.counts))
        warnings = [*so_far.warnings, *done.warnings]
        facts[done.stage] = StageFacts(done.stage, so_far.seconds + done.seconds, counts, warnings)
    return [facts[stage] for stage in STAGES if stage in facts]


def open_night(recipe: str, run_date: str, *, began: datetime | None = None) -> Night:
    """The night of `run_date` (ISO date) with a recipe by name or file, in the lake at DRP_LAKE."""
    here = settings()
    loaded = load_recipe(recipe, teacher=here.teacher, student=here.student)
    try:
        day = date.fromisoformat(run_date)
    except ValueError as error:
        raise BadInputError(
            f"{run_date!r} is not a date",
            state="Nothing was read or written",
            next_command="drp nightly --run-date YYYY-MM-DD",
        ) from error
    lake = open_lake()
    run = lake.run(f"{day.isoformat()}-{loaded.name}")
    return Night(lake, run, settled(lake, run, loaded), here.workers, began)
