"""Which revisions of a night a person reads: a sample by hash, stratified by student and length.

The order depends on the run and the revisions alone, so that all reviewers of a night get the same one, and a
prefix of any length has each stratum in proportion to its size. A share over the sample is therefore an
estimate of the share over the night, without weights.
"""

from collections.abc import Collection
from dataclasses import dataclass

import duckdb

from drp.core import BadInputError, RunId
from drp.lake import Addresses, Lake, Run, run_ids
from drp.query import open_session, select
from drp.reviews.pairs import RevisionRef

MEMORY = "1GB"
"""DuckDB's memory limit. Beyond it, DuckDB spills to disk."""
LENGTH_BANDS = 3
"""Equally large bands of each student's rollouts, by tokens."""


@dataclass(frozen=True)
class Selection:
    """The revisions to sample from: accepted ones, or rejected ones, all of them or those with a reason."""

    rejected: bool = False
    reason: str | None = None

    @property
    def status(self) -> str:
        """The value of `revisions.status`."""
        return "rejected" if self.rejected or self.reason else "accepted"

    @property
    def text(self) -> str:
        """The selection in words, for people."""
        return f"{self.status} ({self.reason})" if self.reason else self.status


# Of a stratum of s revisions, the k-th has the place (k - 0.5) / s: a prefix has each stratum in proportion.
_SAMPLE = """
WITH candidates AS (
    SELECT v.revision_id, r.student, r.token_counter, md5($run_id || v.revision_id) AS hash,
           ntile($bands::BIGINT) OVER (
               PARTITION BY r.student, r.token_counter ORDER BY r.total_tokens, v.revision_id
           ) AS band
    FROM revisions v JOIN rollouts r USING (rollout_id)
    WHERE v.run_date = $run_date AND v.recipe = $recipe AND v.status = $status
      AND ($reason IS NULL OR list_contains(v.reject_reasons, $reason))
), placed AS (
    SELECT revision_id, hash,
           (row_number() OVER (stratum ORDER BY hash) - 0.5) / count(*) OVER stratum AS place
    FROM candidates
    WINDOW stratum AS (PARTITION BY student, token_counter, band)
)
SELECT revision_id FROM placed
WHERE revision_id NOT IN (SELECT unnest($known::VARCHAR[]))
ORDER BY place, hash LIMIT $count
"""
_FIND = """
SELECT revision_id, run_date, recipe, recipe_hash, status FROM revisions JOIN wanted ON revision_id = id
"""


def night_of(lake: Lake, run_id: str | None) -> Run:
    """Return the night with this run id, or the newest one with revisions in the corpus.

    Raises:
        BadInputError: the corpus has no night yet, or the run is not a night.
        UnknownRunError: there is no run of this name.
    """
    if run_id is not None:
        run = lake.open_run(run_id)
        if run.parsed_id.kind == "night":
            return run
        raise BadInputError(
            f"run {run_id} is not a night: it has no revisions",
            state="Nothing was read or stored",
            next_command="drp review, for the newest night of the corpus",
        )
    nights = {p.run_id for p in lake.corpus.current().parts if p.part.table == "revisions"}
    if not nights:
        raise BadInputError(
            f"the corpus in the lake at {lake.store.root} has no night yet",
            state="Nothing was read or stored",
            next_command="drp nightly; or drp review --run RUN for a night that is not published",
        )
    return lake.run(str(max(map(RunId.parse, nights))))


def open_night(lake: Lake, night: Run) -> duckdb.DuckDBPyConnection:
    """Open a session on the revisions of a night and what they refer to. Close it after use."""
    return open_session(_parts(lake, night), earlier=lake.published(), memory_limit=MEMORY)


def sample(
    con: duckdb.DuckDBPyConnection, night: Run, chosen: Selection, known: Collection[str], count: int
) -> list[str]:
    """Return the ids of up to `count` revisions of a night, without those in `known`.

    Args:
        con: a session of `open_night`.
        night: the night.
        chosen: which revisions to sample from.
        known: ids of revisions that the reviewer has judged.
        count: the maximum number of ids.
    """
    parameters = {
        "run_id": night.run_id,
        "run_date": night.run_date,
        "recipe": night.parsed_id.recipe,
        "status": chosen.status,
        "reason": chosen.reason,
        "bands": LENGTH_BANDS,
        "known": list(known),
        "count": count,
    }
    return [row[0] for row in con.execute(_SAMPLE, parameters).fetchall()]


def find_revision(lake: Lake, revision_id: str) -> RevisionRef:
    """Return the revision with this id: of the corpus, or of a night that is not published.

    Raises:
        BadInputError: there is no such revision.
    """
    found = _find(lake.published(), revision_id)
    if found is not None:
        return found
    for run_id in reversed(run_ids(lake.store)):
        run = lake.run(run_id)
        if run.parsed_id.kind == "night" and run.state().state in ("open", "quarantined"):
            found = _find(_parts(lake, run), revision_id)
            if found is not None:
                return found
    raise BadInputError(
        f"there is no revision {revision_id!r} in the corpus or in a night that is not published",
        state="No verdict was stored",
        next_command="drp review --json, which names the revisions of the newest night",
    )


def _find(parts: Addresses, revision_id: str) -> RevisionRef | None:
    rows = list(select({"revisions": parts.get("revisions", ())}, _FIND, wanted=[revision_id]))
    return RevisionRef.of(**rows[0]) if rows else None


def _parts(lake: Lake, night: Run) -> dict[str, list[str]]:
    """Return the parts of a night: as the corpus has them, or all that it has written so far."""
    published = [p.part for p in lake.corpus.current().parts if p.run_id == night.run_id]
    if any(part.table == "revisions" for part in published):
        return lake.locate(published)
    releasable = night.state().fingerprints or None
    return lake.locate(part for done in night.shard_files(releasable) for part in done.parts)
