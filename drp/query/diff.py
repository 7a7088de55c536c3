"""What lies between two versions of the corpus: rows added, dropped and changed, and verdicts by reason.

    difference(lake, lake.corpus.read(3), lake.corpus.read(4))

Parts never change, so only those that one of the two versions has, and the other has not, are read.
"""

from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass

from drp.core.schemas import CORPUS_TABLES, id_column
from drp.lake import Lake, Version
from drp.query.session import open_session


@dataclass(frozen=True)
class RowChange:
    """Rows of one table by id; a changed row has the same id and another content."""

    table: str
    added: int
    dropped: int
    changed: int


@dataclass(frozen=True)
class VerdictChange:
    """Revisions of one recipe that were accepted, or rejected for one reason, in the parts that differ."""

    recipe: str
    verdict: str
    before: int
    after: int


@dataclass(frozen=True)
class Difference:
    """From one version to another; tables and verdicts without a change are left out."""

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
    """What `new` has that `old` has not, and the other way round."""
    before, after = _only_in(lake, old, new), _only_in(lake, new, old)
    rows: list[RowChange] = []
    with closing(open_session(before)) as was, closing(open_session(after)) as is_now:
        for table, schema in CORPUS_TABLES.items():
            names = {"id": id_column(table), "columns": ", ".join(schema.names), "table": table}
            content = _CONTENT.format(**names)
            is_now.register("before", was.execute(content).to_arrow_reader())
            counts = is_now.execute(_ROWS.format(after=content)).fetchone()
            is_now.unregister("before")
            if counts and any(counts):
                rows.append(RowChange(table, *counts))
        counted = [
            {(recipe, verdict): n for recipe, verdict, n in con.execute(_VERDICTS).fetchall()}
            for con in (was, is_now)
        ]
    return Difference(rows, _verdicts(*counted))


def _verdicts(
    before: Mapping[tuple[str, str], int], after: Mapping[tuple[str, str], int]
) -> list[VerdictChange]:
    changes = (VerdictChange(*key, before.get(key, 0), after.get(key, 0)) for key in {*before, *after})
    return sorted(
        (change for change in changes if change.before != change.after),
        key=lambda change: (change.recipe, -abs(change.after - change.before), change.verdict),
    )


def _only_in(lake: Lake, version: Version, other: Version) -> dict[str, list[str]]:
    known = {published.part.key for published in other.parts}
    return lake.locate(p.part for p in version.parts if p.part.key not in known)
