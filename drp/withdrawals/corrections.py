"""Corrected gold answers: the questions with the wrong ones leave the corpus when the run is published.

A question's id includes its gold answer, so a corrected file brings new questions, whose rollouts are graded
anew. Ingest notes which questions they replace. The old ones, and everything that was made from them, leave
the corpus in the version that brings the new ones, after the gate has passed the night.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from drp.core.stage_names import INGEST
from drp.lake import Lake, PublishedPart, Run, ShardFile, Version
from drp.storage import WriterLease
from drp.withdrawals.affected_rows import AffectedRows, Seeds
from drp.withdrawals.records import Withdrawal, now, open_record, withdrawals, withdrawn_seeds
from drp.withdrawals.shard_files import change_shards


def keep_corrections(run: Run, shard: str, corrected: Mapping[str, str]) -> None:
    """Note which questions a shard of ingest replaces, until the run is published.

    Args:
        run: the run.
        shard: the shard; without its shard file, the note is void.
        corrected: ids of the old questions, each with the id of the new one.
    """
    document = json.dumps({"shard": shard, "corrected": dict(corrected)}).encode()
    number = len(list(_note_keys(run)))
    while corrected and not run.store.create(f"{_prefix(run)}{number:05d}.json", document):
        number += 1


def settle(lake: Lake, run: Run) -> None:
    """Take withdrawn questions, and what was made from them, out of the run's own unpublished parts.

    These are questions of removed sources, and questions whose gold answers were corrected by any published
    run or by a later file of this run. A run without such rows is not changed.
    """
    seeds = withdrawn_seeds(withdrawals(lake.store), _pending(run))
    own = [part for done in run.shard_files() for part in done.parts]
    if seeds and own:
        WriterLease(lake.store, run.run_id).acquire()
        published = [p.part for p in lake.corpus.current().parts]
        with AffectedRows(lake, [*published, *own], seeds) as affected:
            change_shards(lake, run, affected)


def publish_run(lake: Lake, run: Run, shard_files: Iterable[ShardFile]) -> tuple[Version, Version]:
    """Publish a run as `Lake.publish` does; the questions that it corrects leave in the same version."""
    pending = _pending(run)
    if not pending:
        return lake.publish(run, shard_files)
    seeds = Seeds(questions=withdrawn_seeds([], pending).questions)
    with AffectedRows(lake, (p.part for p in lake.corpus.current().parts), seeds) as affected:
        gone, rows = affected.questions(), affected.rows()
    record = open_record(
        lake.store,
        "correct",
        run.run_id,
        lambda: Withdrawal(
            "correct",
            run.run_id,
            "their gold answers were corrected",
            now(),
            rows=rows,
            questions=gone,
            corrected={old: new for corrected in pending for old, new in corrected.items()},
        ),
    )

    def change(parts: Sequence[PublishedPart]) -> list[PublishedPart]:
        with AffectedRows(lake, (p.part for p in parts), seeds) as affected:
            lake.hold(affected.keys)
            return list(affected.change(parts))

    corpus, results = lake.publish(run, shard_files, change=change)
    replace(record, version=corpus.number).write(lake.store)
    for key in list(_note_keys(run)):
        lake.store.delete(key)
    return corpus, results


def _pending(run: Run) -> list[Mapping[str, str]]:
    """Return the corrections of the run that are not published yet, oldest first."""
    notes: list[dict[str, Any]] = [
        json.loads(document) for key in _note_keys(run) if (document := run.store.get(key))
    ]
    ingested = [done.shard for done in run.shard_files(stage=INGEST)] if notes else []
    return [
        note["corrected"]
        for note in notes
        if any(shard.partition("-")[0] == note["shard"] for shard in ingested)
    ]


def _note_keys(run: Run) -> Iterator[str]:
    for stored in run.store.listed(f"_runs/{run.run_id}"):
        if stored.key.startswith(_prefix(run)):
            yield stored.key


def _prefix(run: Run) -> str:
    return f"_runs/{run.run_id}/corrected-"
