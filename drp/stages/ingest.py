"""Ingest: turn recorded traces, or questions, into rows.

An input row that cannot be used becomes a dead letter with the reason; the others are kept. Rows that the
lake has already, in any order, add nothing.
"""

import hashlib
import logging
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeAlias

from more_itertools import chunked

from drp.config import SyntheticSet, settings
from drp.core import DeadLetter, Question, RunId, content_id
from drp.core.stage_names import INGEST
from drp.grading import Grader
from drp.lake import Addresses, Lake, Run
from drp.query import select
from drp.questions.generators import generate
from drp.questions.importers import RecordedTrace, import_questions, import_traces
from drp.runtime import IMPORTED, RunContext
from drp.student import grade_rollouts, recorded_rollout, rollout_row

_log = logging.getLogger(__name__)

BATCH = 1024
"""Rows of a file that are held in memory at a time."""

_KNOWN_IDS = """
SELECT question_id AS id FROM questions UNION ALL SELECT rollout_id FROM rollouts
UNION ALL SELECT dead_letter_id FROM dead_letters
"""

Item: TypeAlias = RecordedTrace | Question | DeadLetter


def ingest(
    ctx: RunContext, traces: str | None, *, pairs: Sequence[str] = (), student: str | None = None
) -> None:
    """Read recorded `traces`, or else generate the recipe's questions.

    Args:
        ctx: the night.
        traces: a file or a `datasets` folder; a relative path counts from DRP_HOME.
        pairs: `field=column` for each column of the file that has another name than ours.
        student: name of the student for rows that do not name one.
    """
    ctx.keep_recipe()
    _take_over_killed(ctx)
    if traces is not None:
        path = settings().home / traces
        rows = import_traces(path, pairs=pairs, student=student)
        _write_items(ctx.run, ctx.known_parts(), _file_digest(path, ("traces", *pairs, student or "")), rows)
        return
    for question_set in ctx.recipe.questions:
        if isinstance(question_set, SyntheticSet):
            wanted = question_set.model_dump(exclude={"source"})
            shard = content_id("synthetic", wanted)[:12]
            _write_items(ctx.run, ctx.known_parts(), shard, generate(**wanted))


def _take_over_killed(ctx: RunContext) -> None:
    """Take over the work of earlier nights that were killed, so that nothing is paid for twice."""
    killed = ctx.lake.killed(ctx.run)
    for run in killed:
        ctx.run.take_over(run, ctx.fingerprints)
        _log.warning("%s takes over the finished work of %s, which did not end", ctx.run_id, run.run_id)
    if killed and ctx.run.state().state == "taken over":
        ctx.run.finish("open", "")


def import_file(
    lake: Lake, path: Path, *, kind: str, pairs: Sequence[str] = (), student: str | None = None
) -> dict[str, int]:
    """Import a file of `traces` or `questions`, publish it and return the counts (`drp import`)."""
    rows: Iterator[Item] = (
        import_traces(path, pairs=pairs, student=student)
        if kind == "traces"
        else import_questions(path, pairs=pairs)
    )
    shard = _file_digest(path, (kind, *pairs, student or ""))
    run = lake.run(str(RunId(datetime.now(UTC).date(), "import", shard)))
    try:
        _write_items(run, lake.published(), shard, rows)
    finally:
        run.release_lease()
    done = list(run.shard_files(stage=INGEST))
    corpus, _ = lake.publish(run, done)
    run.finish("published", f"corpus version {corpus.number}")
    return done[0].counts


class _KnownIds:
    """Ids of rows that are in the lake already, 16 bytes each."""

    def __init__(self, ids: Iterable[str]) -> None:
        self._ids = {bytes.fromhex(content) for content in ids}

    def add_new(self, content: str) -> bool:
        """Add an id; whether it was new."""
        known = len(self._ids)
        self._ids.add(bytes.fromhex(content))
        return len(self._ids) > known


@dataclass
class _NewItems:
    """What is new in a batch of items."""

    dead_letters: list[DeadLetter] = field(default_factory=list)
    questions: list[Question] = field(default_factory=list)
    """Items that are questions."""
    traces: list[RecordedTrace] = field(default_factory=list)
    questions_of_traces: list[Question] = field(default_factory=list)


def _new_items(items: Iterable[Item], known: _KnownIds) -> _NewItems:
    new = _NewItems()
    for item in items:
        match item:
            case DeadLetter() if known.add_new(item.dead_letter_id):
                new.dead_letters.append(item)
            case Question() if known.add_new(item.question_id):
                new.questions.append(item)
            case RecordedTrace() if known.add_new(item.rollout_id):
                new.traces.append(item)
                if known.add_new(item.question.question_id):
                    new.questions_of_traces.append(item.question)
    return new


def _write_items(run: Run, published: Addresses, shard: str, items: Iterable[Item]) -> None:
    """Write the new ones among `items`; the counts account for every item."""
    if run.is_done(INGEST, shard):
        return
    known = _KnownIds(row["id"] for row in select(published, _KNOWN_IDS))
    with run.shard(INGEST, shard, IMPORTED) as out, Grader(workers=settings().workers) as grader:
        for batch in chunked(items, BATCH):
            new = _new_items(batch, known)
            for letter in new.dead_letters:
                out.add("dead_letters", vars(letter))
            for question in (*new.questions, *new.questions_of_traces):
                out.add("questions", vars(question))
            rollouts = ((trace.question, recorded_rollout(trace)) for trace in new.traces)
            for graded in grade_rollouts(rollouts, grader):
                out.add("rollouts", rollout_row(graded, None))
            counts = {
                "dead_letters": len(new.dead_letters),
                "questions": len(new.questions),
                "rollouts": len(new.traces),
            }
            out.counts.update(counts, rows=len(batch), known=len(batch) - sum(counts.values()))


def _file_digest(path: Path, options: Sequence[str]) -> str:
    """Hash of a file, or of a folder of files, and the options it is read with: the shard's name."""
    digest = hashlib.blake2b(repr(options).encode(), digest_size=6)
    files = sorted(p for p in path.rglob("*") if p.is_file()) if path.is_dir() else [path]
    for file in files:
        with file.open("rb") as stream:
            digest.update(hashlib.file_digest(stream, "sha256").digest())
    return digest.hexdigest()
