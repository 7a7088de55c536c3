"""The difference between two versions of the corpus: added, dropped and changed rows, and verdicts by reason.

    difference(lake, lake.corpus.read(3), lake.corpus.read(4))

Parts never change, so only the parts that belong to just one of the two versions are read.
"""

from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass

import duckdb

from drp.core.lake_schemas import CORPUS_TABLES, id_column
from drp.lake import Lake, Version
from drp.query.session import open_session


@dataclass(frozen=True)
class RowChange:
    """Rows of one table, compared by id. A changed row has the same id but different content."""

    table: str
    added: int
    dropped: int
    changed: int


@dataclass(frozen=True)
class VerdictChange:
    """Revisions of one recipe, in the parts that differ, that were accepted or rejected for one reason."""

    recipe: str
    verdict: str
    before: int
    after: int


@dataclass(frozen=True)
class Difference:
    """The changes from one version to another. Tables and verdicts without changes are left out."""

    rows: list[RowChange]
    verdicts: list[VerdictChange]


_CONTENT = "SELECT {id} AS id, hash({columns}) AS content FROM {table}"
_ROWS = """
SELECT count(*) FILTER (b.id IS NULL), count(*) FILTER (a.id IS NULL),
       count(*) FILTER (b.content <> a.content)
FROM before b FULL JOIN ({after}) a USING (id)
"""
_VERDICTS = """
SELECT recipe, verdict, count(*)
FROM (SELECT recipe, unnest(if(status = 'accepted', ['accepted'], list_distinct(reject_reasons))) AS verdict
      FROM revisions)
GROUP BY ALL
"""


def difference(lake: Lake, old: Version, new: Version) -> Difference:
    """Compare two versions of the corpus."""
    old_parts, new_parts = _only_in(lake, old, new), _only_in(lake, new, old)
    rows: list[RowChange] = []
    with closing(open_session(old_parts)) as old_session, closing(open_session(new_parts)) as new_session:
        for table, schema in CORPUS_TABLES.items():
            names = {"id": id_column(table), "columns": ", ".join(schema.names), "table": table}
            content = _CONTENT.format(**names)
            new_session.register("before", old_session.execute(content).to_arrow_reader())
            counts = new_session.execute(_ROWS.format(after=content)).fetchone()
            new_session.unregister("before")
            if counts and any(counts):
                rows.append(RowChange(table, *counts))
        before, after = _count_verdicts(old_session), _count_verdicts(new_session)
    return Difference(rows, _verdict_changes(before, after))


def _count_verdicts(con: duckdb.DuckDBPyConnection) -> dict[tuple[str, str], int]:
    return {(recipe, verdict): count for recipe, verdict, count in con.execute(_VERDICTS).fetchall()}


def _verdict_changes(
    before: Mapping[tuple[str, str], int], after: Mapping[tuple[str, str], int]
) -> list[VerdictChange]:
    changes = (VerdictChange(*key, before.get(key, 0), after.get(key, 0)) for key in {*before, *after})
    return sorted(
        (change for change in changes if change.before != change.after),
        key=lambda change: (change.recipe, -abs(change.after - change.before), change.verdict),
    )


def _only_in(lake: Lake, version: Version, other: Version) -> dict[str, list[str]]:
    """Return the addresses of the parts of `version` that `other` does not have."""
    other_keys = {published.part.key for published in other.parts}
    return lake.locate(p.part for p in version.parts if p.part.key not in other_keys)
