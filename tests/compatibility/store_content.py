"""The content of a store as JSON: recorded once by the code that made it, and compared with every later code.

python -m tests.compatibility.store_content FOLDER > expected.json      # FOLDER has lake/, drp.db and inputs/
"""

import hashlib
import io
import json
import sys
from collections.abc import Container, Iterable, Mapping
from contextlib import closing
from dataclasses import asdict
from datetime import timedelta
from pathlib import Path
from typing import Any, get_args

import duckdb
import pytest

from drp.config.recipe import load_recipe
from drp.config.settings import settings
from drp.core.lake_schemas import CORPUS_TABLES, RESULTS_TABLES, TABLES
from drp.lake.lake import Lake, open_lake
from drp.lake.runs import run_ids
from drp.lake.sweep import unneeded
from drp.ledger.database_tables import BatchState
from drp.ledger.ledger import open_ledger
from drp.query.output import run_query
from drp.query.session import VIEWS, open_session
from drp.registry.records import holders
from drp.registry.registry import open_registry
from drp.runtime.hashes import revision_hash
from drp.teacher.llm.prompts import prompt_version

MOST = 40
"""The maximum number of recorded rows of a view. For a longer view, only the number of rows is recorded."""
COUNTED = {"example_lineage"}
"""Views whose rows are too long to be recorded."""
RECIPES = ("drp", "drp_earlier", "llm_online", "llm_batch", "tiny")


def use(patch: pytest.MonkeyPatch, folder: Path) -> None:
    """Point DRP_LAKE and all other paths into `folder`."""
    patch.setenv("DRP_LAKE", str(folder / "lake"))
    patch.setenv("DRP_DATABASE_URL", f"sqlite:///{folder}/drp.db")
    patch.setenv("DRP_SCRATCH", str(folder / "scratch"))
    patch.setenv("DRP_WORKERS", "1")
    settings.cache_clear()


def ask(con: duckdb.DuckDBPyConnection, query: str) -> list[dict[str, Any]]:
    """Return the rows of a query, as `drp sql --format json` shows them."""
    out = io.StringIO()
    run_query(con, query, "json", out)
    found: list[dict[str, Any]] = json.loads(out.getvalue())
    return found


def lines(con: duckdb.DuckDBPyConnection, table: str, columns: list[str]) -> list[str]:
    """Return the rows of a table in these columns, sorted."""
    rows = ask(con, f"SELECT {', '.join(columns)} FROM {table}")
    return sorted(json.dumps(row, sort_keys=True) for row in rows)


def digest(rows: list[str]) -> str:
    """Return the digest of `lines`."""
    return hashlib.sha256("\n".join(rows).encode()).hexdigest()


def counts(con: duckdb.DuckDBPyConnection, tables: Iterable[str]) -> dict[str, int]:
    """Return the number of rows of these tables."""
    return {table: ask(con, f"SELECT count(*) AS n FROM {table}")[0]["n"] for table in tables}


def digests(
    con: duckdb.DuckDBPyConnection, columns: Mapping[str, list[str]], tables: Container[str]
) -> dict[str, str]:
    """Return the digests of those of `tables` that have columns."""
    return {table: digest(lines(con, table, names)) for table, names in columns.items() if table in tables}


def differences(found: Any, expected: Any, where: str = "") -> list[str]:
    """Return where `found` differs from `expected`. Additional keys and different last digits are allowed."""
    if isinstance(expected, dict) and isinstance(found, dict):
        return [
            difference
            for key, value in expected.items()
            for difference in differences(found.get(key, "nothing"), value, f"{where}/{key}")
        ]
    if isinstance(expected, list) and isinstance(found, list) and len(found) == len(expected):
        pairs = enumerate(zip(found, expected, strict=True))
        return [d for place, pair in pairs for d in differences(*pair, f"{where}/{place}")]
    same = found == (pytest.approx(expected, rel=1e-9) if isinstance(expected, float) else expected)
    return [] if same else [f"{where}: {found!r}, not {expected!r}"]


def run_session(lake: Lake, run_id: str) -> duckdb.DuckDBPyConnection:
    """Open the session of `drp sql --run`."""
    parts = lake.locate(part for done in lake.open_run(run_id).shard_files() for part in done.parts)
    return open_session(parts, earlier=lake.published())


def corpus(lake: Lake, columns: dict[str, list[str]]) -> dict[str, Any]:
    """Return every version of the corpus, with the digests of its tables."""
    found: dict[str, Any] = {"current": lake.corpus.current().number, "numbers": lake.corpus.numbers()}
    versions = found["versions"] = {}
    for number in lake.corpus.numbers():
        version = lake.corpus.read(number)
        with closing(open_session(lake.published(number))) as con:
            versions[str(number)] = {
                "run_id": version.run_id,
                "parent": version.parent,
                "published_at": version.published_at,
                "rows": version.rows(),
                "parts": len(version.parts),
                "counts": counts(con, columns),
                "digests": digests(con, columns, CORPUS_TABLES),
            }
    return found


def results(lake: Lake, columns: dict[str, list[str]]) -> dict[str, Any]:
    """Return every version of the results, and the digests of the current one."""
    with closing(open_session(lake.published())) as con:
        of_tables = digests(con, columns, RESULTS_TABLES)
    read = {number: lake.results.read(number) for number in lake.results.numbers()}
    return {
        "current": lake.results.current().number,
        "numbers": lake.results.numbers(),
        "versions": {
            str(number): {"run_id": version.run_id, "rows": version.rows()}
            for number, version in read.items()
        },
        "digests": of_tables,
    }


