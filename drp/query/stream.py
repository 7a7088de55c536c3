"""Rows of the lake, by SQL, streamed in bounded batches."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import duckdb
import pyarrow as pa

from drp.lake import Addresses
from drp.query.session import open_session

BATCH_ROWS = 256
"""Rows held at a time: traces are long."""
MEMORY = "256MB"
"""Of DuckDB, for each query; what needs more is spilled."""
THREADS = 2
"""Each holds row groups of long texts."""


def open_bounded(addresses: Addresses) -> duckdb.DuckDBPyConnection:
    """A session of the stages: its memory does not grow with the night or the machine. Close it."""
    return open_session(addresses, memory_limit=MEMORY, threads=THREADS)


def select(
    addresses: Addresses,
    query: str,
    parameters: Mapping[str, object] | None = None,
    *,
    wanted: Sequence[str] | None = None,
) -> Iterator[dict[str, Any]]:
    """Rows of `query` over these parts; `wanted` ids are there as table `wanted(id)`."""
    con = open_bounded(addresses)
    try:
        if wanted is not None:
            con.register("wanted", pa.table({"id": pa.array(wanted, pa.string())}))
        reader = con.execute(query, parameters or {}).to_arrow_reader(BATCH_ROWS)
        for batch in reader:
            yield from batch.to_pylist()
    finally:
        con.close()
