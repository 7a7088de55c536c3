"""The lake: runs, published versions, and the Parquet parts that they refer to."""

from drp.lake.lake import Addresses, Lake, merge_addresses, open_lake
from drp.lake.parquet_parts import Part, PartsWriter
from drp.lake.runs import (
    Run,
    RunState,
    ShardFile,
    ShardOutput,
    StageCounts,
    TakenOverError,
    UnknownRunError,
    run_ids,
    stage_counts,
)
from drp.lake.sweep import Unneeded, unneeded
from drp.lake.versions import (
    DamagedLakeError,
    NewerLakeError,
    PartsChange,
    PublishedPart,
    UnknownVersionError,
    Version,
    Versions,
)

__all__ = [
    "Addresses",
    "DamagedLakeError",
    "Lake",
    "NewerLakeError",
    "Part",
    "PartsChange",
    "PartsWriter",
    "PublishedPart",
    "Run",
    "RunState",
    "ShardFile",
    "ShardOutput",
    "StageCounts",
    "TakenOverError",
    "UnknownRunError",
    "UnknownVersionError",
    "Unneeded",
    "Version",
    "Versions",
    "merge_addresses",
    "open_lake",
    "run_ids",
    "stage_counts",
    "unneeded",
]
