"""Rollout: tonight's student reasons about the shard's questions; every response is graded against gold."""

from collections.abc import Iterator

from drp.grading import Grader
from drp.records import Question, Rollout
from drp.sql.select import select
from drp.stages.night import Night
from drp.student.engines import make_engine
from drp.student.landing import grade_rollouts, rollout_row

STAGE = "rollout"
_QUESTIONS = (
    "SELECT questions.* EXCLUDE (run_date) FROM questions JOIN wanted ON question_id = id ORDER BY id"
)


def rollout(night: Night, shard: str) -> None:
    """Sample the student on the questions of one shard."""
    if night.run.is_done(STAGE, shard):
        return
    wanted = night.run.plans()[shard]["questions"]
    questions = {
        row["question_id"]: Question(**row) for row in select(night.visible(), _QUESTIONS, wanted=wanted)
    }

    def responses() -> Iterator[tuple[Question, Rollout]]:
        for response in make_engine(night.recipe).sample(questions.values()):
            yield questions[response.question_id], response

    with (
        night.run.shard(STAGE, shard, night.recipe.rollout_hash) as out,
        Grader(workers=night.workers) as grader,
    ):
        for graded in grade_rollouts(responses(), grader):
            out.add("rollouts", rollout_row(graded, night.recipe.rollout_hash))
            out.counts["rollouts"] += 1
