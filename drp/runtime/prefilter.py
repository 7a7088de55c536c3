"""Which rollouts of a shard are worth a teacher's time: finished, right, no leak, no duplicate."""

from collections.abc import Iterator

from drp.gates import EVALUATION_SPLITS, LeakIndex, Rejection, rollout_rejections
from drp.query import select
from drp.runtime.context import RunContext
from drp.runtime.plans import ShardPlan
from drp.runtime.rows import RolloutWithQuestion, read_rollouts

_EVALUATION_QUESTIONS = "SELECT question FROM questions WHERE list_contains($splits, lower(trim(split)))"
_SAMPLED = """
SELECT rollout_id, question_id, md5(thinking || chr(30) || response) AS text FROM rollouts ORDER BY rollout_id
"""


def prefilter_rollouts(ctx: RunContext, shard: str) -> Iterator[tuple[RolloutWithQuestion, list[Rejection]]]:
    """Every rollout of the shard, with the reasons why it is not sent to the teacher; streamed."""
    plan = ctx.run.plans(ShardPlan)[shard]
    sampled, repeated = _sampled(ctx, shard)
    duplicates = {*plan.duplicates, *repeated}
    measured_on = select(ctx.visible_parts(), _EVALUATION_QUESTIONS, {"splits": sorted(EVALUATION_SPLITS)})
    leaks = LeakIndex(row["question"] for row in measured_on)
    for work in read_rollouts(ctx, [*plan.rollouts, *sampled]):
        why = rollout_rejections(work.question, work.graded, leaks)
        if work.rollout_id in duplicates:
            why.append(Rejection("duplicate", "the same trace was given for this question before"))
        yield work, why


def _sampled(ctx: RunContext, shard: str) -> tuple[list[str], set[str]]:
    """Rollouts that tonight's student made in this shard, and those of them that repeat another."""
    rollouts: list[str] = []
    repeated: set[str] = set()
    seen: set[tuple[str, str]] = set()
    for row in select(ctx.shard_parts("rollout", shard), _SAMPLED):
        rollouts.append(row["rollout_id"])
        text = (row["question_id"], row["text"])
        if text in seen:
            repeated.add(row["rollout_id"])
        seen.add(text)
    return rollouts, repeated
