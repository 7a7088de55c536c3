"""`drp corpus`: published versions."""

from datetime import timedelta
from typing import Annotated, TypeAlias

import typer

from drp.cli.tables import print_table
from drp.cli.withdrawal_tables import print_discard, print_removal, print_withdrawn

# As in drp/cli/main.py, commands import what they need when they run.
corpus = typer.Typer(help="Published versions of the corpus.", no_args_is_help=True)

RunArgument: TypeAlias = Annotated[
    str, typer.Argument(metavar="RUN", help="Name of a run, such as 2026-11-21-drp.")
]

ReasonOption: TypeAlias = Annotated[str, typer.Option(metavar="TEXT", help="Why; it is recorded.")]
DryRunOption: TypeAlias = Annotated[
    bool, typer.Option("--dry-run", help="Only show what would leave the corpus.")
]


@corpus.command("list")
def corpus_list() -> None:
    """List the published versions, newest first, and the runs that wait for a person."""
    from drp.lake import open_lake

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
    print_table("corpus", ["version", "", "published", "run", "examples"], rows)
    for run in lake.quarantined():
        typer.echo(f"quarantined: {run.run_id}. {run.state().detail}")


@corpus.command("show")
def corpus_show(version: Annotated[int | None, typer.Argument(show_default="current")] = None) -> None:
    """Show the tables of a version."""
    from drp.lake import open_lake

    lake = open_lake()
    chosen = lake.corpus.current() if version is None else lake.corpus.read(version)
    rows = [[t, n, sum(p.part.table == t for p in chosen.parts)] for t, n in sorted(chosen.rows().items())]
    title = (
        f"version {chosen.number}, published {chosen.published_at or 'never'} by {chosen.run_id or 'no run'}"
    )
    print_table(title, ["table", "rows", "parts"], rows)


@corpus.command("diff")
def corpus_diff(
    old: Annotated[int | None, typer.Argument(show_default="the one before NEW")] = None,
    new: Annotated[int | None, typer.Argument(show_default="current")] = None,
) -> None:
    """Show what a version added, dropped and changed, in rows and by reason."""
    from drp.lake import open_lake
    from drp.query import difference

    lake = open_lake()
    after = lake.corpus.current() if new is None else lake.corpus.read(new)
    number = after.parent if old is None else old
    print_withdrawn(lake, number, after.number)
    if old is None and number not in (0, *lake.corpus.numbers()):
        typer.echo(f"version {number} was retired: its rows can no longer be compared")
        return
    before = lake.corpus.read(number)
    changes = difference(lake, before, after)
    title = f"version {before.number} to {after.number}, published by {after.run_id or 'no run'}"
    rows = [[c.table, c.added, c.dropped, c.changed] for c in changes.rows]
    print_table(title, ["table", "rows added", "dropped", "changed"], rows)
    verdicts = [[c.recipe, c.verdict, c.before, c.after, f"{c.after - c.before:+}"] for c in changes.verdicts]
    print_table("revisions", ["recipe", "verdict", "before", "after", "change"], verdicts)


@corpus.command("verify")
def corpus_verify(version: Annotated[int | None, typer.Argument(show_default="current")] = None) -> None:
    """Read every part of a version again and compare its SHA-256."""
    from drp.lake import open_lake

    lake = open_lake()
    checked = lake.corpus.current() if version is None else lake.corpus.read(version)
    number = lake.verify(published.part for published in checked.parts)
    typer.echo(f"version {checked.number}: all {number} parts are what was written")


@corpus.command("sweep")
def corpus_sweep(
    delete: Annotated[bool, typer.Option("--delete", help="Delete what is shown.")] = False,
    hours: Annotated[float, typer.Option(min=0, help="Keep what is younger than this.")] = 24,
) -> None:
    """Show, and with --delete remove, what no run and no kept version needs any more."""
    from drp.lake import open_lake, unneeded
    from drp.withdrawals import stale_reports

    lake, age = open_lake(), timedelta(hours=hours)
    found = [*unneeded(lake, age), *stale_reports(lake, age)]
    rows = [[thing.name, thing.why, "" if thing.bytes is None else f"{thing.bytes:,}"] for thing in found]
    print_table("not needed", ["name", "why", "bytes"], rows)
    if delete:
        for thing in found:
            thing.delete()
        typer.echo(f"{len(found)} deleted")
    else:
        typer.echo(f"{len(found)} would be deleted: drp corpus sweep --delete" if found else "nothing to do")


@corpus.command("release")
def corpus_release(run: RunArgument) -> None:
    """Publish a quarantined night that a person has approved."""
    from drp.lake import open_lake
    from drp.stages.publish import release

    typer.echo(f"corpus version {release(open_lake(), run)['corpus_version']} is current")


@corpus.command("discard")
def corpus_discard(run: RunArgument, reason: ReasonOption, dry_run: DryRunOption = False) -> None:
    """Take the rows of a quarantined or published night out of the next version; nothing is deleted."""
    from drp.lake import open_lake
    from drp.runtime import check_reason
    from drp.withdrawals import discard, plan_discard

    lake = open_lake()
    check_reason(reason)
    print_discard(plan_discard(lake, run))
    if dry_run:
        typer.echo("nothing was changed; the same command without --dry-run discards these rows")
        return
    record = discard(lake, run, reason)
    parsed = lake.open_run(run).parsed_id
    again = f"drp nightly --run-date {parsed.date} --recipe {parsed.recipe} does the night again"
    typer.echo(
        f"run {run} is discarded; corpus version {record.version} is without its rows. Older versions still "
        "have what was published, and parts stay until a sweep. Next: drp corpus diff shows the change, and "
        + ("drp import brings a corrected file in" if parsed.kind == "import" else again)
    )


@corpus.command("remove")
def corpus_remove(
    source: Annotated[str, typer.Option(help="As in questions.source: usually the name of a file.")],
    reason: ReasonOption,
    dry_run: DryRunOption = False,
) -> None:
    """Remove a source for good, with all that was made from it, and retire the versions that have it."""
    from drp.lake import open_lake
    from drp.runtime import check_reason, plan_remove_and_flag, remove_and_flag

    lake = open_lake()
    check_reason(reason)
    print_removal(plan_remove_and_flag(lake, source))
    if dry_run:
        typer.echo("nothing was changed; the same command without --dry-run removes these rows")
        return
    record = remove_and_flag(lake, source, reason).record
    typer.echo(
        f"source {source} is removed; corpus version {record.version if record else 0} is "
        "without it. Ingest refuses its rows from now on. The bytes stay until a sweep, a day from now at "
        "the earliest. Next: drp registry list shows flagged checkpoints; tomorrow, drp corpus sweep "
        "--delete deletes the bytes"
    )


@corpus.command("rollback")
def corpus_rollback(
    version: Annotated[int, typer.Argument(help="The version to make current again.")],
) -> None:
    """Make an older version current; nothing is deleted."""
    from drp.lake import open_lake

    typer.echo(f"corpus version {open_lake().corpus.rollback(version).number} is current")
