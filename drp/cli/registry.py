"""`drp registry`: look at checkpoints, say which one is in use, and take one to where it is served."""

import sys
from collections.abc import Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, TypeAlias

import typer

from drp.core import Alias, CheckpointFolder

if TYPE_CHECKING:
    from drp.registry import Checkpoint, Flag, Registry
    from drp.storage import ObjectStore

# As in drp/cli/main.py, commands import what they need when they run.
registry = typer.Typer(
    help="Checkpoints: what was trained, and which of them is in use.", no_args_is_help=True
)

Name: TypeAlias = Annotated[
    str, typer.Argument(metavar="NAME", help="An id, 6 or more characters that it begins with, or an alias.")
]
MovedAlias: TypeAlias = Annotated[Alias, typer.Option("--alias", help="The alias that moves.")]
StudentFilter: TypeAlias = Annotated[
    str | None, typer.Option(help="Whose alias is meant.", show_default="the only student that has it")
]


@registry.command("list")
def registry_list(
    student: Annotated[str | None, typer.Option(help="Of this student only.")] = None,
    form: Annotated[
        Literal["table", "csv", "json"], typer.Option("--format", help="How rows are shown.")
    ] = "table",
) -> None:
    """List checkpoints, newest first, with their aliases and their last loss."""
    from drp.cli.registry_tables import COLUMNS, rows
    from drp.query import write_rows

    with _open() as opened:
        found = rows(opened.list(student), opened.moves(), opened.flags())
    write_rows(COLUMNS, found, form, sys.stdout)


@registry.command("show")
def registry_show(name: Name, student: StudentFilter = None) -> None:
    """Show what a checkpoint was made from, its digest and scores, and when it had which alias."""
    from drp.cli.registry_tables import tables
    from drp.console import show

    with _open() as opened:
        checkpoint = opened.get(name, student)
        flags = opened.flags().get(checkpoint.checkpoint_id, ())
        shown = tables(checkpoint, opened.moves(), flags)
    for table in shown:
        show(table, width=200)


@registry.command("promote")
def registry_promote(
    name: Name,
    alias: MovedAlias = "champion",
    reason: Annotated[str, typer.Option(help="Why; kept with the move.")] = "by hand",
) -> None:
    """Give an alias of its student to a checkpoint."""
    with _open() as opened:
        move = opened.promote(name, alias, reason)
        flags = opened.flags().get(move.to_id, ())
    for flag in flags:
        typer.echo(f"warning: this checkpoint is flagged: {flag.flag}: {flag.reason}", err=True)
    typer.echo(f"{alias} of {move.student} is {move.to_id} (before: {move.from_id or 'none'})")


@registry.command("rollback")
def registry_rollback(alias: MovedAlias = "champion", student: StudentFilter = None) -> None:
    """Give an alias back to the checkpoint that had it before the last promotion."""
    with _open() as opened:
        move = opened.rollback(alias, student)
    typer.echo(f"{alias} of {move.student} is {move.to_id} again (before: {move.from_id})")


@registry.command("export")
def registry_export(
    name: Name,
    folder: Annotated[Path, typer.Argument(help="A folder that does not exist yet.")],
    which: Annotated[
        CheckpointFolder, typer.Option(help="The whole model, or the LoRA weights alone.")
    ] = "merged",
    student: StudentFilter = None,
) -> None:
    """Copy a checkpoint, with its card, into a folder that `transformers` and `vllm serve` load."""
    from drp.registry import CARD, fetch

    with _open() as opened:
        checkpoint = opened.get(name, student)
        flags = opened.flags().get(checkpoint.checkpoint_id, ())
    store = _store()
    fetch(store, checkpoint, which, folder)
    if card := _card(store, checkpoint, flags):
        (folder / CARD).write_text(card, encoding="utf-8")
    typer.echo(f"checkpoint {checkpoint.checkpoint_id}, {which}, is in {folder}")


@registry.command("card")
def registry_card(name: Name, student: StudentFilter = None) -> None:
    """Print a checkpoint's card: sources, licences, contamination checks, recipe and scores."""
    from drp.core import BadInputError

    with _open() as opened:
        checkpoint = opened.get(name, student)
        flags = opened.flags().get(checkpoint.checkpoint_id, ())
    card = _card(_store(), checkpoint, flags)
    if card is None:
        raise BadInputError(
            f"checkpoint {checkpoint.checkpoint_id} has no card: it was registered before there were cards",
            state="Nothing was changed",
            next_command=f"drp registry show {checkpoint.checkpoint_id[:12]}",
        )
    typer.echo(card, nl=False)


@registry.command("verify")
def registry_verify(name: Name, student: StudentFilter = None) -> None:
    """Read every file of a checkpoint in the lake again and compare its SHA-256."""
    from drp.registry import verify

    with _open() as opened:
        checkpoint = opened.get(name, student)
    number = verify(_store(), checkpoint)
    typer.echo(f"checkpoint {checkpoint.checkpoint_id}: all {number} files are what was registered")


@registry.command("push")
def registry_push(
    name: Name,
    to: Annotated[
        str, typer.Option(metavar="URI", envvar="MLFLOW_TRACKING_URI", help="An MLflow server, http(s)://.")
    ],
    model: Annotated[
        str | None, typer.Option(help="Its name in MLflow.", show_default="drp- and the student")
    ] = None,
    student: StudentFilter = None,
) -> None:
    """Send a checkpoint to MLflow: a run with its lineage, curve and files, and a model version."""
    from drp.registry import holders
    from drp.registry.mlflow_push import push

    with _open() as opened:
        checkpoint = opened.get(name, student)
        aliases = holders(opened.moves()).get(checkpoint.checkpoint_id, [])
    pushed = push(_store(), checkpoint, aliases, to, model)
    message = f"checkpoint {checkpoint.checkpoint_id} is version {pushed.version} of {pushed.model} in MLflow"
    typer.echo(message if pushed.sent else f"{message} already: nothing was sent")


def _open() -> "AbstractContextManager[Registry]":
    from drp.config import settings
    from drp.registry import open_registry

    return open_registry(settings().resolved_database_url)


def _card(store: "ObjectStore", checkpoint: "Checkpoint", flags: "Sequence[Flag]") -> str | None:
    """Return the card of a checkpoint with its present flags; None if it has no card."""
    from drp.report.cards import card_key, with_flags

    data = store.get(card_key(checkpoint.checkpoint_id))
    return with_flags(data.decode(), flags) if data else None


def _store() -> "ObjectStore":
    from drp.config import settings
    from drp.storage import open_store

    return open_store(settings().lake_root)
