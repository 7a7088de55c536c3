"""The ledger's answers move to the lake: published as `teacher_calls`, their texts leave the database.

Written before a night is published, and published with it; forgotten after. Killed anywhere and done again,
no row is there twice.
"""

from collections.abc import Iterator

from drp.config import settings
from drp.core import batched
from drp.lake import Addresses, ShardFile, merge_addresses
from drp.ledger import Call, Ledger, open_ledger
from drp.query import select
from drp.runtime.context import RunContext

_SHARDS = "calls"
"""Folder of a run, and fingerprint, of the shards that are written here."""
_GROUP = 256
_KNOWN = "SELECT call_id FROM teacher_calls JOIN wanted ON call_id = id"


def call_shards(ctx: RunContext) -> list[ShardFile]:
    """What this night has written of the ledger."""
    return list(ctx.run.shard_files([_SHARDS], _SHARDS))


def export_calls(ctx: RunContext) -> None:
    """Write what the ledger has and the lake has not."""
    if not ctx.recipe.profile.is_remote:
        return
    written = ctx.lake.locate(part for done in call_shards(ctx) for part in done.parts)
    lake = merge_addresses(ctx.lake.published(), written)
    with open_ledger(settings().resolved_database_url) as ledger:
        if any(True for _ in _missing(ledger, lake)):
            with ctx.run.shard(_SHARDS, f"{len(call_shards(ctx)):04d}", _SHARDS) as out:
                for call in _missing(ledger, lake):
                    out.add("teacher_calls", call.row)
                    out.counts["calls"] += 1


def drop_exported_texts(ctx: RunContext) -> None:
    """Let the ledger drop the texts that are published."""
    if not ctx.recipe.profile.is_remote:
        return
    lake = ctx.lake.published()
    with open_ledger(settings().resolved_database_url) as ledger:
        for some in batched(_answered(ledger), _GROUP):
            known = _known(some, lake)
            ledger.mark_exported((c.key for c in some if c.row["call_id"] in known), ctx.run_id)


def _answered(ledger: Ledger) -> Iterator[Call]:
    """What has an answer: a request that is dead is still the ledger's, and may be tried again."""
    return (call for call in ledger.unexported() if call.row["finish_reason"] is not None)


def _missing(ledger: Ledger, lake: Addresses) -> Iterator[Call]:
    for some in batched(_answered(ledger), _GROUP):
        known = _known(some, lake)
        yield from (call for call in some if call.row["call_id"] not in known)


def _known(calls: list[Call], lake: Addresses) -> set[str]:
    wanted = [str(call.row["call_id"]) for call in calls]
    return {row["call_id"] for row in select(lake, _KNOWN, wanted=wanted)}