def view_columns() -> dict[str, list[str]]:
    """Return the current columns of every view."""
    with closing(open_session({})) as con:
        names = sorted(path.stem for path in VIEWS.glob("*.sql"))
        return {name: [row["column_name"] for row in ask(con, f"DESCRIBE {name}")] for name in names}


def views(lake: Lake, columns: dict[str, list[str]], versions: list[int]) -> dict[str, Any]:
    """Return the rows of the views on some versions, or their number."""
    found: dict[str, Any] = {}
    for number in versions:
        of_version = found[str(number)] = {}
        with closing(open_session(lake.published(number))) as con:
            for view, names in columns.items():
                rows = ask(con, f"SELECT {', '.join(names)} FROM {view}")
                of_version[view] = len(rows) if len(rows) > MOST or view in COUNTED else rows
    return found


def runs(lake: Lake) -> dict[str, Any]:
    """Return how every run ended, and its shards."""
    found = {}
    for run_id in run_ids(lake.store):
        run = lake.open_run(run_id)
        done = list(run.shard_files())
        found[run_id] = {
            "state": asdict(run.state()),
            "shards": sorted(f"{one.stage}/{one.shard}" for one in done),
            "plans": sorted(shard for shard, _ in run._plan_documents()),
            "rows": sum(part.rows for one in done for part in one.parts),
        }
    return found


def quarantined(lake: Lake, columns: dict[str, list[str]]) -> dict[str, Any]:
    """Return the rows of the quarantined nights."""
    found = {}
    for run in lake.quarantined():
        with closing(run_session(lake, run.run_id)) as con:
            found[run.run_id] = {
                "counts": counts(con, columns),
                "digests": digests(con, columns, CORPUS_TABLES),
                "reject_reasons": ask(con, "SELECT reason, rejected FROM reject_reasons ORDER BY ALL"),
            }
    return found


def ledger(url: str) -> dict[str, Any]:
    """Return the content of the ledger."""
    with open_ledger(url) as books:
        totals = books.totals()
        return _plain(
            {
                "totals": [asdict(total) for total in totals],
                "spent": {run: asdict(books.spent(run)) for run in sorted({t.run_id for t in totals})},
                "dead": [asdict(reason) for reason in books.dead_reasons()],
                "batches": [asdict(batch) for batch in books.batches(get_args(BatchState))],
                "in_flight": [asdict(worker) for worker in books.in_flight()],
                "unexported": [[call.row["call_id"], call.row["attempts"]] for call in books.unexported()],
            }
        )


def registry(url: str) -> dict[str, Any]:
    """Return the checkpoints and the history of aliases."""
    with open_registry(url) as opened:
        moves = opened.moves()
        return _plain(
            {
                "checkpoints": [asdict(one) | {"sha256": one.sha256} for one in opened.list()],
                "moves": [asdict(move) for move in moves],
                "aliases": holders(moves),
                "champions": {
                    student: champion.checkpoint_id
                    for student in sorted({one.student for one in opened.list()})
                    if (champion := opened.champion(student))
                },
            }
        )


def sweep(lake: Lake) -> list[str]:
    """Return everything unneeded, of any age."""
    return [thing.name for thing in unneeded(lake, timedelta(0))]


def recipes(inputs: Path) -> dict[str, Any]:
    """Return the hashes of recipes, by which later nights find finished work. They must not change."""
    found = {}
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DRP_TEACHERS_FILE", str(inputs / "teachers_online.yaml"))
        settings.cache_clear()
        for name in RECIPES:
            recipe = load_recipe(str(inputs / f"{name}.yaml"))
            found[name] = {
                "rollout": recipe.rollout_hash,
                "revision": revision_hash(recipe),
                "training": recipe.training_hash,
                "evaluation": recipe.evaluation_hash,
            }
    settings.cache_clear()
    return found


def _plain(document: Any) -> Any:
    return json.loads(
        json.dumps(document, default=lambda value: getattr(value, "isoformat", value.__str__)())
    )


def main() -> None:
    """Print the content of a store."""
    folder = Path(sys.argv[1]).resolve()
    columns = {table: [*schema.names, "run_date"] for table, schema in TABLES.items()}
    of_views = view_columns()
    with pytest.MonkeyPatch.context() as patch:
        use(patch, folder)
        lake, url = open_lake(), settings().resolved_database_url
        last = lake.corpus.current().number
        document = {
            "made_by": "6ea56aa",
            "columns": columns,
            "view_columns": of_views,
            "corpus": corpus(lake, columns),
            "results": results(lake, columns),
            "views": views(lake, of_views, [3, last]),
            "runs": runs(lake),
            "quarantined": quarantined(lake, columns),
            "ledger": ledger(url),
            "registry": registry(url),
            "sweep": sweep(lake),
            "recipes": recipes(folder / "inputs"),
            "prompt_version": prompt_version("fused"),
        }
    json.dump(document, sys.stdout, indent=1, ensure_ascii=False)
    sys.stdout.write("\n")


if __name__ == "__main__":
    main()
