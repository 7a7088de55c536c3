"""Find the rows that a withdrawal takes out, and those that were made from them; write parts without them.

    with AffectedRows(lake, parts, Seeds(sources=("licensed.jsonl",))) as affected:
        affected.rows()                 # {"questions": 97, "rollouts": 97, ...}
        affected.replaced(part)         # a part without these rows, or None if nothing is left

Questions take their rollouts with them, rollouts everything that was made of them.
"""

# ruff: noqa: S608 (all names in queries are ours)

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Self

import pyarrow as pa

from drp.core.lake_schemas import CORPUS_TABLES, STAGING_TABLES
from drp.lake import Lake, Part, PublishedPart
from drp.query import BATCH_ROWS, open_session

TABLES = CORPUS_TABLES | STAGING_TABLES
"""Tables whose rows can be withdrawn. What was paid or measured stays in the tables of the results."""
MEMORY = "1GB"
"""DuckDB's memory limit; beyond it, DuckDB spills to disk."""

_OF_SOURCE = "EXISTS (FROM seed_sources s WHERE source = s.id OR starts_with(source, s.id || '/'))"
_OWN = "part IN (SELECT id FROM seed_parts)"
_GONE = {
    "gone_questions": f"""
        SELECT id FROM seed_questions
        UNION SELECT question_id FROM questions WHERE {_OF_SOURCE}
        UNION SELECT question_id FROM questions
              WHERE {_OWN} AND question_id NOT IN (SELECT question_id FROM rollouts WHERE NOT {_OWN})
    """,
    "gone_rollouts": f"""
        SELECT id FROM seed_rollouts
        UNION SELECT rollout_id FROM rollouts WHERE {_OWN} OR question_id IN (SELECT id FROM gone_questions)
    """,
    "gone_decompositions": """
        SELECT decomposition_id AS id FROM decompositions WHERE rollout_id IN (SELECT id FROM gone_rollouts)
    """,
    "gone_revisions": """
        SELECT revision_id AS id FROM revisions WHERE rollout_id IN (SELECT id FROM gone_rollouts)
    """,
}
"""Ids that leave, in the order in which the queries build on each other."""
_LEAVES = {
    "questions": "question_id IN (SELECT id FROM gone_questions)",
    "rollouts": "rollout_id IN (SELECT id FROM gone_rollouts)",
    "decompositions": f"{_OWN} OR rollout_id IN (SELECT id FROM gone_rollouts)",
    "steps": f"{_OWN} OR decomposition_id IN (SELECT id FROM gone_decompositions)",
    "revisions": f"{_OWN} OR rollout_id IN (SELECT id FROM gone_rollouts)",
    "decisions": f"{_OWN} OR revision_id IN (SELECT id FROM gone_revisions)",
    "examples": f"""{_OWN} OR revision_id IN (SELECT id FROM gone_revisions)
        OR question_id IN (SELECT id FROM gone_questions)""",
    "dead_letters": f"{_OWN} OR ({_OF_SOURCE} AND error <> 'source_removed')",
    "drafts": f"{_OWN} OR rollout_id IN (SELECT id FROM gone_rollouts)",
}


@dataclass(frozen=True)
class Seeds:
    """What is withdrawn directly; everything that was made from it follows."""

    questions: frozenset[str] = frozenset()
    rollouts: frozenset[str] = frozenset()
    sources: Sequence[str] = ()
    """Names of sources; all questions and dead letters of these sources."""
    parts: Sequence[str] = ()
    """Keys of parts whose rows all leave, except the questions that rollouts in other parts refer to."""

    def __bool__(self) -> bool:
        return bool(self.questions or self.rollouts or self.sources or self.parts)


