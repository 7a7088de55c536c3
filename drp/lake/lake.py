"""The lake: runs, versions and the parts they name, in one object store.

lake = open_lake()                      # DRP_LAKE
lake.corpus.current().rows()            # {"rollouts": 1043, ...}
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from drp.config import settings
from drp.core.schemas import CORPUS_TABLES, TABLES
from drp.lake.parts import Part
from drp.lake.runs import Run, ShardFile, open_run, run_ids
from drp.lake.versions import DamagedLakeError, PublishedPart, Version, Versions
from drp.storage import ObjectStore, acquire, open_store

Addresses: TypeAlias = Mapping[str, Sequence[str]]
"""Addresses of parts by table."""

PER_RECIPE_TABLES = frozenset({"decompositions", "steps", "revisions", "decisions", "examples"})
"""Tables whose rows a recipe makes anew when it changes."""


@dataclass(frozen=True)
class Lake:
    """One object store with its runs and its two pointers."""

    store: ObjectStore

    @property
    def corpus(self) -> Versions:
        """Questions to examples."""
        return Versions(self.store, "corpus")

    @property
    def results(self) -> Versions:
        """Teacher calls, checkpoints, scores, events."""
        return Versions(self.store, "results")

    def run(self, run_id: str) -> Run:
        """A run to work in; made by its first shard file."""
        return Run(self.store, run_id)

    def open_run(self, run_id: str) -> Run:
        """A run that is there already.

        Raises:
            UnknownRunError: there is none of this name.
        """
        return open_run(self.store, run_id)

    def quarantined(self) -> list[Run]:
        """Runs that wait for a person."""
        runs = (self.open_run(run_id) for run_id in run_ids(self.store))
        return [run for run in runs if run.state().state == "quarantined"]

    def killed(self, run: Run) -> list[Run]:
        """Other runs of the same recipe that began, and neither ended nor were taken over."""
        others = (self.run(run_id) for run_id in run_ids(self.store) if run_id != run.run_id)
        return [
            other
            for other in others
            if other.parsed_id.series == run.parsed_id.series and other.state().state == "open"
        ]

    def publish(self, run: Run, shard_files: Iterable[ShardFile]) -> tuple[Version, Version]:
        """Publish all parts of these shards: (corpus version, results version).

        Raises:
            DamagedLakeError: a part is not what was written.
        """
        acquire(self.store, run.run_id)
        done_shards = list(shard_files)
        self.verify(part for done in done_shards for part in done.parts)
        parts = [
            PublishedPart(part, run.run_id, done.recipe, done.fingerprint)
            for done in done_shards
            for part in done.parts
            if part.table in TABLES
        ]
        corpus = [p for p in parts if p.part.table in CORPUS_TABLES]
        others = [p for p in parts if p.part.table not in CORPUS_TABLES]
        results = self.results.publish(run.run_id, others)
        return self.corpus.publish(run.run_id, corpus, replaces=PER_RECIPE_TABLES), results

    def verify(self, parts: Iterable[Part]) -> int:
        """Read these parts again and compare their SHA-256; gives their number.

        Raises:
            DamagedLakeError: naming the parts that are missing or changed.
        """
        number, faults = 0, []
        for part in parts:
            number += 1
            digest = self.store.digest(part.key)
            if digest != part.sha256:
                faults.append(f"{part.key} {'is missing' if digest is None else 'has changed'}")
        if faults:
            more = f" and {len(faults) - 3} more" if len(faults) > 3 else ""
            raise DamagedLakeError(
                f"{len(faults)} of {number} parts in the lake at {self.store.root} are not what was written: "
                f"{', '.join(faults[:3])}{more}",
                state="Nothing was published or changed",
                next_command="drp corpus verify N for older versions (drp corpus list names them), and "
                "drp corpus rollback N to one that is whole; or restore these parts from a backup",
            )
        return number

    def locate(self, parts: Iterable[Part]) -> dict[str, list[str]]:
        """Addresses of parts by table; every published table is there, empty if need be."""
        addresses: dict[str, list[str]] = {table: [] for table in TABLES}
        for part in parts:
            addresses.setdefault(part.table, []).append(self.store.uri(part.key))
        return addresses

    def published(self, number: int | None = None) -> dict[str, list[str]]:
        """Addresses of all parts of a corpus version (default: the current one) and the current results."""
        version = self.corpus.current() if number is None else self.corpus.read(number)
        return self.locate(p.part for p in (*version.parts, *self.results.current().parts))


def merge_addresses(*addresses: Addresses) -> dict[str, list[str]]:
    """Addresses of several `locate`s together, each part once."""
    return {t: list(dict.fromkeys(a for some in addresses for a in some.get(t, ()))) for t in TABLES}


def open_lake() -> Lake:
    """The lake at DRP_LAKE."""
    return Lake(open_store(settings().lake_root))
