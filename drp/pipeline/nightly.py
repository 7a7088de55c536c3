"""The stages in order, without Airflow: `drp nightly`. The DAG `drp_nightly` calls the same functions."""

from collections.abc import Callable, Sequence

from rich.progress import Progress

from drp.runtime import RunContext, estimate
from drp.stages.decompose import decompose
from drp.stages.gate import gate
from drp.stages.ingest import ingest
from drp.stages.plan import plan
from drp.stages.prune import prune
from drp.stages.publish import publish
from drp.stages.report import report
from drp.stages.rollout import rollout

SHARD_STAGES: tuple[Callable[[RunContext, str], None], ...] = (rollout, decompose, prune)


def nightly(
    ctx: RunContext,
    traces: str | None = None,
    *,
    pairs: Sequence[str] = (),
    student: str | None = None,
    sample_size: int | None = None,
) -> str:
    """Do the whole night and return the path of its report, which is written for a quarantined night too.

    Args:
        night: the night.
        traces: recorded traces that stand for tonight's rollouts.
        pairs: `field=column` where the file's columns have other names than ours.
        student: the student of rows that name none.
        sample_size: at most so many questions are rolled out.
    """
    with Progress(transient=True) as progress:  # shows nothing where there is no terminal
        bar = progress.add_task("ingest", total=None)
        ingest(ctx, traces, pairs=pairs, student=student)
        shards = plan(ctx, replay_only=traces is not None, sample_size=sample_size)
        estimate(ctx, shards)
        progress.update(bar, total=len(shards) * len(SHARD_STAGES) + 2)
        for stage in SHARD_STAGES:
            for shard in shards:
                progress.update(bar, description=f"{stage.__name__} {shard}")
                stage(ctx, shard)
                progress.advance(bar)
        try:
            progress.update(bar, description="gate")
            gate(ctx)
            publish(ctx)
        finally:
            page = report(ctx)
    return page