class AffectedRows:
    """The rows in some parts that a withdrawal takes out. Close it after use, or use it in a `with` block."""

    def __init__(self, lake: Lake, parts: Iterable[Part], seeds: Seeds) -> None:
        self._lake = lake
        self._parts = {lake.store.uri(part.key): part for part in parts if part.table in TABLES}
        addresses: dict[str, list[str]] = {table: [] for table in TABLES}
        for address, part in self._parts.items():
            addresses[part.table].append(address)
        self._con = open_session(addresses, with_part=True, views=None, memory_limit=MEMORY, threads=2)
        own = [lake.store.uri(key) for key in seeds.parts]
        for name, ids in (
            ("seed_questions", seeds.questions),
            ("seed_rollouts", seeds.rollouts),
            ("seed_sources", seeds.sources),
            ("seed_parts", own),
        ):
            self._con.register(name, pa.table({"id": pa.array(sorted(ids), pa.string())}))
        for name, query in _GONE.items():
            self._con.execute(f"CREATE TEMP TABLE {name} AS {query}")
        self._rows: dict[str, int] = {}
        """Rows that leave, by key of their part."""
        for table, leaves in _LEAVES.items():
            query = f"SELECT part, count(*) FROM {table} WHERE {leaves} GROUP BY part"
            for address, count in self._con.execute(query).fetchall():
                self._rows[self._parts[address].key] = count
        self._replaced: dict[str, Part | None] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._con.close()

    @property
    def keys(self) -> frozenset[str]:
        """Keys of the parts that have such rows."""
        return frozenset(self._rows)

    def rows(self, parts: Iterable[Part] | None = None) -> dict[str, int]:
        """Return the number of rows that leave `parts` (default: all parts), by table."""
        counts: Counter[str] = Counter()
        for part in self._parts.values() if parts is None else parts:
            counts[part.table] += self._rows.get(part.key, 0)
        return {table: count for table, count in sorted(counts.items()) if count}

    def replaced(self, part: Part) -> Part | None:
        """Return `part` if all its rows stay, else a part with those that do; None if there are none."""
        gone = self._rows.get(part.key, 0)
        if gone in (0, part.rows):
            return None if gone else part
        if part.key not in self._replaced:
            self._replaced[part.key] = self._lake.replace_part(part, self._remaining(part))
        return self._replaced[part.key]

    def replaced_parts(self, parts: Sequence[Part]) -> list[Part]:
        """Return these parts without the rows that leave."""
        return [new for part in parts if (new := self.replaced(part)) is not None]

    def change(self, published: Iterable[PublishedPart]) -> Iterator[PublishedPart]:
        """Yield the parts of a version without the rows that leave."""
        for old in published:
            new = self.replaced(old.part)
            if new is not None:
                yield old if new == old.part else replace(old, part=new)

    def questions(self) -> dict[str, list[str]]:
        """Return the ids of the questions that leave, each with the ids of its rollouts."""
        query = """
            SELECT question_id, list(rollout_id ORDER BY rollout_id)
            FROM rollouts JOIN gone_rollouts ON rollout_id = id GROUP BY question_id
        """
        gone = self._con.execute("SELECT id FROM gone_questions").fetchall()
        rollouts = dict(self._con.execute(query).fetchall())
        return {question: rollouts.get(question, []) for (question,) in sorted(gone)}

    def texts(self) -> Iterator[str]:
        """Yield the texts of the questions that leave."""
        query = "SELECT question FROM questions SEMI JOIN gone_questions ON question_id = id"
        reader = self._con.execute(query).to_arrow_reader(BATCH_ROWS)
        return (row["question"] for batch in reader for row in batch.to_pylist())

    def recipes_of_examples(self) -> dict[str, set[str]]:
        """Return the recipes of the accepted revisions that leave, by key of their part."""
        query = f"""
            SELECT DISTINCT part, recipe FROM revisions
            WHERE status = 'accepted' AND ({_LEAVES["revisions"]})
        """
        recipes: dict[str, set[str]] = {}
        for address, recipe in self._con.execute(query).fetchall():
            recipes.setdefault(self._parts[address].key, set()).add(recipe)
        return recipes

    def _remaining(self, part: Part) -> Iterator[dict[str, Any]]:
        columns = ", ".join(TABLES[part.table].names)
        query = f"""
            SELECT {columns} FROM {part.table}
            WHERE part = $part AND NOT coalesce({_LEAVES[part.table]}, false)
        """
        reader = self._con.execute(query, {"part": self._lake.store.uri(part.key)}).to_arrow_reader(
            BATCH_ROWS
        )
        for batch in reader:
            yield from batch.to_pylist()
