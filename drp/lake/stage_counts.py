"""What each stage of a run counted, all its shards together."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from drp.core.stage_names import NIGHT_STAGES
from drp.lake.runs import ShardFile


@dataclass(frozen=True)
class StageCounts:
    """What one stage of a run did."""

    stage: str
    seconds: float
    """Sum over the shards, not wall time."""
    counts: dict[str, int]
    warnings: list[str]


def stage_counts(shard_files: Iterable[ShardFile]) -> list[StageCounts]:
    """Sum the shard files by stage, in the order of a night."""
    sums: dict[str, StageCounts] = {}
    for done in shard_files:
        so_far = sums.get(done.stage, StageCounts(done.stage, 0.0, {}, []))
        counts = dict(Counter(so_far.counts) + Counter(done.counts))
        warnings = [*so_far.warnings, *done.warnings]
        sums[done.stage] = StageCounts(done.stage, so_far.seconds + done.seconds, counts, warnings)
    return [sums[stage] for stage in NIGHT_STAGES if stage in sums]
