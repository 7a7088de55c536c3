"""Plan: find the work of the night, which is whatever is missing, and cut it into shards.

The work consists of questions that the current student has not yet sampled, and of rollouts that this recipe
has not revised. It is cut by question id into at most twelve shards: more data makes bigger shards, not more.
A teacher that is asked in batches gets a single shard, so that the night waits once. The name of a shard is
the hash of its work.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby

from drp.core import content_id
from drp.core.stage_names import PRUNE, ROLLOUT
from drp.query import select
from drp.runtime import RunContext, ShardPlan

MAX_SHARDS = 12
ROWS_PER_SHARD = 512
"""Below this size, one more shard costs more than it saves."""

_PENDING = """
WITH revised AS (SELECT DISTINCT rollout_id FROM revisions WHERE recipe_hash = $recipe_hash),
traces AS (
    SELECT rollout_id, question_id, md5(thinking || chr(30) || response) AS text,
           rollout_id IN (FROM revised) AS is_revised
    FROM rollouts
),
ranked AS (
    SELECT *, row_number() OVER (PARTITION BY question_id, text ORDER BY is_revised DESC, rollout_id) AS copy
    FROM traces
)
SELECT question_id, rollout_id, copy > 1 AS is_duplicate FROM ranked
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


def plan(ctx: RunContext, *, replay_only: bool = False, sample_size: int | None = None) -> list[str]:
    """Write the plan of the night and return the names of its shards, in order.

    Shards that an earlier attempt left unfinished keep their plan.

    Args:
        ctx: the night.
        replay_only: recorded traces replace tonight's rollouts: sample nothing.
        sample_size: roll out at most this many questions (default: the recipe's number).
    """
    unfinished = _unfinished(ctx)
    taken = {taken for shard, planned in unfinished.items() for taken in _taken(ctx, shard, planned)}
    work: list[_Work] = []
    if not replay_only:
        quota = (sample_size or ctx.recipe.sample_size) - _sampled_tonight(ctx)
        missing = _missing_questions(ctx)[: max(quota, 0)]
        work += [_Work(question) for question in missing if question not in taken]
    rows = select(ctx.visible_parts(), _PENDING, {"recipe_hash": ctx.revision_hash})
    pending = (row for row in rows if row["rollout_id"] not in taken)
    for question, some in groupby(pending, lambda row: row["question_id"]):
        rollouts = list(some)
        work.append(
            _Work(
                question,
                [row["rollout_id"] for row in rollouts],
                [row["rollout_id"] for row in rollouts if row["is_duplicate"]],
            )
        )
    work.sort(key=lambda item: item.question_id)
    most = 1 if ctx.recipe.profile.backend == "batch" else MAX_SHARDS
    planned = [_write_shard(ctx, some) for some in _split(work, most)]
    if planned and ctx.run.state().state != "open":
        ctx.run.finish("open", "")  # the night had ended and goes on now
    return [*unfinished, *planned]


def _unfinished(ctx: RunContext) -> dict[str, ShardPlan]:
    """Shards that an earlier attempt planned with the same recipe and that are not pruned yet."""
    return {
        shard: planned
        for shard, planned in ctx.run.plans(ShardPlan).items()
        if planned.fingerprint == _fingerprint(ctx) and not ctx.run.is_done(PRUNE, shard)
    }


def _taken(ctx: RunContext, shard: str, planned: ShardPlan) -> set[str]:
    """Ids of the questions and rollouts of an unfinished shard, with those of its new samples."""
    sampled = select(ctx.shard_parts(ROLLOUT, shard), "SELECT rollout_id FROM rollouts")
    return {*planned.questions, *planned.rollouts, *(row["rollout_id"] for row in sampled)}


def _fingerprint(ctx: RunContext) -> str:
    return content_id("plan", ctx.recipe.rollout_hash, ctx.revision_hash)


def _sampled_tonight(ctx: RunContext) -> int:
    """Questions that this night has sampled already, so that running it again does not take more."""
    counted = select(ctx.own_parts(ROLLOUT), "SELECT count(DISTINCT question_id) AS n FROM rollouts")
    return int(next(counted)["n"])


def _missing_questions(ctx: RunContext) -> list[str]:
    """Ids of the recipe's questions that lack a sample, in id order (which is hash order)."""
    recipe, known = ctx.recipe, ctx.known_parts()
    done = {row["rollout_id"] for row in select(known, "SELECT rollout_id FROM rollouts")}
    ids: set[str] = set()
    for dataset, split in {question_set.where for question_set in recipe.questions}:
        ids |= {row["question_id"] for row in select(known, _QUESTIONS, {"dataset": dataset, "split": split})}

    def is_missing(question: str) -> bool:
        samples = range(recipe.sampling.samples)
        wanted = (
            recipe.sampling.rollout_id(question, recipe.student, recipe.prompt_version, k) for k in samples
        )
        return any(rollout not in done for rollout in wanted)

    return [question for question in sorted(ids) if is_missing(question)]


def _split(work: list[_Work], most: int) -> Iterable[list[_Work]]:
    size = max(ROWS_PER_SHARD, math.ceil(len(work) / most))
    return (work[start : start + size] for start in range(0, len(work), size))


def _write_shard(ctx: RunContext, work: list[_Work]) -> str:
    planned = ShardPlan(
        fingerprint=_fingerprint(ctx),
        questions=tuple(item.question_id for item in work if item.rollouts is None),
        rollouts=tuple(rollout for item in work for rollout in item.rollouts or ()),
        duplicates=tuple(rollout for item in work for rollout in item.duplicates),
    )
    shard = content_id("shard", planned.model_dump(mode="json"))[:12]
    ctx.run.write_plan(shard, planned)
    return shard
