"""`drp review`: people read sampled revisions and give their verdicts."""

import getpass
import json
import os
import sys
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeAlias

import typer

from drp.core import BadInputError, ReviewFault, ReviewVerdict

if TYPE_CHECKING:
    from drp.lake import Lake, Run
    from drp.reviews import RevisionPair, Selection

# As in drp/cli/main.py, commands import what they need when they run.
review = typer.Typer(invoke_without_command=True)

ReviewerOption: TypeAlias = Annotated[
    str | None,
    typer.Option(
        metavar="NAME", help="Who gives the verdicts.", show_default="DRP_REVIEWER, or the login name"
    ),
]


@review.callback()
def review_sample(
    context: typer.Context,
    run: Annotated[
        str | None, typer.Option(metavar="RUN", help="A night.", show_default="the newest of the corpus")
    ] = None,
    count: Annotated[int, typer.Option("--n", "-n", min=1, help="Sample at most this many revisions.")] = 20,
    rejected: Annotated[bool, typer.Option("--rejected", help="Sample rejected revisions.")] = False,
    reason: Annotated[
        str | None,
        typer.Option(metavar="REASON", help="Sample revisions that were rejected for this reason."),
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the sample as JSON, and ask nothing.")
    ] = False,
    page: Annotated[
        Path | None, typer.Option(metavar="FILE.html", help="Write the sample as a page, and ask nothing.")
    ] = None,
    reviewer: ReviewerOption = None,
) -> None:
    """Read a sample of a night's revisions next to their originals, and store a verdict on each.

    The sample is the same for all reviewers. Revisions that you have judged are left out.
    """
    if context.invoked_subcommand is not None:
        return
    if as_json and page is not None:
        raise typer.BadParameter("--json and --page exclude each other")
    from drp.lake import open_lake
    from drp.reviews import night_of, read_by

    lake = open_lake()
    night, who, chosen = night_of(lake, run), _reviewer(reviewer), _selection(rejected, reason)
    known = read_by(lake, night, who)
    pairs = _pairs(lake, night, chosen, known, count)
    if as_json:
        from drp.cli.review_terminal import pair_document

        typer.echo(json.dumps([pair_document(pair) for pair in pairs], ensure_ascii=True, indent=1))
    elif page is not None:
        _write_page(page, night.run_id, chosen, who, pairs, len(known))
    elif not pairs:
        typer.echo(
            f"{night.run_id} has no {chosen.text} revision that {who} has not judged ({len(known)} judged)"
        )
    else:
        _read_through(lake, night, who, chosen, pairs)


@review.command("record")
def review_record(
    revision_id: Annotated[str, typer.Argument(metavar="REVISION_ID", help="The revision.")],
    verdict: Annotated[ReviewVerdict, typer.Option(help="How sound the revision is.")],
    fault: Annotated[ReviewFault | None, typer.Option(help="Kind of the main fault.")] = None,
    note: Annotated[str | None, typer.Option(metavar="TEXT", help="Your own words.")] = None,
    reviewer: ReviewerOption = None,
) -> None:
    """Store one verdict. It replaces your earlier verdict on this revision; the history is kept."""
    from drp.lake import open_lake
    from drp.reviews import find_revision, judge, publish, record

    judgement = judge(verdict, fault, note)
    lake = open_lake()
    stored = record(lake, find_revision(lake, revision_id), _reviewer(reviewer), judgement)
    publish(lake)
    typer.echo(
        f"{stored.revision_id} of {stored.run_id}: {judgement.text}, "
        f"verdict {stored.number} of {stored.reviewer}"
    )


def _reviewer(given: str | None) -> str:
    """Return the reviewer's name.

    Raises:
        BadInputError: none was given, and the login name is unknown.
    """
    from drp.config import settings

    name = given or settings().reviewer or os.environ.get("USER")
    if name:
        return name
    try:
        return getpass.getuser()
    except (OSError, KeyError) as error:
        raise BadInputError(
            "there is no login name to use as the reviewer's name",
            state="No verdict was stored",
            next_command="set DRP_REVIEWER, or use --reviewer NAME",
        ) from error


def _selection(rejected: bool, reason: str | None) -> "Selection":
    from drp.gates import REASONS
    from drp.reviews import Selection

    if reason is not None and reason not in REASONS:
        raise BadInputError(
            f"{reason!r} is not a reject reason: use one of {', '.join(REASONS)}",
            state="Nothing was read or stored",
            next_command="drp review --reason REASON",
        )
    return Selection(rejected, reason)


def _pairs(
    lake: "Lake", night: "Run", chosen: "Selection", known: set[str], count: int
) -> "list[RevisionPair]":
    from drp.reviews import open_night, read_pairs, sample

    with closing(open_night(lake, night)) as con:
        return read_pairs(con, sample(con, night, chosen, known, count), with_originals=True)


def _write_page(
    path: Path, run_id: str, chosen: "Selection", reviewer: str, pairs: "list[RevisionPair]", known: int
) -> None:
    from drp.report.review_page import build_review_page

    html = build_review_page(run_id, chosen, reviewer, pairs, known)
    try:
        path.write_text(html, encoding="utf-8")
    except OSError as error:
        raise BadInputError(
            f"the page cannot be written to {path}: {error.strerror}",
            state="Nothing was stored",
            next_command="drp review --page FILE.html, in a folder that can be written",
        ) from error
    typer.echo(f"page: {path.absolute()} ({len(pairs)} revisions of {run_id})")


def _read_through(
    lake: "Lake", night: "Run", reviewer: str, chosen: "Selection", pairs: "list[RevisionPair]"
) -> None:
    """Show the pairs one by one, and store each verdict at once. In the end, publish the verdicts."""
    from drp.cli.review_terminal import Terminal, read_through
    from drp.reviews import publish, record

    typer.echo(f"{night.run_id}: {len(pairs)} {chosen.text} revisions for {reviewer}")
    stored = 0
    try:
        for pair, judgement in read_through(Terminal(sys.stdin, sys.stdout), pairs):
            record(lake, pair.ref, reviewer, judgement)
            stored += 1
            typer.echo(f"stored: {judgement.text}")
    finally:
        typer.echo(f"{stored} verdict{'' if stored == 1 else 's'} stored")
        publish(lake)
    typer.echo('The trend: drp sql "FROM review_trend"')
    typer.echo(f"The report with them: drp report {night.run_id}")
