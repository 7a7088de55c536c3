"""`drp recipe`: which recipes there are, which keys they have, and a new one for a student."""

from pathlib import Path
from typing import Annotated

import typer

from drp.cli.tables import print_table

# As in drp/cli/main.py, commands import what they need when they run.
recipe = typer.Typer(help="Recipes: what a night and a training run do.", no_args_is_help=True)


@recipe.command("list")
def recipe_list() -> None:
    """List the recipes that ship with DRP."""
    from drp.config import available_recipes, load_recipe

    recipes = [load_recipe(name) for name in available_recipes()]
    rows = [[r.name, r.student, r.engine, r.teacher, ", ".join(r.arms)] for r in recipes]
    print_table("recipes", ["name", "student", "engine", "teacher", "arms"], rows)


@recipe.command("keys")
def recipe_keys(
    word: Annotated[str, typer.Argument(help="Only keys whose path or meaning has this text.")] = "",
) -> None:
    """List the keys of a recipe, as docs/reference/recipe-keys.md does."""
    from drp.config import Recipe
    from drp.config import recipe_keys as all_keys

    rows = [
        [key.path, key.kind.replace("`", ""), "required" if key.default is None else key.default, key.about]
        for key in all_keys(Recipe)
        if word.lower() in f"{key.path} {key.about}".lower()
    ]
    print_table("keys of a recipe", ["key", "values", "default", "meaning"], rows)


@recipe.command("new")
def recipe_new(
    student: Annotated[str, typer.Option(metavar="FOLDER", help="The folder of a model.")],
    name: Annotated[str | None, typer.Option(help="Its name.", show_default="made of the folder's")] = None,
    out: Annotated[
        Path | None, typer.Option(help="The file to write.", show_default="NAME.yaml, here")
    ] = None,
    questions: Annotated[
        str | None,
        typer.Option(metavar="DATASET:SPLIT", help="Imported questions.", show_default="generated ones"),
    ] = None,
    benchmark: Annotated[
        str | None,
        typer.Option(
            metavar="DATASET:SPLIT",
            help="Imported questions that decide a promotion.",
            show_default="generated ones",
        ),
    ] = None,
) -> None:
    """Write a commented recipe for a student: its template, marks of thinking, end mark and length."""
    from drp.config import load_recipe, settings
    from drp.core import BadInputError
    from drp.student import new_recipe, parse_question_set
    from drp.student.engines import model_folder

    text = new_recipe(
        student,
        model_folder(student) or settings().home / student,
        name,
        parse_question_set(questions) if questions else None,
        parse_question_set(benchmark) if benchmark else None,
    )
    path = out or Path(f"{_name_in(text)}.yaml")
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
    except OSError as error:
        raise BadInputError(
            f"{path} cannot be written: {error.strerror}",
            state="Nothing was written",
            next_command=f"drp recipe new --student {student} --out FILE.yaml, with another file",
        ) from error
    try:
        load_recipe(str(path))
    except BadInputError:
        path.unlink()
        raise
    typer.echo("".join(line for line in text.splitlines(keepends=True)[:6]), nl=False)
    typer.echo(f"recipe: {path}. Next: drp doctor --recipe {path}")


def _name_in(text: str) -> str:
    return next(line.removeprefix("name: ") for line in text.splitlines() if line.startswith("name: "))
