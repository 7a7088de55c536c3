"""Rollout: the student answers the questions of a shard, and every response is graded against gold."""

from drp.core import GradedRollout, Question
from drp.core.stage_names import ROLLOUT
from drp.lake import ShardOutput
from drp.query import select
from drp.runtime import RunContext, SamplingTask, ShardPlan, fetch_student, sample
from drp.student import SampleRequest, rollout_row
from drp.student.engines import student_of

_QUESTIONS = (
    "SELECT questions.* EXCLUDE (run_date) FROM questions JOIN wanted ON question_id = id ORDER BY id"
)


def rollout(ctx: RunContext, shard: str) -> None:
    """Sample the student on the questions of one shard."""
    if ctx.run.is_done(ROLLOUT, shard):
        return
    with ctx.run.shard(ROLLOUT, shard, ctx.recipe.rollout_hash):
        fetch_student(ctx.lake.store, ctx.recipe.student)
        sample(ctx, sampling_task(ctx, shard))


def sampling_task(ctx: RunContext, shard: str) -> SamplingTask:
    """The samples of the shard, and how each is stored."""
    recipe = ctx.recipe
    ids = ctx.run.plans(ShardPlan)[shard].questions
    questions = [Question(**row) for row in select(ctx.visible_parts(), _QUESTIONS, wanted=ids)]
    samples = [SampleRequest(question, k) for question in questions for k in range(recipe.sampling.samples)]

    def add(out: ShardOutput, graded: GradedRollout) -> None:
        out.add("rollouts", rollout_row(graded, recipe.rollout_hash))
        out.counts["rollouts"] += 1

    return SamplingTask(ROLLOUT, shard, recipe.rollout_hash, student_of(recipe), samples, add)
