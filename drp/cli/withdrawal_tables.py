"""What a withdrawal takes out, as tables for the terminal: `drp corpus discard`, `remove` and `diff`."""

from typing import TYPE_CHECKING

import typer

from drp.cli.tables import print_table

if TYPE_CHECKING:
    from drp.lake import Lake
    from drp.runtime import Removal
    from drp.withdrawals import DiscardPlan


def print_discard(plan: "DiscardPlan") -> None:
    """Print what discarding a run takes out."""
    _print_rows(f"rows of {plan.run.run_id}, and rows made from them", plan.rows, plan.unpublished)


def print_removal(removal: "Removal") -> None:
    """Print what removing a source takes out, retires and flags."""
    plan = removal.plan
    _print_rows(f"rows of {plan.source}, and rows made from them", plan.rows, plan.unpublished)
    versions = ", ".join(map(str, plan.retired)) or "none"
    typer.echo(f"corpus versions that are retired, because they have such rows: {versions}")
    rows = [[c.checkpoint_id, c.student, c.arm, c.corpus_version] for c in removal.checkpoints]
    title = f"{len(rows)} checkpoints that were trained on them: they are flagged"
    print_table(title, ["checkpoint", "student", "arm", "corpus version"], rows)


def print_withdrawn(lake: "Lake", old: int, new: int) -> None:
    """Print what was withdrawn between two versions, and why."""
    from drp.withdrawals import withdrawals

    words = {"discard": "discarded night", "remove": "removed source", "correct": "corrected by"}
    rows = [
        [f"{words[record.kind]} {record.target}", record.reason, table, count]
        for record in withdrawals(lake.store)
        if record.version is not None and old < record.version <= new
        for table, count in record.rows.items()
    ]
    if rows:
        print_table("withdrawn between these versions", ["what", "reason", "table", "rows"], rows)


def _print_rows(title: str, published: dict[str, int], unpublished: dict[str, int]) -> None:
    rows = [
        [table, published.get(table, 0), unpublished.get(table, 0)]
        for table in sorted({*published, *unpublished})
    ]
    print_table(title, ["table", "in the current version", "only in runs"], rows)
