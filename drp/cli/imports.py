"""`drp import`: bring traces and questions into the lake, or show how they would be read."""

from typing import TYPE_CHECKING, Annotated, Literal, TypeAlias

import typer

from drp.cli.tables import print_table

if TYPE_CHECKING:
    from drp.questions.importers import Preview

imports = typer.Typer(
    help="Bring Parquet, JSONL, CSV or a `datasets` folder into the lake.", no_args_is_help=True
)

MappingOption: TypeAlias = Annotated[
    list[str] | None,
    typer.Option(
        "--map",
        metavar="FIELD=COLUMN",
        help="Our field and the file's column, or an address inside it (messages[0].info.answer); a+b joins "
        "texts; FIELD= reads none. May be repeated.",
    ),
]
StudentOption: TypeAlias = Annotated[str | None, typer.Option(help="Student of rows that do not name one.")]
FilesArgument: TypeAlias = Annotated[
    list[str],
    typer.Argument(
        metavar="FILE...",
        help="Parquet, JSONL or CSV, also compressed; a folder or glob of such shards, or one saved by "
        "`datasets`; an s3:// address; or - for standard input.",
    ),
]
PreviewOption: TypeAlias = Annotated[
    bool,
    typer.Option("--dry-run", help="Show the guess and three rows as they would be read; import nothing."),
]


@imports.command("traces")
def import_traces(
    files: FilesArgument,
    student: StudentOption = None,
    mapping: MappingOption = None,
    dry_run: PreviewOption = False,
) -> None:
    """Import long traces of a student, with their questions and gold answers."""
    _import(files, "traces", mapping, student, dry_run=dry_run)


@imports.command("questions")
def import_questions(
    files: FilesArgument, mapping: MappingOption = None, dry_run: PreviewOption = False
) -> None:
    """Import problems with gold answers."""
    _import(files, "questions", mapping, None, dry_run=dry_run)


def _import(
    files: list[str],
    kind: Literal["traces", "questions"],
    mapping: list[str] | None,
    student: str | None,
    *,
    dry_run: bool,
) -> None:
    from drp.questions.importers import open_input, preview

    with open_input(*files) as source:
        if dry_run:
            _show(preview(source, kind=kind, pairs=mapping or (), student=student), source.name)
            return
        from drp.lake import open_lake
        from drp.stages.ingest import import_file

        counts = import_file(open_lake(), source, kind=kind, pairs=mapping or (), student=student)
        if kind == "traces":  # it counts rows that are questions without a trace, which such a file has not
            counts = {what: number for what, number in counts.items() if what != "questions"}
        print_table(f"{source.name}: {counts.get('rows', 0)} rows", ["what", "rows"], sorted(counts.items()))


def _show(shown: "Preview", name: str) -> None:
    print_table(f"{name}: how it would be read", ["field", "column", "holds"], list(shown.guess))
    for note in shown.notes:
        typer.echo(f"not used: {note}")
    for place, items in shown.rows:
        for number, item in enumerate(items, start=1):
            title = f"{place}, generation {number}" if len(items) > 1 else place
            print_table(title, ["field", "value"], list(item))
    counts = ", ".join(f"{number} {what}" for what, number in shown.counts.most_common())
    typer.echo(f"first {shown.counts.total():,} items: {counts}. Nothing was imported.")
