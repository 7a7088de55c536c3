"""Parts that were written before a column was added are read, with NULL in that column."""

import json
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from drp.core.lake_schemas import id_column
from drp.lake.lake import Lake
from drp.query.session import open_session
from tests.compatibility import store_content
from tests.compatibility.store import (
    COLUMNS,
)


def without_column(lake: Lake, table: str, column: str, which: Callable[[int], bool]) -> int:
    """Rewrite parts of a table without a column, and all references to them. Return their number."""
    parts = sorted({p.part.key for p in lake.corpus.current().parts if p.part.table == table})
    chosen = [key for place, key in enumerate(parts) if which(place)]
    for key in chosen:
        path, old = Path(lake.store.uri(key)), lake.store.digest(key)
        content = pq.ParquetFile(path).read()
        size = path.stat().st_size
        pq.write_table(content.drop_columns([column]), path, compression="zstd")
        new = lake.store.digest(key)
        assert old
        assert new
        for document in Path(lake.store.root).rglob("*.json"):
            text = document.read_text()
            if old in text:
                described = json.loads(text)
                for part in _parts(described, key):
                    assert part["bytes"] == size
                    part |= {"bytes": path.stat().st_size, "sha256": new}
                document.write_text(json.dumps(described, sort_keys=True, indent=1))
    return len(chosen)


def _parts(document: Any, key: str) -> Iterator[dict[str, Any]]:
    if isinstance(document, dict) and document.get("key") == key:
        yield document
    elif isinstance(document, dict | list):
        for value in document.values() if isinstance(document, dict) else document:
            yield from _parts(value, key)


@pytest.mark.parametrize(("table", "column"), [("rollouts", "seed"), ("revisions", "reject_detail")])
@pytest.mark.parametrize("which", ["the first", "the last", "all"])
def test_a_part_that_is_older_than_a_column_is_null_in_it(own, table, column, which):
    with closing(open_session(own.published())) as con:
        before = {
            row["id"]: row[column]
            for row in store_content.ask(con, f"SELECT {id_column(table)} AS id, * FROM {table}")
        }
    count = sum(p.part.table == table for p in own.corpus.current().parts)
    chosen = {"the first": lambda n: n == 0, "the last": lambda n: n == count - 1, "all": lambda n: True}[
        which
    ]
    assert without_column(own, table, column, chosen) >= 1
    assert own.verify(p.part for p in own.corpus.current().parts) > 0
    with closing(open_session(own.published())) as con:
        rows = store_content.ask(con, f"SELECT {id_column(table)} AS id, * FROM {table}")
        after = {row["id"]: row[column] for row in rows}
        assert after.keys() == before.keys()
        assert all(value in (None, before[row_id]) for row_id, value in after.items())
        lost = [row_id for row_id in before if after[row_id] is None and before[row_id] is not None]
        if which == "all":
            assert set(after.values()) == {None}
        assert lost or which != "all"
        assert set(COLUMNS[table]) <= set(rows[0])
