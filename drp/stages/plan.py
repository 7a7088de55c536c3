"""Plan: find the work of the night, which is whatever is missing, and cut it into shards.

The work consists of questions that the current student has not yet sampled, and of rollouts that this recipe
has not revised. Of these, a night takes only its own: the rollouts of the file that it replays, or else those
of the recipe's student on the recipe's questions. What else waits in the lake, the backlog, is counted and
left pending, because a teacher may cost money; a night takes it on if it is asked to.

The work is cut by question id into at most twelve shards: more data makes bigger shards, not more. A teacher
that is asked in batches gets a single shard, so that the night waits once. The name of a shard is the hash of
its work.
"""

import logging
import math
from collections import Counter
from collections.abc import Iterable, Sequence, Set
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from drp.core import content_id
from drp.core.stage_names import DECOMPOSE, ROLLOUT
from drp.query import select
from drp.runtime import RunContext, ShardPlan, by_student

_log = logging.getLogger(__name__)

MAX_SHARDS = 12
ROWS_PER_SHARD = 512
"""Below this size, one more shard costs more than it saves."""

_PENDING = """
WITH revised AS (SELECT DISTINCT rollout_id FROM revisions WHERE recipe_hash = $recipe_hash),
traces AS (
    SELECT rollout_id, r.question_id, student, md5(thinking || chr(30) || response) AS text,
           rollout_id IN (FROM revised) AS is_revised,
           CASE WHEN $is_replay THEN rollout_id IN (FROM wanted)
                ELSE student = $student AND coalesce(list_contains($sets, [dataset, split]), false)
           END OR $backlog AS is_own
    FROM rollouts r LEFT JOIN questions q USING (question_id)
),
ranked AS (
    SELECT *, row_number() OVER (
        PARTITION BY question_id, text ORDER BY is_revised DESC, is_own DESC, rollout_id
    ) AS copy
    FROM traces
)
SELECT question_id, rollout_id, student, is_own, copy > 1 AS is_duplicate FROM ranked
WHERE NOT is_revised ORDER BY question_id, rollout_id
"""

_QUESTIONS = """
SELECT question_id FROM questions WHERE dataset = $dataset AND split = $split ORDER BY question_id
"""


@dataclass(frozen=True)
class _Work:
    """What is missing for one question: rollouts (`rollouts` is None), or revisions of rollouts."""

    question_id: str
    rollouts: Sequence[str] | None = None
    duplicates: Sequence[str] = ()


def plan(
    ctx: RunContext, *, given: str | None = None, sample_size: int | None = None, backlog: bool = False
) -> list[str]:
    """Write the plan of the night and return the names of its shards, in order.

    Shards that an earlier attempt left unfinished keep their plan, unless they hold work that is not this
    night's own and has not been to the teacher yet.

    Args:
        ctx: the night.
        given: the name that `ingest` has returned for a file of recorded traces. It replaces tonight's
            rollouts: nothing is sampled.
        sample_size: roll out at most this many questions (default: the recipe's number).
        backlog: revise everything that this recipe has not revised, whoever has sampled it.
    """
    questions = [] if given is not None else _questions(ctx)
    pending = _pending(ctx, given, backlog)
    foreign = {row["rollout_id"] for row in pending if not row["is_own"]}
    unfinished = ctx.unfinished()
    for shard, planned in list(unfinished.items()):
        is_own = foreign.isdisjoint(planned.rollouts) and set(questions).issuperset(planned.questions)
        if not is_own and not ctx.run.is_done(DECOMPOSE, shard):  # else the teacher has answered already
            ctx.run.drop_plan(shard)
            del unfinished[shard]
    taken = {taken for shard, planned in unfinished.items() for taken in _taken(ctx, shard, planned)}
    own = [row for row in pending if row["is_own"] and row["rollout_id"] not in taken]
    work = _revisions(own)
    if given is None:
        quota = (sample_size or ctx.recipe.sample_size) - _sampled_tonight(ctx)
        missing = _missing_questions(ctx, questions)[: max(quota, 0)]
        work += [_Work(question) for question in missing if question not in taken]
    work.sort(key=lambda item: item.question_id)
    most = 1 if ctx.recipe.profile.backend == "batch" else MAX_SHARDS
    planned_shards = [_write_shard(ctx, some) for some in _split(work, most)]
    if planned_shards and ctx.run.state().state != "open":
        ctx.run.finish("open", "")  # the night had ended and goes on now
    _say_what_is_left(ctx, foreign - taken, pending)
    return [*unfinished, *planned_shards]


