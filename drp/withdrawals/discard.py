"""Discard a night: its rows, and what was made from them, leave the next corpus version.

The night then starts anew when its date is run again. Paid answers stay, so that they are not bought twice.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from drp.core import BadInputError, TerminalError
from drp.lake import Lake, Part, PublishedPart, Run, ShardFile, run_ids
from drp.storage import WriterLease
from drp.withdrawals.affected_rows import TABLES, AffectedRows, Seeds
from drp.withdrawals.records import Withdrawal, now, open_record, withdrawals
from drp.withdrawals.shard_files import change_shards

_CALLS, _EVENTS = "teacher_calls", "events"


class CannotDiscardError(TerminalError):
    """The run has not ended, or has written no rows."""


@dataclass(frozen=True)
class DiscardPlan:
    """What discarding a run takes out."""

    run: Run
    rows: dict[str, int]
    """Rows that leave the current version, by table."""
    unpublished: dict[str, int]
    """Rows that leave the run without having been published, by table."""


def plan_discard(lake: Lake, run_id: str) -> DiscardPlan:
    """Return what `discard` would take out; nothing is changed.

    Raises:
        UnknownRunError: there is no run of this name.
        BadInputError: it is a training run or an evaluation.
        CannotDiscardError: the run has not ended, or has no rows.
    """
    run = lake.open_run(run_id)
    if run.parsed_id.kind in ("train", "evaluate"):
        what = "a training run" if run.parsed_id.kind == "train" else "an evaluation"
        raise BadInputError(
            f"{run_id} is {what}, which has no rows in the corpus",
            state="Nothing was changed",
            next_command="drp registry list",
        )
    record = _under_way(lake, run_id)
    state = run.state()
    if record is None and state.state in ("open", "taken over"):
        is_open = state.state == "open"
        raise CannotDiscardError(
            f"run {run_id} " + ("has not ended" if is_open else f"was taken over {state.detail}"),
            state="Nothing was changed",
            next_command=f"drp nightly --run-date {run.run_date} --recipe {run.parsed_id.recipe} finishes it"
            if is_open
            else f"drp corpus discard {state.detail.removeprefix('by ')} --reason ...",
        )
    keys = _own_keys(lake, run) if record is None else record.parts
    if not keys and state.state == "discarded":
        return DiscardPlan(run, {}, {})
    if not keys:
        raise CannotDiscardError(
            f"run {run_id} has no rows to discard (it is {state.state})",
            state="Nothing was changed",
            next_command=f"drp nightly --run-date {run.run_date} --recipe {run.parsed_id.recipe} "
            "to do the night again",
        )
    current = [published.part for published in lake.corpus.current().parts]
    own = _own_parts(run)
    with AffectedRows(lake, _all_parts(lake), Seeds(parts=keys)) as affected:
        published_keys = {part.key for part in current}
        unpublished = affected.rows(part for part in own if part.key not in published_keys)
        return DiscardPlan(run, affected.rows(current), unpublished)


def discard(lake: Lake, run_id: str, reason: str) -> Withdrawal:
    """Discard a quarantined or published run; `reason` is recorded. If it is killed, the next call continues.

    A run that is discarded already is not changed; its record is returned.

    Raises:
        UnknownRunError, BadInputError, CannotDiscardError: as for `plan_discard`.
    """
    plan = plan_discard(lake, run_id)
    run = plan.run
    done = [r for r in withdrawals(lake.store) if r.kind == "discard" and r.target == run_id]
    if done and done[-1].version is not None and not _own_keys(lake, run):
        return done[-1]
    lease = WriterLease(lake.store, f"discard of {run_id}")
    lease.acquire()
    try:
        record = open_record(
            lake.store,
            "discard",
            run_id,
            lambda: Withdrawal(
                "discard", run_id, reason, now(), rows=plan.rows, parts=sorted(_own_keys(lake, run))
            ),
        )
        seeds = Seeds(parts=record.parts)
        lake.hold(record.parts)
        lake.results.change(record.name, lambda parts: [p for p in parts if not _is_event(p, run_id)])
        version = lake.corpus.change(record.name, _without(lake, seeds, record))
        runs = []
        with AffectedRows(lake, _all_parts(lake), seeds) as affected:
            for other in run_ids(lake.store):
                if other != run_id and change_shards(lake, lake.run(other), affected):
                    runs.append(other)
        run.start_anew(lambda done: all(part.table == _CALLS for part in done.parts) and bool(done.parts))
        run.finish("discarded", reason)
        finished = replace(record, version=version.number, runs=[run_id, *runs])
        finished.write(lake.store)
        return finished
    finally:
        lease.release()


def _without(
    lake: Lake, seeds: Seeds, record: Withdrawal
) -> Callable[[Sequence[PublishedPart]], list[PublishedPart]]:
    """Return the change that takes the run's rows out of a version.

    What is left of the run's parts belongs to the withdrawal from then on: the run may be published again.
    """

    def change(parts: Sequence[PublishedPart]) -> list[PublishedPart]:
        with AffectedRows(lake, [*_run_parts(lake), *(p.part for p in parts)], seeds) as affected:
            lake.hold(affected.keys)
            changed = list(affected.change(parts))
        return [replace(p, run_id=record.name) if p.run_id == record.target else p for p in changed]

    return change


def _under_way(lake: Lake, run_id: str) -> Withdrawal | None:
    records = (r for r in withdrawals(lake.store) if r.kind == "discard" and r.target == run_id)
    return next((record for record in records if record.version is None), None)


def _is_event(published: PublishedPart, run_id: str) -> bool:
    return published.run_id == run_id and published.part.table == _EVENTS


def _own_parts(run: Run) -> list[Part]:
    return [part for done in run.shard_files() for part in done.parts if part.table in TABLES]


def _own_keys(lake: Lake, run: Run) -> list[str]:
    published = (p.part for p in lake.corpus.current().parts if p.run_id == run.run_id)
    return sorted({part.key for part in (*_own_parts(run), *published)})


def _run_parts(lake: Lake) -> list[Part]:
    shards: list[ShardFile] = [
        done for run_id in run_ids(lake.store) for done in lake.run(run_id).shard_files()
    ]
    return [part for done in shards for part in done.parts]


def _all_parts(lake: Lake) -> list[Part]:
    """Return the parts of the current version and of all runs."""
    return [*(published.part for published in lake.corpus.current().parts), *_run_parts(lake)]
