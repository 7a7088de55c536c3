"""The stages in order, without Airflow: `drp nightly`. The DAG `drp_nightly` calls the same functions."""

from collections.abc import Callable, Sequence
from dataclasses import replace

from rich.progress import Progress

from drp.runtime import RunContext, estimate, night_command, preflight
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
    backlog: bool = False,
    say: Callable[[str], None] = lambda text: None,
) -> str:
    """Run the whole night and return the address of its report, which a quarantined night has too.

    Args:
        ctx: the night.
        traces: recorded traces to replay instead of sampling the student.
        pairs: `field=column` for each column of the file that has another name than ours.
        student: name of the student for rows that do not name one.
        sample_size: roll out at most this many questions.
        backlog: revise everything that this recipe has not revised, whoever has sampled it.
        say: is told what is sent to a teacher that costs money, and the cost, before the first request.
    """
    command = night_command(
        ctx.recipe_source or ctx.recipe.name,
        ctx.run.run_date.isoformat(),
        traces,
        overrides=ctx.recipe.overrides,
        pairs=pairs,
        student=student,
        sample_size=sample_size,
        backlog=backlog,
    )
    ctx = replace(ctx, command=command)
    with Progress(transient=True) as progress:  # shows nothing where there is no terminal
        bar = progress.add_task("ingest", total=None)
        given = ingest(ctx, traces, pairs=pairs, student=student)
        shards = plan(ctx, given=given, sample_size=sample_size, backlog=backlog)
        preflight(ctx.run_id, ctx.recipe_option)
        progress.update(bar, total=len(shards) * len(SHARD_STAGES) + 2)
        for stage in SHARD_STAGES:
            if stage is decompose and (expected := estimate(ctx, shards)) is not None:
                say(f"{ctx.recipe.teacher}: {expected}")
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
