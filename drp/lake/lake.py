"""The lake: runs, published versions and their parts, in one object store.

lake = open_lake()                      # DRP_LAKE
lake.corpus.current().rows()            # {"rollouts": 1043, ...}
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, TypeAlias
from uuid import uuid4

from drp.config import settings
from drp.core.lake_schemas import CORPUS_TABLES, TABLES
from drp.lake.parquet_parts import Part, PartsWriter
from drp.lake.runs import Run, ShardFile, open_run, run_ids
from drp.lake.versions import DamagedLakeError, PartsChange, PublishedPart, Version, Versions
from drp.storage import ObjectStore, WriterLease, open_store

Addresses: TypeAlias = Mapping[str, Sequence[str]]
"""Addresses of parts, by table."""

PER_RECIPE_TABLES = frozenset({"decompositions", "steps", "revisions", "decisions", "examples"})
"""Tables whose rows are made again when the recipe changes."""
HELD = "_held"
"""Folder of the lists of objects that `hold` keeps."""


@dataclass(frozen=True)
class Lake:
    """An object store with runs and two pointers to published versions."""

    store: ObjectStore

    @property
    def corpus(self) -> Versions:
        """Versions of the corpus: the tables from questions to examples."""
        return Versions(self.store, "corpus")

    @property
    def results(self) -> Versions:
        """Versions of the results: teacher calls, checkpoints, scores, events and reviews."""
        return Versions(self.store, "results")

    def run(self, run_id: str) -> Run:
        """Return a run to work in. Its first shard file creates it in the lake."""
        return Run(self.store, run_id)

    def open_run(self, run_id: str) -> Run:
        """Return a run that exists in the lake.

        Raises:
            UnknownRunError: there is no run of this name.
        """
        return open_run(self.store, run_id)

    def quarantined(self) -> list[Run]:
        """Return the quarantined runs, which wait for a person."""
        runs = (self.open_run(run_id) for run_id in run_ids(self.store))
        return [run for run in runs if run.state().state == "quarantined"]

    def killed(self, run: Run) -> list[Run]:
        """Return the other runs of the same recipe that have neither ended nor been taken over."""
        others = (self.run(run_id) for run_id in run_ids(self.store) if run_id != run.run_id)
        return [
            other
            for other in others
            if other.parsed_id.series == run.parsed_id.series and other.state().state == "open"
        ]

    def publish(
        self, run: Run, shard_files: Iterable[ShardFile], *, change: PartsChange = lambda parts: parts
    ) -> tuple[Version, Version]:
        """Publish all parts of these shards. Return the corpus version and the results version.

        `change` is applied to the parts that other runs have published in the corpus.

        Raises:
            DamagedLakeError: a part is missing or has changed since it was written.
        """
        WriterLease(self.store, run.run_id).acquire()
        shards = list(shard_files)
        self.verify(part for shard in shards for part in shard.parts)
        parts = [
            PublishedPart(part, run.run_id, shard.recipe, shard.fingerprint)
            for shard in shards
            for part in shard.parts
            if part.table in TABLES
        ]
        corpus_parts = [p for p in parts if p.part.table in CORPUS_TABLES]
        results_parts = [p for p in parts if p.part.table not in CORPUS_TABLES]
        results = self.results.publish(run.run_id, results_parts)
        corpus = self.corpus.publish(run.run_id, corpus_parts, replaces=PER_RECIPE_TABLES, change=change)
        return corpus, results

    def replace_part(self, part: Part, rows: Iterable[Mapping[str, Any]]) -> Part | None:
        """Write `rows` as a new part of the same table and date. Return None if there are none."""
        run_date = date.fromisoformat(part.key.split("/")[1].removeprefix("run_date="))
        with PartsWriter(self.store, run_date).writing() as writer:
            for row in rows:
                writer.add(part.table, row)
        return writer.parts[0] if writer.parts else None

    def hold(self, keys: Iterable[str]) -> None:
        """Keep these objects from being swept for one retention window, although nothing names them."""
        if held := sorted(keys):
            self.store.create(f"{HELD}/{uuid4().hex}.json", json.dumps(held).encode())

    def verify(self, parts: Iterable[Part]) -> int:
        """Read these parts again and compare their SHA-256. Return the number of parts.

        Raises:
            DamagedLakeError: parts are missing or have changed; the message names them.
        """
        count, faults = 0, []
        for part in parts:
            count += 1
            digest = self.store.digest(part.key)
            if digest != part.sha256:
                faults.append(f"{part.key} {'is missing' if digest is None else 'has changed'}")
        if faults:
            more = f" and {len(faults) - 3} more" if len(faults) > 3 else ""
            raise DamagedLakeError(
                f"{len(faults)} of {count} parts in the lake at {self.store.root} are missing or damaged: "
                f"{', '.join(faults[:3])}{more}",
                state="Nothing was published or changed",
                next_command="drp corpus verify N for older versions (drp corpus list names them), then "
                "drp corpus rollback N to an intact one; or restore these parts from a backup",
            )
        return count

    def locate(self, parts: Iterable[Part]) -> dict[str, list[str]]:
        """Return the addresses of parts by table. Every published table has an entry, even without parts."""
        addresses: dict[str, list[str]] = {table: [] for table in TABLES}
        for part in parts:
            addresses.setdefault(part.table, []).append(self.store.uri(part.key))
        return addresses

    def published(self, number: int | None = None, *, without_run: str = "") -> dict[str, list[str]]:
        """Return the addresses of a corpus version (default: the current one) and of the current results.

        What `without_run` has published in the corpus is left out: for a reader of that run's own parts.
        """
        version = self.corpus.current() if number is None else self.corpus.read(number)
        corpus = (p for p in version.parts if p.run_id != without_run)
        return self.locate(p.part for p in (*corpus, *self.results.current().parts))


def merge_addresses(*addresses: Addresses) -> dict[str, list[str]]:
    """Merge the addresses of several `locate` calls, each part once."""
    return {
        table: list(dict.fromkeys(address for by_table in addresses for address in by_table.get(table, ())))
        for table in TABLES
    }


def open_lake() -> Lake:
    """Open the lake at DRP_LAKE."""
    return Lake(open_store(settings().lake_root))
