"""Distilled Reasoning Pruning: long chains of thought in, an answer-consistent corpus out.

Exit status: 0 when all was done; 2 for wrong use; 1 otherwise, with one line that says what is wrong, what
state the data is in and which command to run next.
"""

import json
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any, Literal, TypeAlias

import typer

from drp.cli.registry import registry
from drp.console.tables import add_row, new_table, show
from drp.core.errors import BadInputError, DrpError

# Commands import what they need when they run: `drp --help` answers at once.
app = typer.Typer(help=__doc__, no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)
imports = typer.Typer(
    help="Bring Parquet, JSONL, CSV or a `datasets` folder into the lake.", no_args_is_help=True
)
corpus = typer.Typer(help="Published versions of the corpus.", no_args_is_help=True)
app.add_typer(imports, name="import")
ledger = typer.Typer(help="What teachers were asked, and what it cost.", no_args_is_help=True)
app.add_typer(corpus, name="corpus")
app.add_typer(ledger, name="ledger")
app.add_typer(registry, name="registry")

Mapping: TypeAlias = Annotated[
    list[str] | None,
    typer.Option("--map", metavar="FIELD=COLUMN", help="Our field, the file's column; may be repeated."),
]
Student: TypeAlias = Annotated[str | None, typer.Option(help="The student of rows that name none.")]
File: TypeAlias = Annotated[
    Path, typer.Argument(help="Parquet, JSONL, CSV, or a folder saved by `datasets`.")
]
RunId: TypeAlias = Annotated[
    str, typer.Argument(metavar="RUN", help="Name of a run, such as 2026-11-21-drp.")
]


@imports.command("traces")
def import_traces(file: File, student: Student = None, mapping: Mapping = None) -> None:
    """Long traces of a student, with their questions and gold answers."""
    _import(file, "traces", mapping, student)


@imports.command("questions")
def import_questions(file: File, mapping: Mapping = None) -> None:
    """Problems with gold answers."""
    _import(file, "questions", mapping, None)


def _import(file: Path, kind: str, mapping: list[str] | None, student: str | None) -> None:
    from drp.lake.lake import open_lake
    from drp.stages.ingest import import_file

    counts = import_file(open_lake(), file, kind=kind, pairs=mapping or (), student=student)
    _print_table(f"{file.name}: {counts.get('rows', 0)} rows", ["what", "rows"], sorted(counts.items()))


@app.command()
def nightly(
    traces: Annotated[
        str | None, typer.Option(help="Replay these recorded traces instead of rolling out.")
    ] = None,
    recipe: Annotated[str, typer.Option(help="A recipe's name, or a YAML file.")] = "drp",
    run_date: Annotated[
        str | None, typer.Option(help="ISO date of the night.", show_default="today, UTC")
    ] = None,
    sample_size: Annotated[
        int | None, typer.Option(min=1, help="Roll out at most so many questions.")
    ] = None,
    student: Student = None,
    mapping: Mapping = None,
) -> None:
    """All stages in order, without Airflow; the same result as the DAG `drp_nightly`."""
    from drp.pipeline.nightly import nightly as do_night
    from drp.runtime.context import open_night
    from drp.stages.report import summarise

    night = open_night(recipe, run_date or datetime.now(UTC).date().isoformat())
    if traces is not None:
        traces = str(Path(traces).absolute())  # typed where the user stands, not at the repository's root
    page = do_night(night, traces, pairs=mapping or (), student=student, sample_size=sample_size)
    show(summarise(night))
    typer.echo(f"report: {page}")


@app.command()
def train(
    recipe: Annotated[str, typer.Option(help="A recipe's name, or a YAML file.")] = "drp",
    run_date: Annotated[
        str | None, typer.Option(help="ISO date of the run.", show_default="today, UTC")
    ] = None,
    corpus_version: Annotated[
        int | None, typer.Option(help="What is trained on.", show_default="current")
    ] = None,
) -> None:
    """Fine-tune, evaluate, compare, register, promote; the same result as the DAG `drp_train_eval`."""
    from drp.pipeline.train_eval import train_eval
    from drp.runtime.training_plan import open_training
    from drp.stages.train_report import tables

    run = open_training(recipe, run_date or datetime.now(UTC).date().isoformat())
    page = train_eval(run, corpus_version)
    for table in tables(run):
        show(table)
    typer.echo(f"report: {page}")


