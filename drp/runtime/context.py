"""The context of a run: what every stage is given, of a night and of a training run alike.

ctx = open_night("drp", "2026-11-21")
prune(ctx, "5f0c")
"""

import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import cached_property

from drp.config import Recipe, load_recipe, settings
from drp.core import BadInputError, RunId, RunKind, content_id
from drp.core.stage_names import PRUNE
from drp.lake import Lake, Run, ShardFile, merge_addresses, open_lake
from drp.runtime.hashes import revision_hash
from drp.runtime.shard_plans import ShardPlan
from drp.runtime.student_models import resolve_student
from drp.student.engines import model_folder
from drp.traces import TokenCounter

IMPORTED = "ingested"
"""Fingerprint of imported rows: no recipe can change them."""


@dataclass(frozen=True)
class RunContext:
    """One run of one recipe on one date, in one lake."""

    lake: Lake
    run: Run
    recipe: Recipe
    workers: int
    """Processes that a stage may use."""
    may_defer_since: datetime | None = None
    """When a task began that defers while its batches are out; None for one that waits for them."""
    recipe_source: str = ""
    """Name or file of the recipe, as it was given; empty for a run that was opened again."""
    command: str = ""
    """The command that does this night again, for errors; empty if it is not known."""

    @property
    def recipe_option(self) -> str:
        """The recipe's file, or else its name, and `--set` for what was changed: what follows `--recipe`."""
        changes = (word for change in self.recipe.overrides for word in ("--set", change))
        return shlex.join([self.recipe_source or self.recipe.name, *changes])

    @property
    def run_id(self) -> str:
        """Name of the run."""
        return self.run.run_id

    @cached_property
    def revision_hash(self) -> str:
        """Hash of what in the recipe can change a revision."""
        return revision_hash(self.recipe)

    @cached_property
    def work_fingerprint(self) -> str:
        """Fingerprint of the work of a night: what in the recipe can change a rollout or a revision."""
        return content_id("plan", self.recipe.rollout_hash, self.revision_hash)

    @cached_property
    def fingerprints(self) -> frozenset[str]:
        """Fingerprints of the shards that belong to this run as the recipe stands now."""
        recipe = self.recipe
        hashes = {recipe.rollout_hash, self.revision_hash, recipe.training_hash, recipe.evaluation_hash}
        return frozenset({IMPORTED, *hashes})

    @property
    def gate_shard(self) -> str:
        """Name of the gate's shard: a hash of the rows and the thresholds that it checks."""
        checked = sorted(part.key for done in self.shard_files() for part in done.parts)
        return content_id("gate", checked, self.recipe.gates.model_dump(mode="json"))[:12]

    @property
    def report_folder(self) -> str:
        """Folder of the run's pages in the store."""
        return f"_reports/{self.run_id}"

    @property
    def report_address(self) -> str:
        """Address of the run's report."""
        return self.lake.store.uri(f"{self.report_folder}/report.html")

    @cached_property
    def token_counter(self) -> TokenCounter:
        """Counts tokens as the recipe's student does."""
        recipe = self.recipe
        return TokenCounter(model_folder(recipe.student, recipe.model), recipe.thinking)

    def keep_recipe(self) -> None:
        """Store the recipe with the run, so that the report can be written again without its file."""
        self.lake.store.put(_recipe_key(self.run_id), self.recipe.model_dump_json().encode())

    def shard_files(self, stage: str = "") -> Iterator[ShardFile]:
        """The shards that this run has finished so far."""
        return self.run.shard_files(self.fingerprints, stage)

    def own_parts(self, stage: str = "") -> dict[str, list[str]]:
        """Addresses of what this run has written so far."""
        return self.lake.locate(part for done in self.shard_files(stage) for part in done.parts)

    def shard_parts(self, stage: str, shard: str) -> dict[str, list[str]]:
        """Addresses of what a finished shard of a stage wrote, in one piece or several (`<shard>-0000`)."""
        return self.lake.locate(part for done in self.pieces(stage, shard) for part in done.parts)

    def pieces(self, stage: str, shard: str) -> Iterator[ShardFile]:
        """The finished pieces of a shard of a stage."""
        return (done for done in self.shard_files(stage) if done.shard.partition("-")[0] == shard)

    def unfinished(self) -> dict[str, ShardPlan]:
        """The night's shards that were planned with the present recipe and are not pruned yet."""
        return {
            shard: planned
            for shard, planned in self.run.plans(ShardPlan).items()
            if planned.fingerprint == self.work_fingerprint and not self.run.is_done(PRUNE, shard)
        }

    def visible_parts(self) -> dict[str, list[str]]:
        """Addresses of what this run builds on: what other runs have published, and its own rows so far.

        Its own published parts are left out: publishing it again replaces them by its own rows.
        """
        return merge_addresses(self.lake.published(without_run=self.run_id), self.own_parts())

    def known_parts(self) -> dict[str, list[str]]:
        """Addresses of all that need not be done again: also what waits in quarantine for a person."""
        waiting = (run for run in self.lake.quarantined() if run.run_id != self.run_id)
        quarantined = (part for run in waiting for done in run.shard_files() for part in done.parts)
        return merge_addresses(self.visible_parts(), self.lake.locate(quarantined))


