"""`drp ledger`: what teachers were asked, and what it cost."""

from typing import Annotated

import typer

from drp.core import BadInputError

# As in drp/cli/main.py, commands import what they need when they run.
ledger = typer.Typer(help="What teachers were asked, and what it cost.", no_args_is_help=True)


@ledger.command("show")
def ledger_show(
    run: Annotated[str | None, typer.Argument(metavar="RUN", show_default="all runs")] = None,
) -> None:
    """Show what was paid, what is in flight, what was lost, and why requests are dead."""
    from drp.cli.ledger_tables import tables
    from drp.config import settings
    from drp.console import show
    from drp.ledger import open_ledger

    with open_ledger(settings().resolved_database_url) as session:
        for table in tables(session, run):
            show(table, width=200)


@ledger.command("reconcile")
def ledger_reconcile(
    teacher: Annotated[str | None, typer.Option(show_default="DRP_TEACHER, or the recipe's")] = None,
    days: Annotated[int, typer.Option(help="Batches created in the last days.", min=1)] = 30,
) -> None:
    """Record the batches that have ended, and compare all batches with the provider's records."""
    from drp.config import load_recipe, settings
    from drp.console import show
    from drp.teacher import open_ledger_session
    from drp.teacher.transport.batch import BooksDifferError, reconcile, table

    recipe = load_recipe("drp", teacher=teacher or settings().teacher)
    if recipe.profile.backend != "batch":
        raise BadInputError(
            f"teacher {recipe.teacher} is asked online, where providers keep no records to compare with",
            state="Nothing was read or written",
            next_command="drp ledger show, which lists what was lost in flight; or --teacher NAME",
        )
    with open_ledger_session(recipe.profile, run_id="reconcile", archive=lambda ids: {}) as session:
        lines = reconcile(recipe.teacher, recipe.profile, session, days)
    show(table(lines), width=200)
    if differing := sum(line.differs for line in lines):
        raise BooksDifferError(recipe.teacher, differing)


@ledger.command("retry-dead")
def ledger_retry_dead(
    run: Annotated[str | None, typer.Argument(metavar="RUN", show_default="all runs")] = None,
) -> None:
    """Let the next night send requests again that were given up."""
    from drp.config import settings
    from drp.ledger import open_ledger

    with open_ledger(settings().resolved_database_url) as session:
        typer.echo(f"{session.retry_dead(run)} requests may be sent again")
