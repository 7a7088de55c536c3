"""Decompose: the teacher cuts each trace into skill-labelled steps (paper, section 3.1).

What is not worth a teacher's time (unfinished, wrong, a benchmark's question, a duplicate, ...) is rejected
here, before it is paid for.
"""

from collections.abc import Iterator

from drp.gates.leaks import EVALUATION_SPLITS, LeakIndex
from drp.gates.rows import Rejection, cover_fault, rollout_rejections
from drp.ids import row_id
from drp.records import Draft, Grade
from drp.sql.select import select
from drp.stages.night import Night
from drp.stages.revisions import Work, decomposition_row, read_work, revision_row
from drp.teacher.factory import make_teacher

STAGE = "decompose"
_EVALUATION_QUESTIONS = "SELECT question FROM questions WHERE list_contains($splits, lower(trim(split)))"
_SAMPLED = """
SELECT rollout_id, question_id, md5(thinking || chr(30) || response) AS text FROM rollouts ORDER BY rollout_id
"""


def decompose(night: Night, shard: str) -> None:
    """Cut the traces of one shard, or reject them."""
    if night.run.is_done(STAGE, shard):
        return
    plan = night.run.plans()[shard]
    sampled, repeated = _sampled(night, shard)
    duplicates = {*plan["duplicates"], *repeated}
    measured_on = select(night.visible(), _EVALUATION_QUESTIONS, {"splits": sorted(EVALUATION_SPLITS)})
    leaks = LeakIndex(row["question"] for row in measured_on)
    teacher = make_teacher(night.recipe, night.workers)

    with night.run.shard(STAGE, shard, night.recipe.revision_hash) as out:

        def reject(rollout_id: str, why: list[Rejection], draft: Draft | None = None) -> None:
            out.add("revisions", revision_row(night, teacher, rollout_id, draft, Grade(), why))
            out.counts["rejected"] += 1
            out.counts.update(f"rejected: {rejection.reason}" for rejection in why)

        def worth_cutting(work: Iterator[Work]) -> Iterator[Draft]:
            for item in work:
                out.counts["rollouts"] += 1
                why = rollout_rejections(item.question, item.graded, leaks)
                if item.rollout_id in duplicates:
                    why.append(Rejection("duplicate", "the same trace was given for this question before"))
                if why:
                    reject(item.rollout_id, why)
                else:
                    yield Draft(item.trace)

        drafts = worth_cutting(read_work(night, [*plan["rollouts"], *sampled]))
        for draft in teacher.decompose(drafts, night.recipe.decomposition):
            fault = None if draft.refusal else cover_fault(draft.steps, draft.trace.thinking)
            if draft.refusal:
                reject(draft.trace.rollout_id, [Rejection(draft.refusal.reason, draft.refusal.detail)])
            elif fault:
                reject(draft.trace.rollout_id, [Rejection("uncovered", fault)])
            else:
                row = decomposition_row(night, teacher, draft)
                out.add("decompositions", row)
                for index, step in enumerate(draft.steps):
                    parent = {"decomposition_id": row["decomposition_id"], "step_index": index}
                    out.add(
                        "steps",
                        {"step_id": row_id("step", row["decomposition_id"], index), **parent, **vars(step)},
                    )
                out.counts["decomposed"] += 1


def _sampled(night: Night, shard: str) -> tuple[list[str], set[str]]:
    """Rollouts that tonight's student made in this shard, and those of them that repeat another."""
    rollouts: list[str] = []
    repeated: set[str] = set()
    seen: set[tuple[str, str]] = set()
    for row in select(night.shard("rollout", shard), _SAMPLED):
        rollouts.append(row["rollout_id"])
        text = (row["question_id"], row["text"])
        if text in seen:
            repeated.add(row["rollout_id"])
        seen.add(text)
    return rollouts, repeated
