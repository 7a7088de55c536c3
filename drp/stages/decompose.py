"""Decompose: the teacher cuts each trace into skill-labelled steps (paper, section 3.1).

What is not worth a teacher's time (unfinished, wrong, a benchmark's question, a duplicate, ...) is rejected
here, before it is paid for.
"""

from collections.abc import Iterator

from drp.core.ids import row_id
from drp.core.records import Draft, Grade
from drp.gates.row_gates import Rejection, cover_fault
from drp.runtime.context import Night
from drp.runtime.prefilter import judged
from drp.runtime.progress import Progress, rows_in
from drp.runtime.rows import decomposition_row, revision_row, teacher_of

STAGE = "decompose"


def decompose(night: Night, shard: str) -> None:
    """Cut the traces of one shard, or reject them."""
    if night.run.is_done(STAGE, shard):
        return
    planned = len(night.run.plans()[shard]["rollouts"])
    progress = Progress(STAGE, shard, planned + rows_in(night, shard, "rollout", "rollouts"))
    with teacher_of(night) as teacher, night.run.shard(STAGE, shard, night.recipe.revision_hash) as out:

        def reject(rollout_id: str, why: list[Rejection], draft: Draft | None = None) -> None:
            out.add("revisions", revision_row(night, teacher, rollout_id, draft, Grade(), why))
            out.counts["rejected"] += 1
            out.counts.update(f"rejected: {rejection.reason}" for rejection in why)

        def worth_cutting() -> Iterator[Draft]:
            for work, why in judged(night, shard):
                out.counts["rollouts"] += 1
                if why:
                    reject(work.rollout_id, why)
                else:
                    yield Draft(work.trace)

        for draft in teacher.decompose(worth_cutting(), night.recipe.decomposition):
            progress.tell(out.counts["rejected"] + out.counts["decomposed"] + out.counts["carried"])
            if draft.is_carried:
                out.counts["carried"] += 1
                continue
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
