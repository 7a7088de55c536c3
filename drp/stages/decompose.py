"""Decompose: the teacher cuts each trace into skill-labelled steps (paper, section 3.1).

The prefilter rejects rollouts that should not reach the teacher (unfinished, wrong, a benchmark's question, a
duplicate, ...) here, before they cost anything.
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
    """Decompose the traces of one shard, or reject them."""
    if ctx.run.is_done(DECOMPOSE, shard):
        return
    planned = len(ctx.run.plans(ShardPlan)[shard].rollouts)
    progress = Progress(f"{DECOMPOSE} {shard}", planned + rows_in(ctx, shard, "rollout", "rollouts"))
    with open_teacher_for(ctx) as teacher, ctx.run.shard(DECOMPOSE, shard, ctx.revision_hash) as out:

        def reject(rollout_id: str, rejections: list[Rejection]) -> None:
            out.add("revisions", revision_row(ctx, teacher, rollout_id, None, None, Grade(), rejections))
            out.counts["rejected"] += 1
            out.counts.update(f"rejected: {rejection.reason}" for rejection in rejections)

        def prefiltered() -> Iterator[Draft]:
            for rollout, rejections in prefilter_rollouts(ctx, shard):
                out.counts["rollouts"] += 1
                if rejections:
                    reject(rollout.rollout_id, rejections)
                else:
                    yield Draft(rollout.trace)

        for draft in teacher.decompose(prefiltered(), ctx.recipe.decomposition):
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
                if (staged := draft_row(draft)) is not None:
                    out.add("drafts", staged)
                out.counts["decomposed"] += 1
