"""Remove a source: its rows leave the corpus, and the checkpoints that were trained on it get a flag."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from drp.config import parse_student_name, settings
from drp.core import BadInputError
from drp.lake import Lake
from drp.registry import Checkpoint, Registry, open_registry
from drp.withdrawals import (
    RemovalPlan,
    Withdrawal,
    finish_removal,
    plan_removal,
    remove_source,
    withdrawals,
)


@dataclass(frozen=True)
class Removal:
    """What removing a source takes out, or took out."""

    plan: RemovalPlan
    checkpoints: tuple[Checkpoint, ...]
    """Checkpoints that were trained on it."""
    record: Withdrawal | None = None


def plan_remove_and_flag(lake: Lake, source: str) -> Removal:
    """Return what `remove_and_flag` would take out, retire and flag; nothing is changed.

    Raises:
        UnknownSourceError: the lake has no row of this source, and never had.
    """
    plan = plan_removal(lake, source)
    with open_registry(settings().resolved_database_url) as registry:
        return Removal(plan, tuple(trained_on(registry, plan.trained)))


def remove_and_flag(lake: Lake, source: str, reason: str) -> Removal:
    """Remove a source from the corpus for good, and flag the checkpoints that were trained on it.

    Raises:
        UnknownSourceError: the lake has no row of this source, and never had.
        BadInputError: there is no reason.
    """
    check_reason(reason)
    planned = plan_remove_and_flag(lake, source)
    record = remove_source(lake, source, reason)
    with open_registry(settings().resolved_database_url) as registry:
        flag_checkpoints(lake, registry)
    return Removal(planned.plan, planned.checkpoints, finish_removal(lake, record))


def check_reason(reason: str) -> None:
    """Make sure that a withdrawal has a reason.

    Raises:
        BadInputError: it has none.
    """
    if not reason.strip():
        raise BadInputError(
            "the reason is empty",
            state="Nothing was changed",
            next_command='the same command with --reason "why the rows must leave"',
        )


def flag_checkpoints(lake: Lake, registry: Registry) -> None:
    """Flag all checkpoints that were trained on a removed source; what is flagged already stays as it is."""
    for record in withdrawals(lake.store):
        if record.kind == "remove":
            for checkpoint in trained_on(registry, record.trained):
                registry.flag(checkpoint.checkpoint_id, f"removed source {record.target}", record.reason)


def trained_on(registry: Registry, trained: Mapping[str, Sequence[str]]) -> list[Checkpoint]:
    """Return the checkpoints that were trained on these versions with these recipes, and their descendants.

    Args:
        registry: the registry.
        trained: recipes by corpus version, which is in decimal digits.
    """
    checkpoints = registry.list()
    found: dict[str, Checkpoint] = {
        c.checkpoint_id: c for c in checkpoints if c.recipe in trained.get(str(c.corpus_version), ())
    }
    while True:
        more = {
            c.checkpoint_id: c
            for c in checkpoints
            if c.checkpoint_id not in found and _is_descendant(c, found)
        }
        if not more:
            return [c for c in checkpoints if c.checkpoint_id in found]
        found |= more


def _is_descendant(checkpoint: Checkpoint, ancestors: Iterable[str]) -> bool:
    parent = parse_student_name(checkpoint.base_model).checkpoint
    return parent is not None and any(ancestor.startswith(parent) for ancestor in ancestors)
