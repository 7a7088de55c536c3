"""The stages of a training run in order, without Airflow: `drp train`.

The DAG `drp_train_eval` calls the same functions.
"""

from rich.progress import Progress

from drp.runtime.context import Night
from drp.runtime.training_plan import prepare
from drp.stages.compare import compare
from drp.stages.evaluate import evaluate, shards
from drp.stages.register import promote, register
from drp.stages.train import train
from drp.stages.train_report import train_report


def train_eval(run: Night, corpus_version: int | None = None) -> str:
    """Train every arm, measure it beside the base, register, decide; gives the address of the report."""
    names = prepare(run, corpus_version)
    with Progress(transient=True) as progress:  # shows nothing where there is no terminal
        measured = shards(run, names)
        bar = progress.add_task("train", total=len(names) + len(measured))
        try:
            for name in names:
                progress.update(bar, description=f"train {name}")
                train(run, name)
                progress.advance(bar)
            for shard in measured:
                progress.update(bar, description=f"evaluate {shard}")
                evaluate(run, shard)
                progress.advance(bar)
            decision = compare(run, names)
            register(run, names)
            promote(run, decision)
        finally:
            page = train_report(run, names)
    return page
