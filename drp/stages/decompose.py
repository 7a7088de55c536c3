"""Decompose: the teacher cuts each trace into skill-labelled steps (paper, section 3.1).

What is not worth a teacher's time (unfinished, wrong, a benchmark's question, a duplicate, ...) is rejected
here, before it is paid for.
"""

from collections.abc import Iterator

from drp.console import Progress
from drp.core import Draft, Grade, row_id
from drp.core.stage_names import DECOMPOSE
from drp.gates import Rejection, cover_fault
from drp.runtime import (
    RunContext,
    ShardPlan,
    decomposition_row,
    draft_row,
    open_teacher_for,
    prefilter_rollouts,
    revision_row,
    rows_in,
)


def decompose(ctx: RunContext, shard: str) -> None:
    """Cut the traces of one shard, or reject them."""
    if ctx.run.is_done(DECOMPOSE, shard):
        return
    planned = len(ctx.run.plans(ShardPlan)[shard].rollouts)
    progress = Progress(f"{DECOMPOSE} {shard}", planned + rows_in(ctx, shard, "rollout", "rollouts"))
    with open_teacher_for(ctx) as teacher, ctx.run.shard(DECOMPOSE, shard, ctx.revision_hash) as out:

        def reject(rollout_id: str, why: list[Rejection], draft: Draft | None = None) -> None:
            out.add("revisions", revision_row(ctx, teacher, rollout_id, draft, Grade(), why))
            out.counts["rejected"] += 1
            out.counts.update(f"rejected: {rejection.reason}" for rejection in why)

        def worth_cutting() -> Iterator[Draft]:
            for work, why in prefilter_rollouts(ctx, shard):
                out.counts["rollouts"] += 1
                if why:
                    reject(work.rollout_id, why)
                else:
                    yield Draft(work.trace)

        for draft in teacher.decompose(worth_cutting(), ctx.recipe.decomposition):
            progress.update(out.counts["rejected"] + out.counts["decomposed"] + out.counts["carried"])
            if draft.is_carried:
                out.counts["carried"] += 1
                continue
            fault = None if draft.refusal else cover_fault(draft.steps, draft.trace.thinking)
            if draft.refusal:
                reject(draft.trace.rollout_id, [Rejection(draft.refusal.reason, draft.refusal.detail)])
            elif fault:
                reject(draft.trace.rollout_id, [Rejection("uncovered", fault)])
            else:
                row = decomposition_row(ctx, teacher, draft)
                out.add("decompositions", row)
                for index, step in enumerate(draft.steps):
                    parent = {"decomposition_id": row["decomposition_id"], "step_index": index}
                    out.add(
                        "steps",
                        {"step_id": row_id("step", row["decomposition_id"], index), **parent, **vars(step)},
                    )
                if (revised := draft_row(draft)) is not None:
                    out.add("drafts", revised)
                out.counts["decomposed"] += 1
