"""Prune: the teacher decides one action per step and writes the shorter trace (paper, section 3.2).

Each revision then passes the row gates, which read the gold answer (the teacher does not). It is accepted,
with its training example, or rejected with its reasons.
"""

from collections.abc import Iterable, Iterator

from more_itertools import chunked

from drp.config import THINK
from drp.console import Progress
from drp.core import Draft, Grade, Revision, Verdict, content_id, row_id
from drp.core.stage_names import PRUNE
from drp.gates import revision_rejections
from drp.grading import Grader, grade_responses
from drp.lake import ShardOutput
from drp.runtime import (
    RolloutWithQuestion,
    RunContext,
    open_teacher_for,
    read_decomposed,
    revision_row,
    rows_in,
)
from drp.teacher import Teacher
from drp.traces import TokenCount, TokenCounter

BATCH = 256
"""Drafts graded together."""


def prune(ctx: RunContext, shard: str) -> None:
    """Revise the decomposed traces of one shard."""
    if ctx.run.is_done(PRUNE, shard):
        return
    rollouts: dict[str, RolloutWithQuestion] = {}
    progress = Progress(f"{PRUNE} {shard}", rows_in(ctx, shard, "decompose", "decomposed"))

    def drafts() -> Iterator[Draft]:
        for rollout, draft in read_decomposed(ctx, shard):
            rollouts[rollout.rollout_id] = rollout
            yield draft

    def revised(teacher: Teacher, out: ShardOutput) -> Iterator[tuple[RolloutWithQuestion, Draft]]:
        for draft in teacher.revise(drafts()):
            rollout = rollouts.pop(draft.trace.rollout_id)
            if draft.is_carried:
                out.counts["carried"] += 1
            else:
                yield rollout, draft

    with (
        open_teacher_for(ctx) as teacher,
        ctx.run.shard(PRUNE, shard, ctx.revision_hash) as out,
        Grader(workers=ctx.workers) as grader,
    ):
        for rollout, draft, grade, agrees in _graded(revised(teacher, out), grader):
            limits = ctx.recipe.gates.rows
            rejections = revision_rejections(rollout.question, rollout.graded, draft, grade, agrees, limits)
            length = _length(rollout, draft.revision, ctx.token_counter)
            ids = rollout.rollout_id, rollout.decomposition_id
            row = revision_row(ctx, teacher, *ids, draft, grade, rejections, length)
            out.add("revisions", row)
            for decision in draft.decisions:
                parent = {"revision_id": row["revision_id"], **vars(decision)}
                out.add(
                    "decisions",
                    {"decision_id": row_id("decision", row["revision_id"], decision.step_index), **parent},
                )
            if not rejections and draft.revision and length:
                out.add("examples", _sft_example(rollout, row["revision_id"], draft.revision, length))
            out.counts[row["status"]] += 1
            progress.update(out.counts["accepted"] + out.counts["rejected"] + out.counts["carried"])
            out.counts.update(f"rejected: {reason}" for reason in row["reject_reasons"])


def _graded(
    revised: Iterable[tuple[RolloutWithQuestion, Draft]], grader: Grader
) -> Iterator[tuple[RolloutWithQuestion, Draft, Grade, Verdict]]:
    """Each draft with the grade of its answer against gold, and its verdict against the rollout's answer."""
    for batch in chunked(revised, BATCH):
        responses = [
            (rollout.question.gold_answer, draft.revision.response if draft.revision else "")
            for rollout, draft in batch
        ]
        grades = list(grade_responses(grader, responses))
        answers = [
            (rollout.graded.grade.predicted_answer or "", grade.predicted_answer or "")
            for (rollout, _), grade in zip(batch, grades, strict=True)
        ]
        for (rollout, draft), grade, agrees in zip(batch, grades, grader.verdicts(answers), strict=True):
            yield rollout, draft, grade, agrees


def _length(
    rollout: RolloutWithQuestion, revision: Revision | None, counter: TokenCounter
) -> TokenCount | None:
    if revision is None:
        return None
    return counter.of(revision.thinking, revision.response, rollout.graded.rollout.token_counter)


def _sft_example(
    rollout: RolloutWithQuestion, revision_id: str, revision: Revision, length: TokenCount
) -> dict[str, object]:
    """The target of supervised fine-tuning (paper, section 3.3) in the form of the R1 distills."""
    target = THINK.opening + THINK.response_text(revision.thinking, revision.response)
    messages = [
        {"role": "user", "content": rollout.question.question},
        {"role": "assistant", "content": target},
    ]
    return {
        "example_id": content_id("example", revision_id, "sft"),
        "kind": "sft",
        "question_id": rollout.question.question_id,
        "revision_id": revision_id,
        "messages": messages,
        "tokens": length.total,
        "token_counter": length.counter,
        "weight": 1.0,
    }