@app.command()
def sql(
    query: Annotated[
        str | None, typer.Argument(help="One reading statement; from standard input if absent.")
    ] = None,
    form: Annotated[
        Literal["table", "csv", "json"], typer.Option("--format", help="How rows are shown.")
    ] = "table",
    version: Annotated[int | None, typer.Option(help="A published version.", show_default="current")] = None,
    run: Annotated[str | None, typer.Option(help="Rows of this run, and what they refer to.")] = None,
) -> None:
    """Ask the corpus in SQL (DuckDB), read-only: the tables and the views of sql/."""
    from drp.lake.lake import open_lake
    from drp.query.output import run_query
    from drp.query.session import open_session

    lake = open_lake()
    if run is not None and version is not None:
        raise typer.BadParameter("--version and --run exclude each other")
    if run is not None:
        parts = lake.locate(part for done in lake.open_run(run).shard_files() for part in done.parts)
        con = open_session(parts, earlier=lake.published())
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
    """Verdicts of the grader: equal, different or undecided, in input order."""
    from drp.cli.grade import grade_file
    from drp.config.settings import settings

    verdicts = grade_file(file, settings().workers)
    if form == "json":
        typer.echo(json.dumps(verdicts, ensure_ascii=False, indent=1))
    else:
        _print_table(
            file.name, list(verdicts[0]) if verdicts else ["verdict"], [list(v.values()) for v in verdicts]
        )


@app.command()
def report(
    run: Annotated[str | None, typer.Argument(metavar="RUN", show_default="the last one")] = None,
) -> None:
    """Write the report of a night, or of a training run, again and print its path."""
    from drp.lake.lake import open_lake
    from drp.runtime.training_plan import open_training
    from drp.stages.report import last_night
    from drp.stages.report import report as write_report
    from drp.stages.train_report import train_report

    lake = open_lake()
    day, is_training, recipe = (run or "").partition("-train-")
    if run and is_training:
        lake.open_run(run)  # or there is none
        typer.echo(train_report(open_training(recipe, day)))
    else:
        typer.echo(write_report(last_night(lake, run)))


@corpus.command("list")
def corpus_list() -> None:
    """Published versions, newest first, and runs that wait for a person."""
    from drp.lake.lake import open_lake

    lake = open_lake()
    current = lake.corpus.current().number
    versions = [lake.corpus.read(number) for number in reversed(lake.corpus.numbers())]
    rows = [
        [
            v.number,
            "current" if v.number == current else "",
            v.published_at,
            v.run_id,
            v.rows().get("examples", 0),
        ]
        for v in versions
    ]
    _print_table("corpus", ["version", "", "published", "run", "examples"], rows)
    for run in lake.quarantined():
        typer.echo(f"quarantined: {run.run_id}. {run.state()['detail']}")


@corpus.command("show")
def corpus_show(version: Annotated[int | None, typer.Argument(show_default="current")] = None) -> None:
    """What a version holds."""
    from drp.lake.lake import open_lake

    lake = open_lake()
    shown = lake.corpus.current() if version is None else lake.corpus.read(version)
    rows = [[t, n, sum(p.part.table == t for p in shown.parts)] for t, n in sorted(shown.rows().items())]
    title = f"version {shown.number}, published {shown.published_at or 'never'} by {shown.run_id or 'nobody'}"
    _print_table(title, ["table", "rows", "parts"], rows)


@corpus.command("diff")
def corpus_diff(
    old: Annotated[int | None, typer.Argument(show_default="the one before NEW")] = None,
    new: Annotated[int | None, typer.Argument(show_default="current")] = None,
) -> None:
    """What a version added, dropped and changed, in rows and by reason."""
    from drp.lake.lake import open_lake
    from drp.query.diff import difference

    lake = open_lake()
    after = lake.corpus.current() if new is None else lake.corpus.read(new)
    before = lake.corpus.read(after.parent if old is None else old)
    found = difference(lake, before, after)
    title = f"version {before.number} to {after.number}, published by {after.run_id or 'nobody'}"
    rows = [[c.table, c.added, c.dropped, c.changed] for c in found.rows]
    _print_table(title, ["table", "rows added", "dropped", "changed"], rows)
    verdicts = [[c.recipe, c.verdict, c.before, c.after, f"{c.after - c.before:+}"] for c in found.verdicts]
    _print_table("revisions", ["recipe", "verdict", "before", "after", "change"], verdicts)


