"""Publish: the night's parts become part of the corpus, in one step, if the gate let them pass."""

from typing import TypedDict

from drp.core import TerminalError, content_id
from drp.core.stage_names import GATE
from drp.lake import Lake, Run, ShardFile, stage_counts
from drp.runtime import RunContext, call_shards, drop_exported_texts, export_calls
from drp.stages.gate import gate_shard

EVENTS = "events"


class NotGatedError(TerminalError):
    """The night has rows that the gate has not seen."""


class NotQuarantinedError(TerminalError):
    """Only a quarantined night can be released."""


class Published(TypedDict):
    """What publishing did: the corpus version, and whether it moved."""

    corpus_version: int
    moved: bool


def publish(ctx: RunContext) -> Published:
    """Publish the night; the version stays when the night added nothing.

    Raises:
        NotGatedError: the gate has not passed the night as it is now.
        TakenOverError: another night went on with it.
    """
    ctx.run.check_own()
    passed = gate_shard(ctx)
    done = list(ctx.shard_files())
    if not any(shard.parts for shard in done):
        ctx.run.finish("nothing new", "")
        return {"corpus_version": ctx.lake.corpus.current().number, "moved": False}
    if not ctx.run.is_done(GATE, passed):
        raise NotGatedError(
            f"run {ctx.run_id} has rows that the gate has not checked",
            state="Nothing was published",
            next_command=f"drp nightly --run-date {ctx.run.run_date} --recipe {ctx.recipe.name}",
        )
    export_calls(ctx)
    published = _publish(ctx.lake, ctx.run, [*done, *call_shards(ctx)], passed)
    drop_exported_texts(ctx)
    return published


def release(lake: Lake, run_id: str) -> Published:
    """`drp corpus release`: publish a quarantined night after a person has looked."""
    run = lake.open_run(run_id)
    if run.state().state != "quarantined":
        raise NotQuarantinedError(
            f"run {run_id} is not quarantined (it is {run.state().state})",
            state="Nothing was published",
            next_command="drp corpus list",
        )
    done = list(run.shard_files(run.state().fingerprints))
    keys = sorted(part.key for shard in done for part in shard.parts)
    return _publish(lake, run, done, content_id("released", keys)[:12])


def _publish(lake: Lake, run: Run, done: list[ShardFile], digest: str) -> Published:
    """Publish these shards together with the events that tell what they counted."""
    _write_events(run, done, digest)
    before = lake.corpus.current().number
    corpus, _ = lake.publish(run, [*done, *run.shard_files({digest}, EVENTS)])
    moved = corpus.number != before
    if moved or run.state().state != "published":  # done again without news, a night stays as it ended
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
