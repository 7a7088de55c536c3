"""`drp evaluate`: measure models that are there already, with the tables of a training run's evaluation."""

import json
from collections.abc import Sequence
from typing import Literal

import typer


def evaluate(
    models: Sequence[str],
    benchmarks: Sequence[str],
    recipe: str,
    run_date: str,
    adapter_base: str | None,
    overrides: Sequence[str],
    form: Literal["table", "json"],
) -> None:
    """Plan, measure, and print the tables, or the rows of `scores` and the comparisons as JSON."""
    from drp.console import show
    from drp.pipeline.evaluate_models import evaluate_models, evaluation_document
    from drp.runtime import open_evaluation
    from drp.stages.train_report import tables

    names = [name.strip() for given in benchmarks for name in given.split(",") if name.strip()]
    ctx, entries = open_evaluation(
        recipe, run_date, models, benchmarks=names, adapter_base=adapter_base, overrides=overrides
    )
    page = evaluate_models(ctx, entries)
    if form == "json":
        typer.echo(json.dumps(evaluation_document(ctx), ensure_ascii=False, indent=1))
        return
    for table in tables(ctx):
        show(table)
    typer.echo(f'every sample: drp sql --run {ctx.run_id} "FROM score_samples"')
    typer.echo(f"report: {page}")
