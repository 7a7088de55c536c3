"""Remove a source from the corpus for good, for example because of its licence or for privacy.

Its questions and dead letters, and everything that was made from them, leave the current version and all
runs. Older versions with such rows are retired. From then on, ingest refuses the source and its questions. A
sweep deletes the bytes after its retention window, and the reports of nights that may quote them.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import partial

from drp.core import BadInputError
from drp.lake import Lake, Part, PublishedPart, Unneeded, run_ids
from drp.query import open_bounded
from drp.storage import WriterLease
from drp.withdrawals.affected_rows import AffectedRows, Seeds
from drp.withdrawals.records import FOLDER, Withdrawal, now, open_record, text_hash, withdrawals
from drp.withdrawals.shard_files import change_shards


class UnknownSourceError(BadInputError):
    """No question and no dead letter in the lake has this source."""


@dataclass(frozen=True)
class RemovalPlan:
    """What removing a source takes out."""

    source: str
    rows: dict[str, int]
    """Rows that leave the current version, by table."""
    unpublished: dict[str, int]
    """Rows in runs that the current version does not have, by table."""
    retired: Sequence[int]
    """Older versions that have such rows."""
    trained: Mapping[str, Sequence[str]]
    """By version (in decimal digits), the recipes that have such examples in it."""
    runs: Sequence[str]
    """Runs that have such rows."""
    questions: Mapping[str, Sequence[str]] = field(repr=False)
    texts: Sequence[str] = field(repr=False)


def plan_removal(lake: Lake, source: str) -> RemovalPlan:
    """Return what `remove_source` would take out; nothing is changed.

    Raises:
        UnknownSourceError: the lake has no row of this source, and never had.
    """
    current = lake.corpus.current()
    versions = [lake.corpus.read(number) for number in lake.corpus.numbers()]
    by_run = {run_id: _parts_of(lake, run_id) for run_id in run_ids(lake.store)}
    parts = {p.part.key: p.part for version in (*versions, current) for p in version.parts}
    parts |= {part.key: part for run_parts in by_run.values() for part in run_parts}
    with AffectedRows(lake, parts.values(), Seeds(sources=(source,))) as affected:
        if not affected.keys and not _records(lake, source):
            raise _unknown(lake, source)
        recipes = affected.recipes_of_examples()
        published = {p.part.key for p in current.parts}
        trained = {
            str(version.number): sorted({r for p in version.parts for r in recipes.get(p.part.key, ())})
            for version in versions
        }
        return RemovalPlan(
            source,
            rows=affected.rows(p.part for p in current.parts),
            unpublished=affected.rows(
                part
                for part in {p.key: p for run_parts in by_run.values() for p in run_parts}.values()
                if part.key not in published
            ),
            retired=[v.number for v in versions if any(p.part.key in affected.keys for p in v.parts)],
            trained={number: found for number, found in trained.items() if found},
            runs=[run_id for run_id, own in by_run.items() if any(p.key in affected.keys for p in own)],
            questions=affected.questions(),
            texts=sorted({text_hash(text) for text in affected.texts()}),
        )


def remove_source(lake: Lake, source: str, reason: str) -> Withdrawal:
    """Remove a source; `reason` is recorded. If it is killed, the next call continues.

    The record is complete only after `finish_removal`, so that a caller can do its own part before.

    Raises:
        UnknownSourceError: the lake has no row of this source, and never had.
    """
    plan = plan_removal(lake, source)
    done = [record for record in _records(lake, source) if record.version is not None]
    if done and not (plan.rows or plan.unpublished or plan.retired):
        return done[-1]
    lease = WriterLease(lake.store, f"removal of {source}")
    lease.acquire()
    try:
        record = open_record(
            lake.store,
            "remove",
            source,
            lambda: Withdrawal(
                "remove",
                source,
                reason,
                now(),
                rows=plan.rows,
                runs=plan.runs,
                questions=plan.questions,
                texts=plan.texts,
                retired=plan.retired,
                trained=plan.trained,
            ),
        )
        seeds = Seeds(frozenset(record.questions), sources=(source,))

        def change(parts: Sequence[PublishedPart]) -> list[PublishedPart]:
            with AffectedRows(lake, (p.part for p in parts), seeds) as affected:
                lake.hold(affected.keys)
                return list(affected.change(parts))

        lake.corpus.change(record.name, change)
        current = [p.part for p in lake.corpus.current().parts]
        for run_id in run_ids(lake.store):
            own = _parts_of(lake, run_id)
            if own:
                with AffectedRows(lake, [*current, *own], _with_rollouts(seeds, record)) as affected:
                    change_shards(lake, lake.run(run_id), affected)
        _retire(lake, record.retired)
        return record
    finally:
        lease.release()


def finish_removal(lake: Lake, record: Withdrawal) -> Withdrawal:
    """Complete the record of a removal: everything that belongs to it is done."""
    if record.version is not None:
        return record
    finished = replace(record, version=lake.corpus.current().number)
    finished.write(lake.store)
    return finished


def stale_reports(lake: Lake, age: timedelta) -> Iterator[Unneeded]:
    """Yield the files of reports that may quote removed rows and were written before the removal."""
    before = lake.store.now() - age
    finished = {stored.key: stored.written_at for stored in lake.store.listed(FOLDER)}
    for record in withdrawals(lake.store):
        removed_at = finished[record.key]
        if record.kind == "remove" and record.version is not None and removed_at < before:
            why = f"it may quote {record.target}, which was removed"
            for run_id in record.runs:
                for stored in lake.store.listed(f"_reports/{run_id}"):
                    if stored.written_at <= removed_at:
                        yield Unneeded(stored.key, why, stored.bytes, partial(lake.store.delete, stored.key))


def _with_rollouts(seeds: Seeds, record: Withdrawal) -> Seeds:
    rollouts = frozenset(rollout for ids in record.questions.values() for rollout in ids)
    return replace(seeds, rollouts=rollouts)


def _retire(lake: Lake, numbers: Sequence[int]) -> None:
    kept = [number for number in numbers if number in lake.corpus.numbers()]
    for number in kept:
        version = lake.corpus.read(number)
        lake.hold([lake.corpus.retired_key(number), *(p.part.key for p in version.parts)])
    lake.corpus.retire(numbers)


def _records(lake: Lake, source: str) -> list[Withdrawal]:
    return [r for r in withdrawals(lake.store) if r.kind == "remove" and r.target == source]


def _parts_of(lake: Lake, run_id: str) -> list[Part]:
    return [part for done in lake.run(run_id).shard_files() for part in done.parts]


def _unknown(lake: Lake, source: str) -> UnknownSourceError:
    with open_bounded(lake.published()) as con:
        query = "SELECT source, count(*) AS n FROM questions GROUP BY source ORDER BY n DESC, source LIMIT 5"
        known = ", ".join(repr(name) for name, _ in con.execute(query).fetchall()) or "none"
    return UnknownSourceError(
        f"no question in the lake at {lake.store.root} has the source {source!r} (the largest: {known})",
        state="Nothing was changed",
        next_command='drp sql "SELECT source, count(*) AS questions FROM questions GROUP BY source"',
    )
