"""Plan: tonight's work is what is missing.

Missing are samples of the recipe's questions that tonight's student has not rolled out, and rollouts
without a revision by this recipe. The work is cut into at most twelve shards by question id: more data
means bigger shards, not more of them; all is one shard where the teacher is asked in batches, so that a night
waits once. A shard's name is the hash of its work.
"""

import math
from collections.abc import Iterable
from itertools import groupby
from typing import Any

from drp.core.ids import content_id, sampled_rollout_id
from drp.query.select import select
from drp.runtime.context import Night

MAX_SHARDS = 12
ROWS_PER_SHARD = 512
"""Below this, another shard costs more than it saves."""

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


def plan(night: Night, *, replay_only: bool = False, sample_size: int | None = None) -> list[str]:
    """Write tonight's plan and return the names of the shards that are to be done, in order.

    Shards that an earlier attempt left unfinished go on as they were planned.

    Args:
        night: the night.
        replay_only: recorded traces stand for tonight's rollouts: sample nothing.
        sample_size: at most so many questions are rolled out (default: the recipe's).
    """
    unfinished = _unfinished(night)
    taken = {taken for shard, work in unfinished.items() for taken in _taken(night, shard, work)}
    work: list[dict[str, Any]] = []
    if not replay_only:
        quota = (sample_size or night.recipe.sample_size) - _sampled_tonight(night)
        missing = _missing_questions(night)[: max(quota, 0)]
        work += [{"question": question} for question in missing if question not in taken]
    rows = select(night.visible(), _PENDING, {"recipe_hash": night.recipe.revision_hash})
    pending = (row for row in rows if row["rollout_id"] not in taken)
    for question, some in groupby(pending, lambda row: row["question_id"]):
        rollouts = list(some)
        work.append(
            {
                "question": question,
                "rollouts": [row["rollout_id"] for row in rollouts],
                "duplicates": [row["rollout_id"] for row in rollouts if row["is_duplicate"]],
            }
        )
    work.sort(key=lambda item: str(item["question"]))
    most = 1 if night.recipe.profile.backend == "batch" else MAX_SHARDS
    planned = [_write_shard(night, some) for some in _split(work, most)]
    if planned and night.run.state()["state"] != "open":
        night.run.end("open", "")  # an ended night that goes on, and may be killed
    return [*unfinished, *planned]


def _unfinished(night: Night) -> dict[str, dict[str, Any]]:
    """Shards of an earlier attempt at this night, with the recipe as it is now, that are not pruned yet."""
    planned = night.run.plans()
    return {
        shard: work
        for shard, work in planned.items()
        if work["fingerprint"] == _fingerprint(night) and not night.run.is_done("prune", shard)
    }


def _taken(night: Night, shard: str, work: dict[str, Any]) -> set[str]:
    """Questions and rollouts that an unfinished shard has in hand, its own samples among them."""
    sampled = select(night.shard("rollout", shard), "SELECT rollout_id FROM rollouts")
    return {*work["questions"], *work["rollouts"], *(row["rollout_id"] for row in sampled)}


def _fingerprint(night: Night) -> str:
    return content_id("plan", night.recipe.rollout_hash, night.recipe.revision_hash)


def _sampled_tonight(night: Night) -> int:
    """Questions that this night has rolled out already: running again does not take the next ones."""
    counted = select(night.own("rollout"), "SELECT count(DISTINCT question_id) AS n FROM rollouts")
    return int(next(counted)["n"])


def _missing_questions(night: Night) -> list[str]:
    """Ids of the recipe's questions with a sample missing, in id order (which is hash order)."""
    recipe, known = night.recipe, night.known()
    done = {row["rollout_id"] for row in select(known, "SELECT rollout_id FROM rollouts")}
    sampling = recipe.sampling.identity
    ids: set[str] = set()
    for dataset, split in {question_set.where for question_set in recipe.questions}:
        ids |= {row["question_id"] for row in select(known, _QUESTIONS, {"dataset": dataset, "split": split})}

    def is_missing(question: str) -> bool:
        samples = range(recipe.sampling.samples)
        wanted = (
            sampled_rollout_id(question, recipe.student, recipe.prompt_version, sampling, k) for k in samples
        )
        return any(rollout not in done for rollout in wanted)

    return [question for question in sorted(ids) if is_missing(question)]


def _split(work: list[dict[str, Any]], most: int) -> Iterable[list[dict[str, Any]]]:
    size = max(ROWS_PER_SHARD, math.ceil(len(work) / most))
    return (work[start : start + size] for start in range(0, len(work), size))


def _write_shard(night: Night, work: list[dict[str, Any]]) -> str:
    document = {
        "fingerprint": _fingerprint(night),
        "questions": [item["question"] for item in work if "rollouts" not in item],
        "rollouts": [rollout for item in work for rollout in item.get("rollouts", ())],
        "duplicates": [rollout for item in work for rollout in item.get("duplicates", ())],
    }
    shard = content_id("shard", document)[:12]
    night.run.write_plan(shard, document)
    return shard
