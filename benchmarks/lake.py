"""What the lake costs over bare Arrow and DuckDB, as ratios: rows written a second, and the views of sql/.

    make build/rclone/ready && .venv/bin/python -m benchmarks.lake

Rows are made here, always the same. Each comparison alternates between the two sides; medians are compared.

write: rows a second of `PartsWriter` over those of a bare `pyarrow.parquet.ParquetWriter`, which gets the
    same rows as Python objects, sorted already, and makes the same file: schema, row groups, zstd 3, from
    Arrow batches of the same size. In a folder both sync their file to disk; on S3 the bare writer has the
    output stream of `pyarrow.fs.S3FileSystem`. The lake also sorts, digests and keeps its promises. At
    least 0.9.
read: seconds of `SELECT * FROM view`, to Arrow, in a session of `open_session` over those in a bare DuckDB
    connection, which has the same files by `read_parquet`, the same SQL, threads and memory. At most 1.1 in
    total.
"""

import argparse
import os
import random
import statistics
import string
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, TypeAlias

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyarrow.fs import S3FileSystem

from drp.core.ids import content_id
from drp.core.lake_schemas import TABLES, id_column
from drp.lake.lake import Lake, open_lake
from drp.lake.parquet_parts import ROWS_PER_GROUP, TEXT_PER_GROUP, PartsWriter
from drp.query.session import VIEWS, open_session
from tests.helpers import row_factories as made
from tests.helpers import servers

Rows: TypeAlias = list[dict[str, Any]]
Tables: TypeAlias = Mapping[str, Rows]

WRITE_LIMIT = 0.9
READ_LIMIT = 1.1
DAY = date(2026, 11, 20)
NIGHTS = 4
WRITTEN = ("rollouts", "steps")
"""A wide table and a narrow one."""
ROWS_PER_BATCH = 1024
MEMORY = "4GB"


def make_text() -> str:
    """Some megabytes of made-up words, a few of them frequent, that are as hard to compress as traces are."""
    chance = random.Random(1)  # noqa: S311
    words = ["".join(chance.choices(string.ascii_lowercase, k=chance.randint(2, 9))) for _ in range(3000)]
    return " ".join(chance.choices(words, [1 / (k + 10) for k in range(len(words))], k=700_000))