def open_night(
    recipe: str, run_date: str, *, may_defer_since: datetime | None = None, overrides: Sequence[str] = ()
) -> RunContext:
    """The night of `run_date` with a recipe by name or file, in the lake at DRP_LAKE.

    Args:
        recipe: name of a recipe that ships with DRP, or path of a YAML file.
        run_date: ISO date.
        may_defer_since: when the task began, if it defers while batches are out.
        overrides: `key=value` for keys of the recipe that are changed.

    Raises:
        BadInputError: the recipe, or the date, cannot be used.
    """
    return _open("night", recipe, run_date, overrides, may_defer_since)


def open_training(recipe: str, run_date: str, *, overrides: Sequence[str] = ()) -> RunContext:
    """The training run of `run_date`; arguments and errors as those of `open_night`."""
    return _open("train", recipe, run_date, overrides)


def reopen(lake: Lake, run_id: str) -> RunContext:
    """The context of a run that has begun, with the recipe that it used.

    Raises:
        UnknownRunError: there is no run of this name.
        BadInputError: it was made before runs kept their recipes, and there is no recipe of its name.
    """
    run = lake.open_run(run_id)
    kept = lake.store.get(_recipe_key(run_id))
    here = settings()
    if kept is None:
        recipe = load_recipe(run.parsed_id.recipe, teacher=here.teacher, student=here.student)
    else:
        recipe = Recipe.model_validate_json(kept)
    return RunContext(lake, run, resolve_student(lake, run, recipe), here.workers)


def parse_day(text: str, command: str) -> date:
    """Return the date of a run.

    Args:
        text: an ISO date.
        command: the command that takes it.

    Raises:
        BadInputError: `text` is not a date.
    """
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise BadInputError(
            f"{text!r} is not a date",
            state="Nothing was read or written",
            next_command=f"{command} --run-date YYYY-MM-DD",
        ) from error


def _recipe_key(run_id: str) -> str:
    return f"_runs/{run_id}/recipe.json"


def _open(
    kind: RunKind,
    recipe: str,
    run_date: str,
    overrides: Sequence[str],
    may_defer_since: datetime | None = None,
) -> RunContext:
    here = settings()
    loaded = load_recipe(recipe, teacher=here.teacher, student=here.student, overrides=overrides)
    day = parse_day(run_date, "drp nightly" if kind == "night" else "drp train")
    lake = open_lake()
    run = lake.run(str(RunId(day, kind, loaded.name)))
    resolved = resolve_student(lake, run, loaded)
    return RunContext(lake, run, resolved, here.workers, may_defer_since, recipe)
