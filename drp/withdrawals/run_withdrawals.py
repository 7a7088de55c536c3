"""What withdrawals mean for one run: rows that it must not publish, and gold answers that it corrects.

A question's id includes its gold answer, so a corrected file brings new questions, whose rollouts are graded
anew. Ingest notes which questions they replace. The old ones, and everything that was made from them, leave
the corpus in the version that brings the new ones, after the gate has passed the night.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from drp.core.stage_names import INGEST
from drp.lake import Lake, PublishedPart, Run, ShardFile, Version
from drp.storage import WriterLease
from drp.withdrawals.affected_rows import AffectedRows, Seeds
from drp.withdrawals.records import (
    RemovedSources,
    Withdrawal,
    now,
    open_record,
    removed_sources,
    withdrawals,
    withdrawn_seeds,
)
from drp.withdrawals.shard_files import change_shards


@dataclass(frozen=True)
class RunWithdrawals:
    """The withdrawals of a lake, as far as they concern one of its runs."""

    lake: Lake
    run: Run

    def removed_sources(self) -> RemovedSources:
        """Return the sources whose rows the run must refuse."""
        return removed_sources(self.lake.store)

    def note_corrections(self, shard: str, corrected: Mapping[str, str]) -> None:
        """Note which questions a shard of ingest replaces, until the run is published.

        Args:
            shard: the shard; without its shard file, the note is void.
            corrected: ids of the old questions, each with the id of the new one.
        """
        document = json.dumps({"shard": shard, "corrected": dict(corrected)}).encode()
        number = len(list(self._note_keys()))
        while corrected and not self.run.store.create(f"{self._prefix}{number:05d}.json", document):
            number += 1

    def settle(self) -> None:
        """Take withdrawn questions, and what was made from them, out of the run's own unpublished parts.

        These are questions of removed sources, and questions whose gold answers were corrected by any
        published run or by a later file of this run. A run without such rows is not changed.
        """
        seeds = withdrawn_seeds(withdrawals(self.lake.store), self._pending())
        own = [part for done in self.run.shard_files() for part in done.parts]
        if seeds and own:
            WriterLease(self.lake.store, self.run.run_id).acquire()
            published = [p.part for p in self.lake.corpus.current().parts]
            with AffectedRows(self.lake, [*published, *own], seeds) as affected:
                change_shards(self.lake, self.run, affected)

    def publish(self, shard_files: Iterable[ShardFile]) -> tuple[Version, Version]:
        """Publish the run as `Lake.publish` does; the same version drops the questions that it corrects."""
        pending = self._pending()
        if not pending:
            return self.lake.publish(self.run, shard_files)
        seeds = Seeds(questions=withdrawn_seeds([], pending).questions)
        with AffectedRows(self.lake, (p.part for p in self.lake.corpus.current().parts), seeds) as affected:
            gone, rows = affected.questions(), affected.rows()
        record = open_record(
            self.lake.store,
            "correct",
            self.run.run_id,
            lambda: Withdrawal(
                "correct",
                self.run.run_id,
                "their gold answers were corrected",
                now(),
                rows=rows,
                questions=gone,
                corrected={old: new for corrected in pending for old, new in corrected.items()},
            ),
        )

        def change(parts: Sequence[PublishedPart]) -> list[PublishedPart]:
            with AffectedRows(self.lake, (p.part for p in parts), seeds) as affected:
                self.lake.hold(affected.keys)
                return list(affected.change(parts))

        corpus, results = self.lake.publish(self.run, shard_files, change=change)
        replace(record, version=corpus.number).write(self.lake.store)
        for key in list(self._note_keys()):
            self.lake.store.delete(key)
        return corpus, results

    def _pending(self) -> list[Mapping[str, str]]:
        """Return the corrections of the run that are not published yet, oldest first."""
        notes: list[dict[str, Any]] = [
            json.loads(document) for key in self._note_keys() if (document := self.run.store.get(key))
        ]
        ingested = [done.shard for done in self.run.shard_files(stage=INGEST)] if notes else []
        return [
            note["corrected"]
            for note in notes
            if any(shard.partition("-")[0] == note["shard"] for shard in ingested)
        ]

    def _note_keys(self) -> Iterator[str]:
        for stored in self.run.store.listed(f"_runs/{self.run.run_id}"):
            if stored.key.startswith(self._prefix):
                yield stored.key

    @property
    def _prefix(self) -> str:
        return f"_runs/{self.run.run_id}/corrected-"
