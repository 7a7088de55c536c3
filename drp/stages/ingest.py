"""Ingest: turn recorded traces, or questions, into rows.

An input row that cannot be used becomes a dead letter with the reason; the others are kept. Rows that the
lake has already, in any order, add nothing. A file that gives a question another gold answer than an earlier
file of the same name, or than an earlier file of the same run, corrects it: its rollouts are graded anew.
"""

import hashlib
import logging
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeAlias

from more_itertools import chunked

from drp.config import Recipe, SyntheticSet, settings
from drp.core import DeadLetter, GradedRollout, Question, Rollout, RunId, content_id, imported_rollout_id
from drp.core.stage_names import INGEST
from drp.grading import Grader
from drp.lake import Addresses, Lake, Run
from drp.query import select
from drp.questions.generators import generate
from drp.questions.importers import (
    DeadLetters,
    FaultSummary,
    ImportCommand,
    ImportInput,
    ImportKind,
    RecordedTrace,
    RefusalRule,
    absolute,
    import_questions,
    import_traces,
    open_input,
    refused_letter,
)
from drp.runtime import IMPORTED, RunContext
from drp.student import grade_rollouts, recorded_rollout, rollout_from_row, rollout_row
from drp.withdrawals import OtherAnswer, RunWithdrawals, SeenQuestions

_log = logging.getLogger(__name__)

BATCH = 1024
"""Rows of a file that are held in memory at a time."""

_KNOWN_IDS = """
SELECT question_id AS id FROM questions UNION ALL SELECT rollout_id FROM rollouts
UNION ALL SELECT dead_letter_id FROM dead_letters
"""

_ROLLOUTS_OF = "SELECT r.* FROM rollouts r JOIN wanted ON question_id = id ORDER BY rollout_id"

Item: TypeAlias = RecordedTrace | Question | DeadLetter


def ingest(
    ctx: RunContext, traces: str | None, *, pairs: Sequence[str] = (), student: str | None = None
) -> str | None:
    """Read recorded `traces`, or else generate the recipe's questions.

    Returns the name of the file's rows, for the stage `plan`; None without a file.

    Args:
        ctx: the night.
        traces: a file, a folder or glob of files, or an address in S3; a relative path counts from DRP_HOME.
        pairs: `field=column` for each column of the file that has another name than ours.
        student: name of the student for rows that do not name one.
    """
    ctx.keep_recipe()
    _take_over_killed(ctx)
    withdrawals = RunWithdrawals(ctx.lake, ctx.run)
    withdrawals.settle()
    refusal = withdrawals.removed_sources().refusal
    if traces is not None:
        with open_input(absolute(traces, settings().home)) as source:
            read = import_traces(source, pairs=pairs, student=student, refusal=refusal)
            shard = _file_digest(source, ("traces", *pairs, student or ""))
            faults = FaultSummary(ImportCommand("traces", source.words, pairs, student))
            given: list[str] = []
            rows = _noting_rollouts(read, given)
            _write_items(withdrawals, ctx.known_parts(), shard, rows, ctx.recipe, faults)
            if ctx.run.given(shard) is None:
                deque(rows, maxlen=0)  # nothing has read them if an earlier attempt has written the rows
                ctx.run.keep_given(shard, given)
        withdrawals.settle()
        return shard
    for question_set in ctx.recipe.questions:
        if isinstance(question_set, SyntheticSet):
            wanted = question_set.model_dump(exclude={"source"})
            shard = content_id("synthetic", wanted)[:12]
            questions = _permitted(generate(**wanted), refusal)
            _write_items(withdrawals, ctx.known_parts(), shard, questions, ctx.recipe)
    return None


def _noting_rollouts(items: Iterable[Item], rollout_ids: list[str]) -> Iterator[Item]:
    """Yield the items, and append the ids of the rollouts among them."""
    for item in items:
        if isinstance(item, RecordedTrace):
            rollout_ids.append(item.rollout_id)
        yield item


def _permitted(questions: Iterable[Question], refusal: RefusalRule) -> Iterator[Item]:
    """Yield generated questions, or dead letters for those of a source that was removed."""
    for number, question in enumerate(questions, start=1):
        if refused := refusal(question.source, question):
            yield refused_letter(DeadLetters(question.source), number, refused, question.question)
        else:
            yield question


def _take_over_killed(ctx: RunContext) -> None:
    """Take over the work of earlier nights that were killed, so that nothing is paid for twice."""
    killed = ctx.lake.killed(ctx.run)
    for run in killed:
        ctx.run.take_over(run, ctx.fingerprints)
        _log.warning("%s takes over the finished work of %s, which did not end", ctx.run_id, run.run_id)
    if killed and ctx.run.state().state == "taken over":
        ctx.run.finish("open", "")


