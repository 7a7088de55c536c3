"""Which rollouts of a shard are worth a teacher's time: finished, right, no leak, no duplicate."""

from collections.abc import Iterator

from drp.gates.leaks import EVALUATION_SPLITS, LeakIndex
from drp.gates.row_gates import Rejection, rollout_rejections
from drp.query.select import select
from drp.runtime.context import Night
from drp.runtime.rows import Work, read_work

_EVALUATION_QUESTIONS = "SELECT question FROM questions WHERE list_contains($splits, lower(trim(split)))"
_SAMPLED = """
SELECT rollout_id, question_id, md5(thinking || chr(30) || response) AS text FROM rollouts ORDER BY rollout_id
"""


def judged(night: Night, shard: str) -> Iterator[tuple[Work, list[Rejection]]]:
    """Every rollout of the shard, with the reasons why it is not sent to the teacher; streamed."""
    plan = night.run.plans()[shard]
    sampled, repeated = _sampled(night, shard)
    duplicates = {*plan["duplicates"], *repeated}
    measured_on = select(night.visible(), _EVALUATION_QUESTIONS, {"splits": sorted(EVALUATION_SPLITS)})
    leaks = LeakIndex(row["question"] for row in measured_on)
    for work in read_work(night, [*plan["rollouts"], *sampled]):
        why = rollout_rejections(work.question, work.graded, leaks)
        if work.rollout_id in duplicates:
            why.append(Rejection("duplicate", "the same trace was given for this question before"))
        yield work, why


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
