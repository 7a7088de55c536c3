"""The stages of a training run in order, without Airflow: `drp train`.

The DAG `drp_train_eval` calls the same functions.
"""

from rich.progress import Progress

from drp.runtime import RunContext
from drp.stages.compare import compare
from drp.stages.evaluate import evaluate, shards
from drp.stages.prepare import prepare
from drp.stages.promote import promote
from drp.stages.register import register
from drp.stages.train import train
from drp.stages.train_report import train_report


def train_eval(ctx: RunContext, corpus_version: int | None = None) -> str:
    """Train and measure every arm, compare, register and promote; return the address of the report."""
    names = prepare(ctx, corpus_version)
    with Progress(transient=True) as progress:  # shows nothing where there is no terminal
        measured = shards(ctx, names)
        bar = progress.add_task("train", total=len(names) + len(measured))
        try:
            for name in names:
                progress.update(bar, description=f"train {name}")
                train(ctx, name)
                progress.advance(bar)
            for shard in measured:
                progress.update(bar, description=f"evaluate {shard}")
                evaluate(ctx, shard)
                progress.advance(bar)
            decision = compare(ctx, names)
            register(ctx, names)
            promote(ctx, decision)
        finally:
            page = train_report(ctx, names)
    return page
