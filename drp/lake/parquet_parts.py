"""Parts: immutable Parquet files of one table, written in row groups that are sorted by id.

A row group holds 122,880 rows of a narrow table, or about 32 MiB of text of a wide one. A larger group, such
as one of 100,000 traces, would cost a reader 2 GB of memory.
"""

import uuid
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import date
from typing import Any, Self

import pyarrow as pa
import pyarrow.parquet as pq

from drp.core.lake_schemas import MESSAGES, STAGING_TABLES, TABLES, id_column
from drp.storage import ObjectStore, Sha256Stream

ROWS_PER_GROUP = 122_880
TEXT_PER_GROUP = 32 * 2**20
"""Characters of text in a row group, which are roughly bytes."""
_ROWS_PER_BATCH = 1024
"""Rows that are held as Python objects before they become Arrow data, which needs a tenth of the memory."""


@dataclass(frozen=True)
class Part:
    """A Parquet file: its `key` in the store, its size in `bytes`, and the `sha256` of the file."""

    table: str
    key: str
    rows: int
    bytes: int
    sha256: str


class TableWriter:
    """Collect rows of one table and write them as one part, in sorted row groups."""

    def __init__(self, store: ObjectStore, table: str, run_date: date) -> None:
        self._store = store
        self._table = table
        self._schema = (TABLES | STAGING_TABLES)[table]
        self._struct = pa.struct(self._schema)
        self._id = id_column(table)
        self._text = [field.name for field in self._schema if pa.types.is_large_string(field.type)]
        self._chats = [field.name for field in self._schema if field.type == MESSAGES]
        self._key = f"{table}/run_date={run_date.isoformat()}/{uuid.uuid4().hex}.parquet"
        self._rows: list[Mapping[str, Any]] = []
        self._batches: list[pa.RecordBatch] = []
        self._text_held = 0
        self._written = 0
        self._open = ExitStack()
        self._stream: Sha256Stream | None = None
        self._parquet: pq.ParquetWriter | None = None

    def add(self, row: Mapping[str, Any]) -> None:
        """Add one row. A full row group is written immediately, so that memory stays bounded."""
        self._rows.append(row)
        for name in self._text:
            self._text_held += len(row[name] or "")
        for name in self._chats:
            self._text_held += sum(len(message["content"]) for message in row[name])
        if self._text_held >= TEXT_PER_GROUP:
            self._flush()
        elif len(self._rows) >= _ROWS_PER_BATCH:
            self._pack()
            if len(self._batches) * _ROWS_PER_BATCH >= ROWS_PER_GROUP:
                self._flush()

    def finish(self) -> Part | None:
        """Complete the part, which then appears in the store. Return None if there was no row."""
        self._flush()
        if self._parquet is None or self._stream is None:
            return None
        self._parquet.close()
        self._open.close()
        return Part(self._table, self._key, self._written, self._stream.bytes, self._stream.hexdigest())

    def abort(self, error: BaseException) -> None:
        """Discard everything written; the part never appears."""
        if self._parquet is not None:
            self._parquet.is_open = False  # else it would write its footer when garbage-collected
        self._open.__exit__(type(error), error, error.__traceback__)

    def _pack(self) -> None:
        if self._rows:
            rows = pa.array(self._rows, self._struct)  # takes two thirds of the time of from_pylist
            self._batches.append(pa.RecordBatch.from_struct_array(rows))
            self._rows.clear()

    def _flush(self) -> None:
        self._pack()
        if not self._batches:
            return
        if self._parquet is None:
            self._stream = Sha256Stream(self._open.enter_context(self._store.writing(self._key)))
            self._parquet = pq.ParquetWriter(
                pa.PythonFile(self._stream, mode="w"), self._schema, compression="zstd", compression_level=3
            )
        group = pa.Table.from_batches(self._batches, schema=self._schema)
        self._batches.clear()
        self._parquet.write_table(group.sort_by(self._id), row_group_size=ROWS_PER_GROUP)
        self._written += group.num_rows
        self._text_held = 0


class PartsWriter:
    """Write rows of several tables. The parts appear when the block succeeds, and never after an error."""

    def __init__(self, store: ObjectStore, run_date: date) -> None:
        self._store = store
        self._run_date = run_date
        self._writers: dict[str, TableWriter] = {}
        self.parts: list[Part] = []

    def add(self, table: str, row: Mapping[str, Any]) -> None:
        """Add one row to `table`."""
        writer = self._writers.get(table)
        if writer is None:
            writer = self._writers[table] = TableWriter(self._store, table, self._run_date)
        writer.add(row)

    @contextmanager
    def writing(self) -> Iterator[Self]:
        """Open the block in which rows are added."""
        try:
            yield self
            written = [self._writers[table].finish() for table in sorted(self._writers)]
        except BaseException as error:
            for writer in self._writers.values():
                writer.abort(error)
            raise
        self.parts = [part for part in written if part is not None]
