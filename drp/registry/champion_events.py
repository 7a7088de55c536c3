"""What an event about champions says, for those who serve them (asset `drp_checkpoint` of the DAGs)."""

from collections.abc import Iterable, Mapping
from typing import Any

from drp.registry.records import Move


def champions(moves: Iterable[Move]) -> dict[str, dict[str, Any]]:
    """Return the champion of each student line after `moves`: checkpoint, the one before, reason, time."""
    last = {move.student: move for move in moves if move.alias == "champion"}
    return {
        student: {
            "checkpoint_id": move.to_id,
            "before": move.from_id,
            "reason": move.reason,
            "moved_at": move.moved_at.isoformat(),
        }
        for student, move in last.items()
    }


def champion_event(moves: Iterable[Move], last: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """Return the extra of an event that tells of every change since the last event; None if there is none.

    Args:
        moves: all moves of the registry, oldest first within each alias.
        last: the extra of the last event; None if there was no event.

    Returns:
        `champions` by student, and the students whose champion `changed`, by a promotion or a rollback.
    """
    told = (last or {}).get("champions", {})
    now = champions(moves)
    changed = [
        student
        for student, champion in sorted(now.items())
        if champion["checkpoint_id"] != told.get(student, {}).get("checkpoint_id")
    ]
    return {"champions": now, "changed": changed} if changed else None
