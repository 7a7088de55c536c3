"""Distilled Reasoning Pruning: long chains of thought in, an answer-consistent corpus out.

Exit status: 0 when all was done; 2 for wrong use; 1 otherwise, with one line that says what is wrong, what
state the data is in and which command to run next.
"""

import json
import logging
import re
import shlex
import sys
from datetime import UTC, datetime
from pathlib import Path
from shutil import which
from typing import Annotated, Literal

import typer

from drp.cli.corpus import corpus
from drp.cli.doctor import doctor
from drp.cli.export import export
from drp.cli.imports import MappingOption, StudentOption, imports
from drp.cli.ledger import ledger
from drp.cli.options import Overrides, RecipeOption
from drp.cli.recipe import recipe as recipes
from drp.cli.registry import registry
from drp.cli.review import review
from drp.cli.tables import print_table
from drp.core import DrpError

# Commands import what they need when they run: `drp --help` answers at once.
app = typer.Typer(help=__doc__, no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)
app.add_typer(imports, name="import")
app.add_typer(corpus, name="corpus")
app.add_typer(export, name="export")
app.add_typer(ledger, name="ledger")
app.add_typer(recipes, name="recipe")
app.add_typer(registry, name="registry")
app.add_typer(review, name="review")
app.command()(doctor)


@app.command()
def nightly(
    traces: Annotated[
        str | None, typer.Option(help="Replay these recorded traces instead of sampling the student.")
    ] = None,
    recipe: RecipeOption = "drp",
    run_date: Annotated[
        str | None, typer.Option(help="ISO date of the night.", show_default="today, UTC")
    ] = None,
    sample_size: Annotated[
        int | None, typer.Option(min=1, help="Roll out at most this many questions.")
    ] = None,
    student: StudentOption = None,
    mapping: MappingOption = None,
    backlog: Annotated[
        bool, typer.Option("--backlog", help="Revise also what other files and students have left pending.")
    ] = False,
    overrides: Overrides = None,
) -> None:
    """Run a night: all stages in order, without Airflow, with the same result as the DAG `drp_nightly`."""
    from drp.console import show
    from drp.pipeline.nightly import nightly as do_night
    from drp.questions.importers import absolute
    from drp.runtime import open_night
    from drp.stages.report import summarise

    night = open_night(recipe, run_date or _today(), overrides=overrides or ())
    if traces is not None:
        traces = absolute(traces, Path.cwd())  # counts from the current folder, not from DRP_HOME
    page = do_night(
        night,
        traces,
        pairs=mapping or (),
        student=student,
        sample_size=sample_size,
        backlog=backlog,
        say=typer.echo,
    )
    show(summarise(night))
    typer.echo(f"report: {page}")


@app.command()
def train(
    recipe: RecipeOption = "drp",
    run_date: Annotated[
        str | None, typer.Option(help="ISO date of the run.", show_default="today, UTC")
    ] = None,
    corpus_version: Annotated[
        int | None, typer.Option(help="What is trained on.", show_default="current")
    ] = None,
    overrides: Overrides = None,
) -> None:
    """Fine-tune, evaluate, compare, register and promote: the same result as the DAG `drp_train_eval`."""
    from drp.console import show
    from drp.pipeline.train_eval import train_eval
    from drp.runtime import open_training
    from drp.stages.train_report import tables

    run = open_training(recipe, run_date or _today(), overrides=overrides or ())
    page = train_eval(run, corpus_version)
    for table in tables(run):
        show(table)
    typer.echo(f"report: {page}")


@app.command()
def evaluate(
    models: Annotated[
        list[str],
        typer.Argument(
            metavar="MODEL...",
            help="A student, the folder of a model or of a LoRA adapter, or a checkpoint as in drp registry. "
            "The first is the base of the comparison.",
        ),
    ],
    benchmarks: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAMES",
            help="Benchmarks of the recipe, or DATASET:SPLIT of imported questions; joined by commas.",
            show_default="all of the recipe",
        ),
    ] = None,
    recipe: RecipeOption = "drp",
    run_date: Annotated[
        str | None, typer.Option(help="ISO date of the run.", show_default="today, UTC")
    ] = None,
    base: Annotated[
        str | None,
        typer.Option(metavar="FOLDER", help="Base model of an adapter.", show_default="as the adapter says"),
    ] = None,
    overrides: Overrides = None,
    form: Annotated[
        Literal["table", "json"], typer.Option("--format", help="How scores are shown.")
    ] = "table",
) -> None:
    """Measure models as a training run does, and compare them; nothing is trained or published."""
    from drp.cli.evaluate import evaluate as measure

    measure(models, benchmarks or (), recipe, run_date or _today(), base, overrides or (), form)


