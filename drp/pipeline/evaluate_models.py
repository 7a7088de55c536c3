"""Measure models that are there already: `drp evaluate`. Nothing is trained, registered or published.

It is the evaluation of a training run: the same stages, tables and report.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from rich.progress import Progress

from drp.query import select
from drp.runtime import RunContext
from drp.stages.compare import compare, read_comparison
from drp.stages.evaluate import evaluate, shards
from drp.stages.train_report import train_report

_SCORES = (
    "SELECT * EXCLUDE (run_date) FROM scores ORDER BY benchmark, arm = 'base' DESC, arm, cutoff NULLS FIRST"
)


def evaluate_models(ctx: RunContext, names: list[str]) -> str:
    """Measure entries of the plan and compare them with the first. Return the address of the report."""
    with Progress(transient=True) as progress:  # shows nothing where there is no terminal
        measured = shards(ctx, names)
        bar = progress.add_task("evaluate", total=len(measured))
        try:
            for shard in measured:
                progress.update(bar, description=f"evaluate {shard}")
                evaluate(ctx, shard)
                progress.advance(bar)
            compare(ctx, names)
        finally:
            page = train_report(ctx, names)
            ctx.run.release_lease()
    return page


def evaluation_document(ctx: RunContext) -> Mapping[str, Any]:
    """Return the rows of `scores` and the comparisons of an evaluation."""
    return {
        "run": ctx.run_id,
        "scores": list(_scores(ctx)),
        "compared": (read_comparison(ctx) or {"compared": []})["compared"],
    }


def _scores(ctx: RunContext) -> Iterator[dict[str, Any]]:
    return select(ctx.own_parts("evaluate"), _SCORES)