def _pending(ctx: RunContext, given: str | None, backlog: bool) -> list[dict[str, Any]]:
    """The rollouts that the recipe has not revised, by question, with whether each is the night's own."""
    parameters = {
        "recipe_hash": ctx.revision_hash,
        "student": ctx.recipe.student,
        "sets": [list(question_set.where) for question_set in ctx.recipe.questions],
        "is_replay": given is not None,
        "backlog": backlog,
    }
    wanted = ctx.run.given(given) or [] if given is not None else []
    return list(select(ctx.visible_parts(), _PENDING, parameters, wanted=wanted))


def _revisions(own: Sequence[dict[str, Any]]) -> list[_Work]:
    work = []
    for question, group in groupby(own, lambda row: row["question_id"]):
        rows = list(group)
        duplicates = [row["rollout_id"] for row in rows if row["is_duplicate"]]
        work.append(_Work(question, [row["rollout_id"] for row in rows], duplicates))
    return work


def _say_what_is_left(ctx: RunContext, left: Set[str], pending: Sequence[dict[str, Any]]) -> None:
    if left:
        students = Counter(row["student"] for row in pending if row["rollout_id"] in left)
        _log.warning(
            "%s: left pending: %s; they are not of this night's file, or of its student and questions, and"
            " the option --backlog takes them on",
            ctx.run_id,
            by_student(students),
        )


def _taken(ctx: RunContext, shard: str, planned: ShardPlan) -> set[str]:
    """Ids of the questions and rollouts of an unfinished shard, with those of its new samples."""
    sampled = select(ctx.shard_parts(ROLLOUT, shard), "SELECT rollout_id FROM rollouts")
    return {*planned.questions, *planned.rollouts, *(row["rollout_id"] for row in sampled)}


def _sampled_tonight(ctx: RunContext) -> int:
    """Questions that this night has sampled already, so that running it again does not take more."""
    counted = select(ctx.own_parts(ROLLOUT), "SELECT count(DISTINCT question_id) AS n FROM rollouts")
    return int(next(counted)["n"])


def _questions(ctx: RunContext) -> list[str]:
    """Ids of the recipe's questions, in id order (which is hash order)."""
    ids: set[str] = set()
    for dataset, split in {question_set.where for question_set in ctx.recipe.questions}:
        where = {"dataset": dataset, "split": split}
        ids |= {row["question_id"] for row in select(ctx.known_parts(), _QUESTIONS, where)}
    return sorted(ids)


def _missing_questions(ctx: RunContext, questions: Sequence[str]) -> list[str]:
    """Those of the recipe's questions that lack a sample."""
    recipe = ctx.recipe
    done = {row["rollout_id"] for row in select(ctx.known_parts(), "SELECT rollout_id FROM rollouts")}

    def is_missing(question: str) -> bool:
        samples = range(recipe.sampling.samples)
        wanted = (
            recipe.sampling.rollout_id(question, recipe.student, recipe.prompt_version, k) for k in samples
        )
        return any(rollout not in done for rollout in wanted)

    return [question for question in questions if is_missing(question)]


def _split(work: list[_Work], most: int) -> Iterable[list[_Work]]:
    size = max(ROWS_PER_SHARD, math.ceil(len(work) / most))
    return (work[start : start + size] for start in range(0, len(work), size))


def _write_shard(ctx: RunContext, work: list[_Work]) -> str:
    planned = ShardPlan(
        fingerprint=ctx.work_fingerprint,
        questions=tuple(item.question_id for item in work if item.rollouts is None),
        rollouts=tuple(rollout for item in work for rollout in item.rollouts or ()),
        duplicates=tuple(rollout for item in work for rollout in item.duplicates),
    )
    shard = content_id("shard", planned.model_dump(mode="json"))[:12]
    ctx.run.write_plan(shard, planned)
    return shard