@app.command()
def sql(
    query: Annotated[
        str | None, typer.Argument(help="One statement that reads; from standard input if absent.")
    ] = None,
    form: Annotated[
        Literal["table", "csv", "json"], typer.Option("--format", help="How rows are shown.")
    ] = "table",
    version: Annotated[int | None, typer.Option(help="A published version.", show_default="current")] = None,
    run: Annotated[str | None, typer.Option(help="Rows of this run, and what they refer to.")] = None,
) -> None:
    """Query the corpus in SQL (DuckDB), read-only: its tables and the views of sql/."""
    from drp.lake import open_lake
    from drp.query import open_session, run_query

    lake = open_lake()
    if run is not None and version is not None:
        raise typer.BadParameter("--version and --run exclude each other")
    if run is not None:
        parts = lake.locate(part for done in lake.open_run(run).shard_files() for part in done.parts)
        con = open_session(parts, earlier=lake.published(without_run=run))
    else:
        con = open_session(lake.published(version))
    run_query(con, sys.stdin.read() if query is None else query, form, sys.stdout)


@app.command()
def grade(
    file: Annotated[Path, typer.Argument(help="Parquet, JSONL or CSV with columns gold and prediction.")],
    form: Annotated[
        Literal["table", "json"], typer.Option("--format", help="How verdicts are shown.")
    ] = "table",
) -> None:
    """Grade a file: verdicts equal, different or undecided, in input order."""
    from drp.cli.grade import grade_file
    from drp.config import settings

    verdicts = grade_file(file, settings().workers)
    if form == "json":
        typer.echo(json.dumps(verdicts, ensure_ascii=False, indent=1))
    else:
        print_table(
            file.name, list(verdicts[0]) if verdicts else ["verdict"], [list(v.values()) for v in verdicts]
        )


@app.command()
def report(
    run: Annotated[str | None, typer.Argument(metavar="RUN", show_default="the last one")] = None,
) -> None:
    """Write the report of a night, a training run or an evaluation again and print its path."""
    from drp.lake import open_lake
    from drp.runtime import reopen
    from drp.stages.report import last_night
    from drp.stages.report import report as write_report
    from drp.stages.train_report import train_report

    lake = open_lake()
    if run and lake.open_run(run).parsed_id.kind in ("train", "evaluate"):
        typer.echo(train_report(reopen(lake, run)))
    else:
        typer.echo(write_report(last_night(lake, run)))


def _today() -> str:
    return datetime.now(UTC).date().isoformat()


def _log_progress() -> None:
    """Show progress as lines where no terminal can show bars."""
    logging.basicConfig(format="%(message)s")
    for name in ("drp.console.progress", "drp.jobs.runner"):
        logging.getLogger(name).setLevel(logging.INFO)


def _as_installed(error: DrpError) -> str:
    """Return the error's message with `drp` as it can be typed here, also where it is not on the PATH.

    Logs and tables name it `drp`.
    """
    program = Path(sys.argv[0])
    if which("drp") or program.name != "drp":
        return str(error)
    path = str(program if not program.is_relative_to(Path.cwd()) else program.relative_to(Path.cwd()))
    commands = "|".join(sorted(filter(None, typer.main.get_command(app).commands)))  # type: ignore[attr-defined]
    typed = re.sub(rf"(?<![\w./-])drp (?=(?:{commands})\b)", f"{shlex.quote(path)} ", error.next_command)
    return str(DrpError(error.problem, state=error.state, next_command=typed))


def main() -> None:
    """Entry point of the `drp` command."""
    if not sys.stderr.isatty():
        _log_progress()
    try:
        app()
    except DrpError as error:
        typer.echo(f"drp: {_as_installed(error)}", err=True)
        raise SystemExit(1) from error


if __name__ == "__main__":
    main()
