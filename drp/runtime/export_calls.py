"""The ledger's answers move to the lake: published as `teacher_calls`, their texts leave the database.

Written before a night is published, and published with it; forgotten after. Killed anywhere and done again,
no row is there twice.
"""

from collections.abc import Iterator

from drp.config.settings import settings
from drp.core.batched import batched
from drp.lake.lake import Addresses, merged
from drp.lake.runs import ShardFile
from drp.ledger.ledger import Ledger, open_ledger
from drp.ledger.records import Call
from drp.query.select import select
from drp.runtime.context import Night

STAGE = "calls"
_FINGERPRINT = "calls"
_GROUP = 256
_KNOWN = "SELECT call_id FROM teacher_calls JOIN wanted ON call_id = id"


def call_shards(night: Night) -> list[ShardFile]:
    """What this night has written of the ledger."""
    return list(night.run.shard_files([_FINGERPRINT], STAGE))


def write_calls(night: Night) -> None:
    """Write what the ledger has and the lake has not."""
    if night.recipe.profile.backend == "heuristic":
        return
    written = night.lake.locate(part for done in call_shards(night) for part in done.parts)
    lake = merged(night.lake.published(), written)
    with open_ledger(settings().ledger_url) as ledger:
        if any(True for _ in _missing(ledger, lake)):
            with night.run.shard(STAGE, f"{len(call_shards(night)):04d}", _FINGERPRINT) as out:
                for call in _missing(ledger, lake):
                    out.add("teacher_calls", call.row)
                    out.counts["calls"] += 1


def forget_texts(night: Night) -> None:
    """Let the ledger drop the texts that are published."""
    if night.recipe.profile.backend == "heuristic":
        return
    lake = night.lake.published()
    with open_ledger(settings().ledger_url) as ledger:
        for some in batched(_answered(ledger), _GROUP):
            known = _known(some, lake)
            ledger.mark_exported((c.key for c in some if c.row["call_id"] in known), night.run_id)


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
