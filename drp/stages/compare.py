"""Compare: compare every arm with the reference, on the same questions and seeds, and decide the promotion.

The reference is the champion if there is one, else the base.
"""

import json
from dataclasses import asdict
from typing import Any

import numpy as np

from drp.config import BASE, CHAMPION
from drp.evaluation import ArmComparison, PromotionDecision, check_alike, decide_promotion, least_margin
from drp.evaluation import compare as compared
from drp.runtime import RunContext, entry_of, evaluation_of
from drp.stages.evaluate import read_key, read_samples, shard_of


def compare(ctx: RunContext, names: list[str]) -> PromotionDecision | None:
    """Compare the entries `names` of the plan, store the comparisons next to the report, and decide.

    Raises:
        UnlikeScoresError: two scores were measured in different ways, such as before and after an update.
    """
    rows = [
        row for benchmark in evaluation_of(ctx.recipe).benchmarks for row in _rows(ctx, names, benchmark.name)
    ]
    decision = decide_promotion(rows, ctx.recipe.promotion)
    document = {"compared": [asdict(row) for row in rows], "decision": asdict(decision) if decision else None}
    ctx.lake.store.put(f"{ctx.report_folder}/comparison.json", json.dumps(document, indent=1).encode())
    return decision


def read_comparison(ctx: RunContext) -> dict[str, Any] | None:
    """What `compare` kept; None if it has not run."""
    data = ctx.lake.store.get(f"{ctx.report_folder}/comparison.json")
    return json.loads(data) if data else None


def _rows(ctx: RunContext, names: list[str], benchmark: str) -> list[ArmComparison]:
    entries: dict[str, str] = {entry_of(ctx, name).arm: name for name in names}
    reference = CHAMPION if CHAMPION in entries else BASE
    shard = shard_of(ctx, entries[reference], benchmark)
    base, key = read_samples(ctx, shard), read_key(ctx, shard)
    rows = []
    for arm, name in entries.items():
        if arm == reference:
            continue
        shard = shard_of(ctx, name, benchmark)
        check_alike(key, read_key(ctx, shard))
        other = read_samples(ctx, shard)
        found = compared(base.right, other.right, base.tokens, other.tokens)
        discordant = float(np.mean((base.right != other.right).mean(axis=1)))
        rows.append(
            ArmComparison(
                arm,
                entry_of(ctx, name).checkpoint_id,
                reference,
                benchmark,
                len(base.question_ids),
                found,
                least_margin(len(base.question_ids), discordant),
            )
        )
    return rows
