"""One checkpoint as tables for the terminal, and all of them as rows: behind `drp registry show`, `list`."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from rich.table import Table

from drp.console import add_row, new_table
from drp.registry import Checkpoint, Flag, Move, holders

COLUMNS = (
    *("checkpoint_id", "aliases", "student", "arm", "recipe", "objective", "corpus_version"),
    *("loss", "created_at", "flags"),
)
"""Of the rows."""


def rows(
    checkpoints: Iterable[Checkpoint], moves: Iterable[Move], flags: Mapping[str, Sequence[Flag]]
) -> list[list[Any]]:
    """A row a checkpoint, in their order; `loss` is the last one, None if it is not known."""
    held = holders(moves)
    return [
        [
            c.checkpoint_id,
            ", ".join(held.get(c.checkpoint_id, ())),
            *(c.student, c.arm, c.recipe, c.objective, c.corpus_version),
            _last(c.curve, "loss"),
            c.created_at.replace(microsecond=0),
            ", ".join(flag.flag for flag in flags.get(c.checkpoint_id, ())),
        ]
        for c in checkpoints
    ]


def tables(checkpoint: Checkpoint, moves: Sequence[Move], flags: Sequence[Flag] = ()) -> list[Table]:
    """Lineage and files and, where there are any, scores and moves; of `moves` those that concern it."""
    found = [_lineage(checkpoint, holders(moves).get(checkpoint.checkpoint_id, []))]
    if flags:
        found.append(_flags(flags))
    if checkpoint.scores:
        found.append(_scores(checkpoint.scores))
    own = [move for move in moves if checkpoint.checkpoint_id in (move.from_id, move.to_id)]
    if own:
        found.append(_moves(own))
    return found


def _lineage(checkpoint: Checkpoint, aliases: Sequence[str]) -> Table:
    table = new_table(f"checkpoint {checkpoint.checkpoint_id}", "", "")
    table.show_header = False
    size = sum(file.bytes for file in checkpoint.files)
    for name, value in (
        ("aliases", ", ".join(aliases) or "none"),
        ("student", checkpoint.student),
        ("arm", checkpoint.arm),
        ("base model", f"{checkpoint.base_model}, sha256 {checkpoint.base_sha256}"),
        ("corpus version", checkpoint.corpus_version),
        ("recipe", f"{checkpoint.recipe}, hash {checkpoint.recipe_hash}"),
        ("objective", checkpoint.objective),
        ("code", f"commit {checkpoint.code_commit}"),
        ("environment", checkpoint.environment),
        ("last loss", _loss(checkpoint.curve)),
        ("created", f"{checkpoint.created_at:%Y-%m-%d %H:%M:%S} UTC"),
        ("files", f"{len(checkpoint.files)}, {size:,} bytes"),
        ("sha256", checkpoint.sha256),
        ("adapter", checkpoint.adapter_key or "none"),
        ("merged", checkpoint.merged_key or "none"),
    ):
        add_row(table, name, value)
    return table


def _loss(curve: Sequence[Mapping[str, Any]]) -> str:
    if not curve:
        return "not recorded"
    said = f"{_figure(curve[-1].get('loss'))} at step {curve[-1].get('step')}"
    validation = _last(curve, "validation_loss")
    return said if validation is None else f"{said}, {_figure(validation)} in the last validation"


def _last(curve: Sequence[Mapping[str, Any]], name: str) -> Any:
    """The last value of a column that is not None; None if there is none."""
    return next((point[name] for point in reversed(curve) if point.get(name) is not None), None)


def _scores(scores: Sequence[Mapping[str, Any]]) -> Table:
    columns = list(dict.fromkeys(name for score in scores for name in score))
    table = new_table("scores", *columns)
    for score in scores:
        add_row(table, *(_figure(score.get(name)) for name in columns))
    return table


def _flags(flags: Sequence[Flag]) -> Table:
    table = new_table("flags: do not use this checkpoint", "when", "what", "reason")
    for flag in flags:
        add_row(table, f"{flag.flagged_at:%Y-%m-%d %H:%M:%S}", flag.flag, flag.reason)
    return table


def _moves(moves: Sequence[Move]) -> Table:
    table = new_table("moves", "when", "alias", "from", "to", "reason")
    for move in moves:
        when = f"{move.moved_at:%Y-%m-%d %H:%M:%S}"
        add_row(table, when, move.alias, move.from_id or "nothing", move.to_id, move.reason)
    return table


def _figure(value: Any) -> str:
    if value is None:
        return ""
    return f"{value:.4g}" if isinstance(value, float) else str(value)
