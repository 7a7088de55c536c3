"""`drp doctor`: check what a recipe needs, and print what mends it."""

import typer

from drp.cli.options import Overrides, RecipeOption


def doctor(recipe: RecipeOption = "drp", overrides: Overrides = None) -> None:
    """Check what a recipe needs on this machine: environments, lake, ledger, teacher, student, GPUs.

    Nothing is paid. Exit status 1 if something that the recipe needs fails.
    """
    from drp.config import load_recipe, settings
    from drp.console import add_row, new_table, show
    from drp.runtime import doctor as checks_of

    here = settings()
    loaded = load_recipe(recipe, teacher=here.teacher, student=here.student, overrides=overrides or ())
    table = new_table(f"recipe {loaded.name}", "check", "outcome", "what was seen", "what mends it")
    failed = 0
    for check in checks_of(loaded):
        outcome = (
            check.outcome if check.is_needed or check.outcome == "ok" else f"{check.outcome}, not needed"
        )
        add_row(table, check.name, outcome, check.seen, check.mend)
        failed += check.is_fatal
    show(table)
    if failed:
        typer.echo(f"drp: {failed} of these checks failed, and recipe {loaded.name} needs them", err=True)
        raise typer.Exit(1)
