"""Take rows out of the parts of a run, by replacing its shard files one after the other."""

from dataclasses import replace

from drp.core import content_id
from drp.core.stage_names import INGEST
from drp.lake import Lake, Run, ShardFile
from drp.withdrawals.affected_rows import AffectedRows


def change_shards(lake: Lake, run: Run, affected: AffectedRows) -> bool:
    """Replace the parts of a run that have affected rows. Return whether there were any.

    A changed shard of ingest gets another name. So its file is read again when it is given to the run again,
    for example because its gold answers were right after all.
    """
    before = [part.key for done in run.shard_files() for part in done.parts if part.key in affected.keys]
    if not before:
        return False
    lake.hold(before)

    def change(done: ShardFile) -> ShardFile:
        parts = affected.replaced_parts(done.parts)
        if parts == done.parts:
            return done
        is_file = done.stage == INGEST
        suffix = f"-{content_id('changed', [part.key for part in done.parts])[:8]}" if is_file else ""
        return replace(done, parts=parts, shard=done.shard + suffix)

    run.change_shard_files(change)
    return True
