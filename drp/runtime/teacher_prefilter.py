"""The prefilter: unfinished, wrong, leaked and repeated rollouts are not sent to the teacher."""

from collections.abc import Iterator

from drp.core.stage_names import ROLLOUT
from drp.gates import EVALUATION_SPLITS, LeakIndex, Rejection, rollout_rejections
from drp.query import select
from drp.runtime.context import RunContext
from drp.runtime.shard_plans import ShardPlan
from drp.runtime.shard_rows import RolloutWithQuestion, read_rollouts

_EVALUATION_QUESTIONS = "SELECT question FROM questions WHERE list_contains($splits, lower(trim(split)))"
_SAMPLED = """
SELECT rollout_id, question_id, md5(thinking || chr(30) || response) AS text FROM rollouts ORDER BY rollout_id
"""


def prefilter_rollouts(ctx: RunContext, shard: str) -> Iterator[tuple[RolloutWithQuestion, list[Rejection]]]:
    """Every rollout of the shard with the reasons why it is not sent to the teacher, if any; streamed."""
    plan = ctx.run.plans(ShardPlan)[shard]
    sampled, repeated = _sampled(ctx, shard)
    duplicates = {*plan.duplicates, *repeated}
    splits = {"splits": sorted(EVALUATION_SPLITS)}
    rows = select(ctx.visible_parts(), _EVALUATION_QUESTIONS, splits)
    leaks = LeakIndex()
    for row in rows:
        leaks.add(row["question"])
    for rollout in read_rollouts(ctx, [*plan.rollouts, *sampled]):
        rejections = rollout_rejections(rollout.question, rollout.graded, leaks)
        if rollout.rollout_id in duplicates:
            rejections.append(Rejection("duplicate", "another rollout of this question has the same trace"))
        yield rollout, rejections


def _sampled(ctx: RunContext, shard: str) -> tuple[list[str], set[str]]:
    """Ids of the rollouts that were sampled in this shard, and of those among them that repeat another."""
    rollouts: list[str] = []
    repeated: set[str] = set()
    seen: set[tuple[str, str]] = set()
    for row in select(ctx.shard_parts(ROLLOUT, shard), _SAMPLED):
        rollouts.append(row["rollout_id"])
        text = (row["question_id"], row["text"])
        if text in seen:
            repeated.add(row["rollout_id"])
        seen.add(text)
    return rollouts, repeated
