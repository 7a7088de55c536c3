"""Rollout: tonight's student reasons about the shard's questions; every response is graded against gold."""

from drp.core.records import GradedRollout, Question
from drp.lake.runs import ShardOutput
from drp.query.select import select
from drp.runtime.context import Night
from drp.runtime.sampling import Wanted, sample
from drp.runtime.student_models import bring_student
from drp.student.engines.select import student_of
from drp.student.grade_rollouts import rollout_row
from drp.student.protocol import Sample

STAGE = "rollout"
_QUESTIONS = (
    "SELECT questions.* EXCLUDE (run_date) FROM questions JOIN wanted ON question_id = id ORDER BY id"
)


def rollout(night: Night, shard: str) -> None:
    """Sample the student on the questions of one shard."""
    if night.run.is_done(STAGE, shard):
        return
    with night.run.shard(STAGE, shard, night.recipe.rollout_hash):
        bring_student(night.lake.store, night.recipe.student)
        sample(night, wanted(night, shard))


def wanted(night: Night, shard: str) -> Wanted:
    """What the shard's samples are, and how they land."""
    recipe = night.recipe
    ids = night.run.plans()[shard]["questions"]
    questions = [Question(**row) for row in select(night.visible(), _QUESTIONS, wanted=ids)]
    samples = [Sample(question, k) for question in questions for k in range(recipe.sampling.samples)]

    def add(out: ShardOutput, graded: GradedRollout) -> None:
        out.add("rollouts", rollout_row(graded, recipe.rollout_hash))
        out.counts["rollouts"] += 1

    return Wanted(STAGE, shard, recipe.rollout_hash, student_of(recipe), samples, add)
