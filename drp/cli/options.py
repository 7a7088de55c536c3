"""Options that several commands have."""

from typing import Annotated, TypeAlias

import typer

RecipeOption: TypeAlias = Annotated[str, typer.Option(help="A recipe's name, or a YAML file.")]
Overrides: TypeAlias = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="KEY=VALUE",
        help="Change a key of the recipe for this run, such as training.epochs=1; may be repeated.",
    ),
]
