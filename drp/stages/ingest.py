"""Ingest: recorded traces and questions become rows.

Rows of a file that cannot be used become dead letters with the reason; the rest go on. What the lake knows
already, in whatever order it comes, adds nothing.
"""

import hashlib
import logging
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Self, TypeAlias

from drp.config import SyntheticSet, settings
from drp.core import DeadLetter, Question, RunId, batched, content_id
from drp.core.stage_names import INGEST
from drp.grading import Grader
from drp.lake import Addresses, Lake, Run, ShardOutput
from drp.query import select
from drp.questions.generators import generate
from drp.questions.importers import RecordedTrace, import_questions, import_traces
from drp.runtime import IMPORTED, RunContext
from drp.student import grade_rollouts, recorded_rollout, rollout_row

_log = logging.getLogger(__name__)

BATCH = 1024
"""Rows of a file held at a time."""

Item: TypeAlias = RecordedTrace | Question | DeadLetter


def ingest(
    ctx: RunContext, traces: str | None, *, pairs: Sequence[str] = (), student: str | None = None
) -> None:
    """Bring in tonight's recorded `traces`, or else the recipe's generated questions.

    Args:
        night: the night.
        traces: a file or a `datasets` folder; relative paths count from the repository's root.
        pairs: `field=column` where the file's columns have other names than ours.
        student: the student of rows that name none.
    """
    ctx.keep_recipe()
    _take_over_killed(ctx)
    if traces is not None:
        path = settings().home / traces
        rows = import_traces(path, pairs=pairs, student=student)
        _land(ctx.run, ctx.known_parts(), _file_digest(path, ("traces", *pairs, student or "")), rows)
        return
    for question_set in ctx.recipe.questions:
        if isinstance(question_set, SyntheticSet):
            wanted = question_set.model_dump(exclude={"source"})
            shard = content_id("synthetic", wanted)[:12]
            _land(ctx.run, ctx.known_parts(), shard, generate(**wanted))


def _take_over_killed(ctx: RunContext) -> None:
    """What an earlier night had done when it was killed is tonight's: nothing is paid for twice."""
    killed = ctx.lake.killed(ctx.run)
    for run in killed:
        ctx.run.take_over(run, ctx.fingerprints)
        _log.warning("%s goes on with what %s, which did not end, had done", ctx.run_id, run.run_id)
    if killed and ctx.run.state().state == "taken over":
        ctx.run.finish("open", "")


def import_file(
    lake: Lake, path: Path, *, kind: str, pairs: Sequence[str] = (), student: str | None = None
) -> dict[str, int]:
    """`drp import`: bring a file of `traces` or `questions` into the lake, publish it, return the counts."""
    rows: Iterator[Item] = (
        import_traces(path, pairs=pairs, student=student)
        if kind == "traces"
        else import_questions(path, pairs=pairs)
    )
    shard = _file_digest(path, (kind, *pairs, student or ""))
    run = lake.run(str(RunId(datetime.now(UTC).date(), "import", shard)))
    try:
        _land(run, lake.published(), shard, rows)
    finally:
        run.release_lease()
    done = list(run.shard_files(stage=INGEST))
    corpus, _ = lake.publish(run, done)
    run.finish("published", f"corpus version {corpus.number}")
    return done[0].counts


@dataclass(frozen=True)
class _Known:
    """Ids that are in the lake already, 16 bytes each."""

    ids: set[bytes]

    @classmethod
    def read(cls, addresses: Addresses) -> Self:
        query = (
            "SELECT question_id AS id FROM questions UNION ALL SELECT rollout_id FROM rollouts "
            "UNION ALL SELECT dead_letter_id FROM dead_letters"
        )
        return cls({bytes.fromhex(row["id"]) for row in select(addresses, query)})

    def is_new(self, content: str) -> bool:
        """Whether the id was not seen before; it is from now on."""
        seen = bytes.fromhex(content)
        new = seen not in self.ids
        self.ids.add(seen)
        return new


def _land(run: Run, known: Addresses, shard: str, items: Iterable[Item]) -> None:
    """Write what is new among `items`. The counts say what became of every one of them."""
    if run.is_done(INGEST, shard):
        return
    seen = _Known.read(known)
    with run.shard(INGEST, shard, IMPORTED) as out, Grader(workers=settings().workers) as grader:
        for batch in batched(items, BATCH):
            traces = [trace for item in batch if (trace := _land_row(item, seen, out))]
            landed = ((trace.question, recorded_rollout(trace)) for trace in traces)
            for graded in grade_rollouts(landed, grader):
                out.add("rollouts", rollout_row(graded, None))


def _land_row(item: Item, seen: _Known, out: ShardOutput) -> RecordedTrace | None:
    """Count one item and write it; a new trace is given back, as it has to be graded first."""
    out.counts["rows"] += 1
    match item:
        case DeadLetter() if seen.is_new(item.dead_letter_id):
            out.add("dead_letters", vars(item))
            out.counts["dead_letters"] += 1
        case Question() if seen.is_new(item.question_id):
            out.add("questions", vars(item))
            out.counts["questions"] += 1
        case RecordedTrace() if seen.is_new(item.rollout_id):
            if seen.is_new(item.question.question_id):
                out.add("questions", vars(item.question))
            out.counts["rollouts"] += 1
            return item
        case _:
            out.counts["known"] += 1
    return None


def _file_digest(path: Path, options: Sequence[str]) -> str:
    """Name of the shard that reads this file, or folder of files, with these options."""
    digest = hashlib.blake2b(repr(options).encode(), digest_size=6)
    files = sorted(p for p in path.rglob("*") if p.is_file()) if path.is_dir() else [path]
    for file in files:
        with file.open("rb") as stream:
            digest.update(hashlib.file_digest(stream, "sha256").digest())
    return digest.hexdigest()