@corpus.command("verify")
def corpus_verify(version: Annotated[int | None, typer.Argument(show_default="current")] = None) -> None:
    """Read every part of a version again and compare its SHA-256."""
    from drp.lake.lake import open_lake

    lake = open_lake()
    checked = lake.corpus.current() if version is None else lake.corpus.read(version)
    number = lake.verify(published.part for published in checked.parts)
    typer.echo(f"version {checked.number}: all {number} parts are what was written")


@corpus.command("sweep")
def corpus_sweep(
    delete: Annotated[bool, typer.Option("--delete", help="Delete what is shown.")] = False,
    hours: Annotated[float, typer.Option(min=0, help="Leave what is younger.")] = 24,
) -> None:
    """Show, and with --delete delete, what no run and no kept version needs any more."""
    from drp.lake.lake import open_lake
    from drp.lake.sweep import unneeded

    found = list(unneeded(open_lake(), timedelta(hours=hours)))
    rows = [[thing.name, thing.why, "" if thing.bytes is None else f"{thing.bytes:,}"] for thing in found]
    _print_table("not needed", ["name", "why", "bytes"], rows)
    if delete:
        for thing in found:
            thing.delete()
        typer.echo(f"{len(found)} deleted")
    else:
        typer.echo(f"{len(found)} would be deleted: drp corpus sweep --delete" if found else "nothing to do")


@corpus.command("release")
def corpus_release(run: RunId) -> None:
    """Publish a quarantined night after a person has looked."""
    from drp.lake.lake import open_lake
    from drp.stages.publish import release

    typer.echo(f"corpus version {release(open_lake(), run)['corpus_version']} is current")


@corpus.command("rollback")
def corpus_rollback(
    version: Annotated[int, typer.Argument(help="The version to make current again.")],
) -> None:
    """Make an older version current; nothing is deleted."""
    from drp.lake.lake import open_lake

    typer.echo(f"corpus version {open_lake().corpus.rollback(version).number} is current")


@ledger.command("show")
def ledger_show(
    run: Annotated[str | None, typer.Argument(metavar="RUN", show_default="all runs")] = None,
) -> None:
    """What was paid, what is in flight, what was lost and why requests are dead."""
    from drp.cli.ledger_tables import tables
    from drp.config.settings import settings
    from drp.ledger.ledger import open_ledger

    with open_ledger(settings().ledger_url) as books:
        for table in tables(books, run):
            show(table, width=200)


@ledger.command("reconcile")
def ledger_reconcile(
    teacher: Annotated[str | None, typer.Option(show_default="DRP_TEACHER, or the recipe's")] = None,
    days: Annotated[int, typer.Option(help="Batches created so long ago.", min=1)] = 30,
) -> None:
    """Land the batches that have ended, and compare all of them with the provider's books."""
    from drp.config.recipe import load_recipe
    from drp.config.settings import settings
    from drp.teacher.factory import open_books
    from drp.teacher.transport.batch.reconcile import BooksDifferError, reconcile, table

    recipe = load_recipe("drp", teacher=teacher or settings().teacher)
    if recipe.profile.backend != "batch":
        raise BadInputError(
            f"teacher {recipe.teacher} is asked online, where a provider has no books to show",
            state="Nothing was read or written",
            next_command="drp ledger show, which lists what was lost in flight; or --teacher NAME",
        )
    with open_books(recipe.profile, run_id="reconcile", archive=lambda ids: {}) as books:
        lines = reconcile(recipe.teacher, recipe.profile, books, days)
    show(table(lines), width=200)
    if differing := sum(line.differs for line in lines):
        raise BooksDifferError(recipe.teacher, differing)


@ledger.command("retry-dead")
def ledger_retry_dead(
    run: Annotated[str | None, typer.Argument(metavar="RUN", show_default="all runs")] = None,
) -> None:
    """Let requests that were given up be sent again by the next night that needs them."""
    from drp.config.settings import settings
    from drp.ledger.ledger import open_ledger

    with open_ledger(settings().ledger_url) as books:
        typer.echo(f"{books.retry_dead(run)} requests may be sent again")


def _print_table(title: str, columns: list[str], rows: list[Any]) -> None:
    table = new_table(title, *columns)
    for row in rows:
        add_row(table, *row)
    show(table)


def main() -> None:
    """Entry point of the `drp` command."""
    try:
        app()
    except DrpError as error:
        typer.echo(f"drp: {error}", err=True)
        raise SystemExit(1) from error


if __name__ == "__main__":
    main()
