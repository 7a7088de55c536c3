"""Nights made of the rows that a test provides.

publish(lake, "2026-11-20-drp", {"questions": [make_question()]})
"""

from collections.abc import Iterable, Mapping

from drp.lake.lake import Lake
from drp.lake.runs import Run
from drp.lake.versions import Version
from tests.helpers.row_factories import Row


def write(
    lake: Lake, run_id: str, tables: Mapping[str, Iterable[Row]], *, shard: str = "s1", fingerprint: str = "f"
) -> Run:
    """Write these rows as one finished shard of a run."""
    run = lake.run(run_id)
    with run.shard("prune", shard, fingerprint) as out:
        for table, rows in tables.items():
            for row in rows:
                out.add(table, row)
    return run


def publish(
    lake: Lake, run_id: str, tables: Mapping[str, Iterable[Row]], *, shard: str = "s1", fingerprint: str = "f"
) -> Version:
    """Write these rows, publish them as the whole run, and return the corpus version."""
    run = write(lake, run_id, tables, shard=shard, fingerprint=fingerprint)
    files = [files for files in run.shard_files() if files.shard == shard]
    version, _ = lake.publish(run, files)
    run.finish("published", "")
    return version