def import_file(
    lake: Lake,
    source: str | Path | ImportInput,
    *,
    kind: ImportKind,
    pairs: Sequence[str] = (),
    student: str | None = None,
) -> dict[str, int]:
    """Import a file of `traces` or `questions`, publish it and return the counts (`drp import`).

    The causes of dead letters, each with what mends it, are logged and become warnings of the run.
    """
    source = source if isinstance(source, ImportInput) else open_input(source)
    shard = _file_digest(source, (kind, *pairs, student or ""))
    run = lake.run(str(RunId(datetime.now(UTC).date(), "import", shard)))
    withdrawals = RunWithdrawals(lake, run)
    refusal = withdrawals.removed_sources().refusal
    rows: Iterator[Item] = (
        import_traces(source, pairs=pairs, student=student, refusal=refusal)
        if kind == "traces"
        else import_questions(source, pairs=pairs, refusal=refusal)
    )
    faults = FaultSummary(ImportCommand(kind, source.words, pairs, student))
    is_repeated = run.state().state == "published"
    try:
        withdrawals.settle()
        counts = _write_items(withdrawals, lake.published(), shard, rows, faults=faults)
        withdrawals.settle()
    finally:
        run.release_lease()
    corpus, _ = withdrawals.publish(list(run.shard_files(stage=INGEST)))
    run.finish("published", f"corpus version {corpus.number}")
    return {"rows": counts["rows"], "known": counts["rows"]} if is_repeated else counts


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


def _write_items(
    withdrawals: RunWithdrawals,
    published: Addresses,
    shard: str,
    items: Iterable[Item],
    recipe: Recipe | None = None,
    faults: FaultSummary | None = None,
) -> dict[str, int]:
    """Write the new ones among `items` and return the counts, which account for every item.

    Rollouts that were sampled with `recipe` are graded anew if their question's gold answer is corrected.
    `faults` sums up all dead letters among the items, also those that are known.
    """
    run = withdrawals.run
    if run.is_done(INGEST, shard):
        done = next(done for done in run.shard_files(stage=INGEST) if done.shard == shard)
        for line in done.warnings:
            _log.warning("%s", line)
        return done.counts
    known = _KnownIds(row["id"] for row in select(published, _KNOWN_IDS))
    seen = SeenQuestions(published)
    with run.shard(INGEST, shard, IMPORTED) as out, Grader(workers=settings().workers) as grader:
        for batch in chunked(items, BATCH):
            for item in batch:
                if not isinstance(item, DeadLetter):
                    seen.add(item if isinstance(item, Question) else item.question)
                elif faults:
                    faults.add(item)
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
        answers = seen.other_answers(_own_questions(run))
        corrected = {answer.old.question_id: answer for answer in answers if answer.is_corrected}
        for graded, recipe_hash in _graded_anew(published, corrected, known, recipe, grader):
            out.add("rollouts", rollout_row(graded, recipe_hash))
            out.counts["graded_anew"] += 1
        for line in faults.lines() if faults else ():
            _log.warning("%s", line)
            out.warnings.append(line)
        if corrected:
            out.counts["corrected"] = len(corrected)
        if kept := len(answers) - len(corrected):
            sources = sorted({answer.old.source for answer in answers if not answer.is_corrected})
            out.warnings.append(
                f"{kept} questions have another gold answer in {', '.join(sources[:3])}: both were kept"
            )
        withdrawals.note_corrections(
            shard, {old: answer.new.question_id for old, answer in corrected.items()}
        )
    return dict(out.counts)


def _own_questions(run: Run) -> list[str]:
    parts = (part for done in run.shard_files(stage=INGEST) for part in done.parts)
    return [run.store.uri(part.key) for part in parts if part.table == "questions"]


def _graded_anew(
    published: Addresses,
    corrected: Mapping[str, OtherAnswer],
    known: _KnownIds,
    recipe: Recipe | None,
    grader: Grader,
) -> Iterator[tuple[GradedRollout, str | None]]:
    """Grade the rollouts of corrected questions against the new gold answers.

    They get the ids of rollouts of the new questions. Rollouts that were sampled with other settings than
    those of `recipe` are left out: their recipes sample the new questions.
    """
    hashes: deque[str | None] = deque()

    def moved() -> Iterator[tuple[Question, Rollout]]:
        for row in select(published, _ROLLOUTS_OF, wanted=sorted(corrected)):
            question, rollout = corrected[row["question_id"]].new, rollout_from_row(row).rollout
            new_id = _moved_id(rollout, question.question_id, row["recipe_hash"], recipe)
            if new_id is not None and known.add_new(new_id):
                hashes.append(row["recipe_hash"])
                yield question, replace(rollout, rollout_id=new_id, question_id=question.question_id)

    if corrected:
        for graded in grade_rollouts(moved(), grader):
            yield graded, hashes.popleft()


def _moved_id(
    rollout: Rollout, question_id: str, recipe_hash: str | None, recipe: Recipe | None
) -> str | None:
    if recipe_hash is None:
        return imported_rollout_id(question_id, rollout.student, rollout.thinking, rollout.response)
    if recipe is None or recipe_hash != recipe.rollout_hash or rollout.prompt_version is None:
        return None
    return recipe.sampling.rollout_id(
        question_id, rollout.student, rollout.prompt_version, rollout.sample_index
    )


def _file_digest(source: ImportInput, options: Sequence[str]) -> str:
    """Hash of the files of an input, and the options they are read with: the shard's name."""
    digest = hashlib.blake2b(repr(options).encode(), digest_size=6)
    for file in source.files():
        with file.open("rb") as stream:
            digest.update(hashlib.file_digest(stream, "sha256").digest())
    return digest.hexdigest()
