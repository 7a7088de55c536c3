"""Publish: add the night's parts to the corpus in one step, after the gate has passed them.

The ledger's answered requests are published with them, as `teacher_calls`; then the ledger drops their texts.
If this is killed at any point and run again, no row is written twice.
"""

from collections.abc import Iterator
from typing import TypedDict

from more_itertools import chunked

from drp.config import settings
from drp.core import TerminalError, content_id
from drp.core.stage_names import GATE
from drp.lake import Addresses, Lake, Run, ShardFile, merge_addresses, stage_counts
from drp.ledger import Call, Ledger, open_ledger
from drp.query import select
from drp.runtime import RunContext
from drp.withdrawals import RunWithdrawals

EVENTS = "events"
_CALLS = "calls"
"""Folder of a run, and fingerprint, of the shards that are written here."""
_GROUP = 256
_KNOWN_CALLS = "SELECT call_id FROM teacher_calls JOIN wanted ON call_id = id"


class NotGatedError(TerminalError):
    """The night has rows that the gate has not checked."""


class NotQuarantinedError(TerminalError):
    """Only a quarantined night can be released."""


class Published(TypedDict):
    """The current corpus version after publishing, and whether it is a new one."""

    corpus_version: int
    moved: bool


def publish(ctx: RunContext) -> Published:
    """Publish the night. If it added nothing, the version stays the same.

    Raises:
        NotGatedError: the gate has not passed the night as it is now.
        TakenOverError: a later night has taken over its work.
    """
    ctx.run.check_own()
    RunWithdrawals(ctx.lake, ctx.run).settle()
    passed = ctx.gate_shard
    done = list(ctx.shard_files())
    if not any(shard.parts for shard in done):
        ctx.run.finish("nothing new", "")
        return {"corpus_version": ctx.lake.corpus.current().number, "moved": False}
    if not ctx.run.is_done(GATE, passed):
        again = f"drp nightly --run-date {ctx.run.run_date} --recipe {ctx.recipe_option}"
        raise NotGatedError(
            f"run {ctx.run_id} has rows that the gate has not checked",
            state="Nothing was published",
            next_command=ctx.command or again,
        )
    _export_calls(ctx)
    published = _publish(ctx.lake, ctx.run, [*done, *_call_shards(ctx)], passed)
    _drop_exported_texts(ctx)
    return published


def release(lake: Lake, run_id: str) -> Published:
    """Publish a quarantined night that a person has approved (`drp corpus release`)."""
    run = lake.open_run(run_id)
    if run.state().state != "quarantined":
        raise NotQuarantinedError(
            f"run {run_id} is not quarantined (it is {run.state().state})",
            state="Nothing was published",
            next_command="drp corpus list",
        )
    RunWithdrawals(lake, run).settle()
    done = list(run.shard_files(run.state().fingerprints))
    keys = sorted(part.key for shard in done for part in shard.parts)
    return _publish(lake, run, done, content_id("released", keys)[:12])


def _publish(lake: Lake, run: Run, done: list[ShardFile], digest: str) -> Published:
    """Publish these shards together with the events that hold their counts."""
    _write_events(run, done, digest)
    before = lake.corpus.current().number
    corpus, _ = RunWithdrawals(lake, run).publish([*done, *run.shard_files({digest}, EVENTS)])
    moved = corpus.number != before
    if moved or run.state().state != "published":  # run again without new rows, a night keeps its state
        run.finish("published", f"corpus version {corpus.number}")
    run.release_lease()
    return {"corpus_version": corpus.number, "moved": moved}


def _write_events(run: Run, done: list[ShardFile], digest: str) -> None:
    if run.is_done(EVENTS, digest):
        return
    with run.shard(EVENTS, digest, digest) as out:
        for facts in stage_counts(done):
            row = {
                "event_id": content_id("event", run.run_id, facts.stage),
                "run_id": run.run_id,
                "stage": facts.stage,
                "counts": sorted(facts.counts.items()),
                "seconds": facts.seconds,
                "warnings": list(facts.warnings),
            }
            out.add("events", row)


def _call_shards(ctx: RunContext) -> list[ShardFile]:
    """The shards of exported calls that this night has written."""
    return list(ctx.run.shard_files([_CALLS], _CALLS))


def _export_calls(ctx: RunContext) -> None:
    """Write the calls that the ledger has and the lake lacks."""
    if not ctx.recipe.profile.is_remote:
        return
    written = ctx.lake.locate(part for done in _call_shards(ctx) for part in done.parts)
    lake = merge_addresses(ctx.lake.published(), written)
    with open_ledger(settings().resolved_database_url) as ledger:
        if any(True for _ in _missing(ledger, lake)):
            with ctx.run.shard(_CALLS, f"{len(_call_shards(ctx)):04d}", _CALLS) as out:
                for call in _missing(ledger, lake):
                    out.add("teacher_calls", call.row)
                    out.counts["calls"] += 1


def _drop_exported_texts(ctx: RunContext) -> None:
    """Drop the texts of published calls from the ledger."""
    if not ctx.recipe.profile.is_remote:
        return
    lake = ctx.lake.published()
    with open_ledger(settings().resolved_database_url) as ledger:
        for calls in chunked(_answered(ledger), _GROUP):
            known = _known(calls, lake)
            ledger.mark_exported((c.key for c in calls if c.row["call_id"] in known), ctx.run_id)


def _answered(ledger: Ledger) -> Iterator[Call]:
    """Calls with an answer. A dead request stays in the ledger, because it may be tried again."""
    return (call for call in ledger.unexported() if call.row["finish_reason"] is not None)


def _missing(ledger: Ledger, lake: Addresses) -> Iterator[Call]:
    for calls in chunked(_answered(ledger), _GROUP):
        known = _known(calls, lake)
        yield from (call for call in calls if call.row["call_id"] not in known)


def _known(calls: list[Call], lake: Addresses) -> set[str]:
    wanted = [str(call.row["call_id"]) for call in calls]
    return {row["call_id"] for row in select(lake, _KNOWN_CALLS, wanted=wanted)}
