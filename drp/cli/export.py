"""`drp export`: take a corpus version to where other tools train on it."""

import tempfile
from pathlib import Path
from typing import Annotated, Literal

import typer

# As in drp/cli/main.py, commands import what they need when they run.
export = typer.Typer(help="Take a corpus version to other tools.", no_args_is_help=True)


@export.callback()
def _group() -> None:
    """Keep `dataset` a subcommand while it is the only one."""


@export.command("dataset")
def export_dataset(
    folder: Annotated[Path, typer.Argument(help="A folder that does not exist yet.")],
    layout: Annotated[
        Literal["trl", "sharegpt", "messages"], typer.Option("--format", help="How an example is laid out.")
    ] = "messages",
    kind: Annotated[Literal["parquet", "jsonl"], typer.Option("--as", help="The kind of file.")] = "parquet",
    version: Annotated[int | None, typer.Option(help="A corpus version.", show_default="current")] = None,
    recipe: Annotated[str, typer.Option(help="Only examples of this recipe.", show_default="all")] = "",
    student: Annotated[str, typer.Option(help="Only examples of this student.", show_default="all")] = "",
) -> None:
    """Write the training examples of a corpus version, with a dataset card, into a folder."""
    from drp.core import BadInputError
    from drp.curation import columns_of, export_examples
    from drp.lake import open_lake
    from drp.registry import CARD
    from drp.report.cards import ChosenExamples, dataset_card

    if folder.exists():
        raise BadInputError(
            f"{folder} exists already",
            state="Nothing was written",
            next_command="drp export dataset FOLDER, with a folder that does not exist yet",
        )
    lake = open_lake()
    number = lake.corpus.current().number if version is None else version
    addresses, file = lake.published(number), f"train.{kind}"
    try:
        folder.absolute().parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=f".{folder.name}-", dir=folder.absolute().parent) as partial:
            made = Path(partial) / "files"  # the temporary folder itself is readable only by its owner
            made.mkdir()
            rows = export_examples(addresses, layout, made / file, recipe=recipe, student=student)
            if not rows:
                raise BadInputError(
                    f"corpus version {number} has no such examples",
                    state="Nothing was written",
                    next_command='drp sql "SELECT DISTINCT recipe, student FROM example_lineage"',
                )
            card = dataset_card(
                addresses,
                ChosenExamples(recipe=recipe, student=student),
                version=number,
                rows=rows,
                file=file,
                layout=layout,
                columns=columns_of(layout),
            )
            (made / CARD).write_text(card, encoding="utf-8")
            made.rename(folder)
    except OSError as error:
        raise BadInputError(
            f"{folder} cannot be written: {error.strerror}",
            state="No partial copy was left there",
            next_command="free disk space, or choose another folder: drp export dataset FOLDER",
        ) from error
    typer.echo(f"{rows:,} examples of corpus version {number} and their card ({CARD}) are in {folder}")
