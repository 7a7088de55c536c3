"""Prune: the teacher decides one action a step and writes the shorter trace (paper, section 3.2).

Each revision passes the row gates, which read gold (the teacher does not), and becomes accepted, with its
training example, or rejected with its reasons.
"""

from collections.abc import Iterable, Iterator

from drp.core.batched import batched
from drp.core.ids import content_id, row_id
from drp.core.records import Draft, Grade, Revision, Verdict
from drp.gates.row_gates import revision_rejections
from drp.grading import Grader, extract_answer
from drp.lake.runs import ShardOutput
from drp.runtime.context import Night
from drp.runtime.progress import Progress, rows_in
from drp.runtime.rows import Work, read_decomposed, revision_row, teacher_of
from drp.student.engines.select import model_folder
from drp.teacher.protocol import Teacher
from drp.traces.tokens import THINK, Length, Lengths, response_text

STAGE = "prune"
BATCH = 256
"""Drafts graded together."""


def prune(night: Night, shard: str) -> None:
    """Revise the decomposed traces of one shard."""
    if night.run.is_done(STAGE, shard):
        return
    at_work: dict[str, Work] = {}
    progress = Progress(STAGE, shard, rows_in(night, shard, "decompose", "decomposed"))
    lengths = Lengths(model_folder(night.recipe.student))

    def drafts() -> Iterator[Draft]:
        for work, draft in read_decomposed(night, shard):
            at_work[work.rollout_id] = work
            yield draft

    def revised(teacher: Teacher, out: ShardOutput) -> Iterator[tuple[Work, Draft]]:
        for draft in teacher.synthesise(teacher.revise(drafts())):
            work = at_work.pop(draft.trace.rollout_id)
            if draft.is_carried:
                out.counts["carried"] += 1
            else:
                yield work, draft

    with (
        teacher_of(night) as teacher,
        night.run.shard(STAGE, shard, night.recipe.revision_hash) as out,
        Grader(workers=night.workers) as grader,
    ):
        for work, draft, grade, agrees in _graded(revised(teacher, out), grader):
            limits = night.recipe.gates.rows
            why = revision_rejections(work.question, work.graded, draft, grade, agrees, limits)
            length = _length(work, draft.revision, lengths)
            row = revision_row(night, teacher, work.rollout_id, draft, grade, why, length)
            out.add("revisions", row)
            for decision in draft.decisions:
                parent = {"revision_id": row["revision_id"], **vars(decision)}
                out.add(
                    "decisions",
                    {"decision_id": row_id("decision", row["revision_id"], decision.step_index), **parent},
                )
            if not why and draft.revision and length:
                out.add("examples", _sft_example(work, row["revision_id"], draft.revision, length))
            out.counts[row["status"]] += 1
            progress.tell(out.counts["accepted"] + out.counts["rejected"] + out.counts["carried"])
            out.counts.update(f"rejected: {reason}" for reason in row["reject_reasons"])


def _graded(
    revised: Iterable[tuple[Work, Draft]], grader: Grader
) -> Iterator[tuple[Work, Draft, Grade, Verdict]]:
    """Each draft with the grade of its answer against gold, and whether it agrees with the rollout's own."""
    for batch in batched(revised, BATCH):
        found = [extract_answer(d.revision.response) if d.revision else None for _, d in batch]
        pairs = [
            pair
            for (work, _), answer in zip(batch, found, strict=True)
            if answer
            for pair in (
                (work.question.gold_answer, answer.answer),
                (work.graded.grade.predicted_answer or "", answer.answer),
            )
        ]
        verdicts = grader.verdicts(pairs)
        for (work, draft), answer in zip(batch, found, strict=True):
            if answer is None:
                yield work, draft, Grade(), "undecided"
            else:
                grade = Grade(answer.answer, answer.source, next(verdicts))
                yield work, draft, grade, next(verdicts)


def _length(work: Work, revision: Revision | None, lengths: Lengths) -> Length | None:
    if revision is None:
        return None
    return lengths.of(revision.thinking, revision.response, work.graded.rollout.token_counter)


def _sft_example(work: Work, revision_id: str, revision: Revision, length: Length) -> dict[str, object]:
    """The target of supervised fine-tuning (paper, section 3.3) in the form of the R1 distills."""
    target = f"{THINK}\n{response_text(revision.thinking, revision.response)}"
    messages = [
        {"role": "user", "content": work.question.question},
        {"role": "assistant", "content": target},
    ]
    return {
        "example_id": content_id("example", revision_id, "sft"),
        "kind": "sft",
        "question_id": work.question.question_id,
        "revision_id": revision_id,
        "messages": messages,
        "tokens": length.total,
        "token_counter": length.counter,
        "weight": 1.0,
    }