def make_tables(size: int) -> dict[str, Rows]:
    """A corpus with `size` rollouts of about 1,000 characters, sorted by id."""
    text = make_text()
    tables: dict[str, Rows] = {
        name: [] for name in ("questions", "rollouts", "decompositions", "steps", "revisions", "decisions")
    }
    tables |= {"examples": [], "dead_letters": [made.make_dead_letter()], "events": [made.make_event()]}
    for i in range(size):
        q, r, d, v = (content_id(kind, i) for kind in ("question", "rollout", "decomposition", "revision"))
        start = i * 7919 % (len(text) - 2000)
        thinking = text[start : start + 500 + i % 9 * 125]
        accepted = i % 5 != 0
        tables["questions"].append(made.make_question(question_id=q, question=f"What is {i} + {i}?"))
        tables["rollouts"].append(
            made.make_rollout(
                rollout_id=r, question_id=q, thinking=thinking, verdict="equal" if accepted else "different"
            )
        )
        tables["decompositions"].append(made.make_decomposition(decomposition_id=d, rollout_id=r))
        ids = {"revision_id": v, "rollout_id": r, "decomposition_id": d}
        if accepted:
            tables["revisions"].append(made.make_revision(**ids, thinking=thinking[: len(thinking) // 2]))
            tables["examples"].append(
                made.make_example(example_id=content_id("example", i), question_id=q, revision_id=v)
            )
        else:
            tables["revisions"].append(made.make_rejection(**ids))
        for k in range(2):
            tables["steps"].append(made.make_step(k, decomposition_id=d, step_id=content_id("step", i, k)))
            tables["decisions"].append(
                made.make_decision(k, revision_id=v, decision_id=content_id("decision", i, k))
            )
    for table, rows in tables.items():
        rows.sort(key=lambda row: str(row[id_column(table)]))
    return tables


def row_groups(table: str, rows: Rows) -> Iterator[Rows]:
    """The rows of each row group, cut where the lake cuts."""
    text = [field.name for field in TABLES[table] if pa.types.is_large_string(field.type)]
    group: Rows = []
    held = 0
    for row in rows:
        group.append(row)
        held += sum(len(row[name] or "") for name in text)
        if len(group) >= ROWS_PER_GROUP or held >= TEXT_PER_GROUP:
            yield group
            group, held = [], 0
    if group:
        yield group


def write_bare(stream: Any, table: str, rows: Rows) -> None:
    """What anybody would write to have the same file."""
    with pq.ParquetWriter(stream, TABLES[table], compression="zstd", compression_level=3) as writer:
        for group in row_groups(table, rows):
            batches = [
                pa.RecordBatch.from_pylist(group[start : start + ROWS_PER_BATCH], schema=TABLES[table])
                for start in range(0, len(group), ROWS_PER_BATCH)
            ]
            writer.write_table(pa.Table.from_batches(batches), row_group_size=ROWS_PER_GROUP)


def bare_writer(lake: Lake) -> Callable[[str, Rows], None]:
    """Writes rows beside the lake, on the same disk or server."""
    if not lake.store.root.startswith("s3://"):
        folder = Path(lake.store.root).parent

        def to_file(table: str, rows: Rows) -> None:
            with (folder / f"{table}.parquet").open("wb") as stream:
                write_bare(stream, table, rows)
                os.fsync(stream.fileno())

        return to_file
    os.environ["AWS_REQUEST_CHECKSUM_CALCULATION"] = "WHEN_REQUIRED"  # rclone knows no trailing checksums
    endpoint = os.environ["AWS_ENDPOINT_URL"].removeprefix("http://")
    files = S3FileSystem(endpoint_override=endpoint, scheme="http", region="us-east-1")

    def to_object(table: str, rows: Rows) -> None:
        with files.open_output_stream(f"{lake.store.root.removeprefix('s3://')}/{table}.parquet") as stream:
            write_bare(stream, table, rows)

    return to_object


def write_lake(lake: Lake, table: str, rows: Rows) -> None:
    """What the stages do."""
    with PartsWriter(lake.store, DAY).writing() as writer:
        for row in rows:
            writer.add(table, row)
    for part in writer.parts:
        lake.store.delete(part.key)


@dataclass
class Pair:
    """Seconds of the lake and of the bare side, as often as they were measured."""

    lake: list[float]
    bare: list[float]

    @property
    def medians(self) -> tuple[float, float]:
        """Of the lake and of the bare side."""
        return statistics.median(self.lake), statistics.median(self.bare)


def alternate(lake: Callable[[], object], bare: Callable[[], object], times: int) -> Pair:
    """Measure both in turns, each first in every other turn, after one turn that does not count."""
    pair = Pair([], [])
    for turn in range(times + 1):
        sides = [(lake, pair.lake), (bare, pair.bare)]
        for work, seconds in sides if turn % 2 else sides[::-1]:
            started = time.perf_counter()
            work()
            if turn:
                seconds.append(time.perf_counter() - started)
    return pair


def compare_writes(lake: Lake, tables: Tables, times: int) -> float:
    """Print rows a second; gives the lowest ratio."""
    bare = bare_writer(lake)
    ratios = []
    for table in WRITTEN:
        rows = tables[table]

        def ours(table: str = table, rows: Rows = rows) -> None:
            write_lake(lake, table, rows)

        def theirs(table: str = table, rows: Rows = rows) -> None:
            bare(table, rows)

        mine, other = alternate(ours, theirs, times).medians
        ratios.append(other / mine)
        print(f"  write {table:<24}{len(rows) / mine:>12,.0f} rows/s{other / mine:>8.2f} of bare")
    return min(ratios)


def write_corpus(lake: Lake, tables: Tables) -> dict[str, list[str]]:
    """Some nights of the same size, so that a table has as many parts; their addresses."""
    parts = []
    for night in range(NIGHTS):
        with PartsWriter(lake.store, DAY + timedelta(days=night)).writing() as writer:
            for table, rows in tables.items():
                for row in rows[night::NIGHTS]:
                    writer.add(table, row)
        parts.extend(writer.parts)
    return lake.locate(parts)


def bare_session(parts: Mapping[str, list[str]], threads: int) -> duckdb.DuckDBPyConnection:
    """The same files, views and resources, and nothing else."""
    con = duckdb.connect(config={"threads": threads, "memory_limit": MEMORY})
    if endpoint := os.environ.get("AWS_ENDPOINT_URL"):
        import duckdb_extension_httpfs

        folder = Path(duckdb_extension_httpfs.__file__).parent
        con.execute(f"LOAD '{next(folder.rglob('httpfs.duckdb_extension'))}'")
        con.execute(
            f"CREATE SECRET (TYPE s3, KEY_ID '{os.environ['AWS_ACCESS_KEY_ID']}', "
            f"SECRET '{os.environ['AWS_SECRET_ACCESS_KEY']}', REGION 'us-east-1', USE_SSL false, "
            f"URL_STYLE 'path', ENDPOINT '{endpoint.removeprefix('http://')}')"
        )
    for table, schema in TABLES.items():
        if paths := parts.get(table):
            source = f"read_parquet({paths}, hive_partitioning = true, hive_types = {{'run_date': DATE}})"
            con.execute(f"CREATE VIEW {table} AS SELECT * FROM {source}")  # noqa: S608
        else:
            con.register(f"no_{table}", schema.empty_table())
            con.execute(f"CREATE VIEW {table} AS SELECT *, NULL::DATE AS run_date FROM no_{table}")  # noqa: S608
    for path in sorted(VIEWS.glob("*.sql")):
        con.execute(path.read_text(encoding="utf-8"))
    return con


def compare_views(lake: Lake, tables: Tables, times: int, threads: int) -> float:
    """Print the ratio of each view; gives that of all together."""
    parts = write_corpus(lake, tables)
    started = time.perf_counter()
    ours = open_session(parts, threads=threads, memory_limit=MEMORY)
    print(f"  open a session {time.perf_counter() - started:>8.2f} s, by itself")
    totals, ratios = [0.0, 0.0], {}
    with closing(ours), closing(bare_session(parts, threads)) as bare:
        for view in sorted(path.stem for path in VIEWS.glob("*.sql")):
            query = f"SELECT * FROM {view}"  # noqa: S608
            here, there = (sorted(map(repr, con.execute(query).fetchall())) for con in (ours, bare))
            assert here == there, view
            mine, other = alternate(
                lambda q=query: ours.execute(q).to_arrow_table(),  # type: ignore[misc]
                lambda q=query: bare.execute(q).to_arrow_table(),  # type: ignore[misc]
                times,
            ).medians
            totals = [totals[0] + mine, totals[1] + other]
            ratios[view] = mine / other
            print(f"  read  {view:<24}{mine * 1000:>12,.1f} ms    {mine / other:>8.2f} of bare")
    worst = max(ratios, key=lambda view: ratios[view])
    print(f"  read  all views{totals[0] * 1000:>21,.1f} ms    {totals[0] / totals[1]:>8.2f} of bare")
    print(f"  read  worst view{ratios[worst]:>32.2f} of bare ({worst})")
    return totals[0] / totals[1]


@contextmanager
def lake_on(store: str, folder: Path) -> Iterator[Lake]:
    """An empty lake in a folder, or on a separate rclone."""
    with pytest.MonkeyPatch.context() as patch:
        if store == "folder":
            patch.delenv("AWS_ENDPOINT_URL", raising=False)
            patch.setenv("DRP_LAKE", str(folder / "lake"))
            servers.forget()
            yield open_lake()
        else:
            with servers.rclone(folder) as server:
                server.make_bucket("bucket")
                servers.use(patch, server, "s3://bucket/lake")
                yield open_lake()
    servers.forget()


def main() -> None:
    """Print the ratios; status 1 if a limit is broken."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rows", type=int, default=100_000, help="rollouts")
    parser.add_argument("--times", type=int, default=5, help="measurements of each side")
    parser.add_argument("--threads", type=int, default=2, help="of DuckDB, on both sides")
    options = parser.parse_args()
    tables = make_tables(options.rows)
    broken = []
    for store in ("folder", "rclone"):
        print(f"{store}:")
        with TemporaryDirectory(prefix="drp-lake-") as folder, lake_on(store, Path(folder)) as lake:
            written = compare_writes(lake, tables, options.times)
            read = compare_views(lake, tables, options.times, options.threads)
        if written < WRITE_LIMIT:
            broken.append(f"write on {store}: {written:.2f} < {WRITE_LIMIT}")
        if read > READ_LIMIT:
            broken.append(f"read on {store}: {read:.2f} > {READ_LIMIT}")
    if broken:
        sys.exit("; ".join(broken))


if __name__ == "__main__":
    main()
