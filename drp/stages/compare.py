"""Compare: compare every arm with the reference, on the same questions and seeds, and decide the promotion.

The reference is the champion if there is one, else the base. The candidate is compared with the original base
too: the student before its first training.
"""

import json
from dataclasses import asdict
from typing import Any

from drp.config import BASE, CHAMPION, ORIGINAL
from drp.evaluation import (
    ArmComparison,
    PromotionDecision,
    check_alike,
    decide_promotion,
    difference_variance,
    least_margin,
)
from drp.evaluation import compare as compared
from drp.runtime import RunContext, entry_of, evaluation_of
from drp.stages.evaluate import read_key, read_samples, shard_of


def compare(ctx: RunContext, names: list[str]) -> PromotionDecision | None:
    """Compare the entries `names` of the plan, store the comparisons next to the report, and decide.

    Raises:
        UnlikeScoresError: two scores were measured in different ways, such as before and after an update.
    """
    entries = {entry_of(ctx, name).arm: name for name in names}
    reference = CHAMPION if CHAMPION in entries else BASE
    original = ORIGINAL if ORIGINAL in entries else BASE
    rows = [
        _compared(ctx, entries, arm, reference, benchmark.name)
        for benchmark in evaluation_of(ctx.recipe).benchmarks
        for arm in entries
        if arm != reference
    ]
    rule, against_original = ctx.recipe.promotion, None
    if rule and original != reference and "drp" in entries:
        against_original = _compared(ctx, entries, "drp", original, rule.benchmark)
    decision = decide_promotion(rows, rule, against_original)
    document = {
        "compared": [asdict(row) for row in rows],
        "against_original": asdict(against_original) if against_original else None,
        "decision": asdict(decision) if decision else None,
    }
    ctx.lake.store.put(f"{ctx.report_folder}/comparison.json", json.dumps(document, indent=1).encode())
    return decision


def read_comparison(ctx: RunContext) -> dict[str, Any] | None:
    """What `compare` kept; None if it has not run."""
    data = ctx.lake.store.get(f"{ctx.report_folder}/comparison.json")
    return json.loads(data) if data else None


def _compared(
    ctx: RunContext, entries: dict[str, str], arm: str, reference: str, benchmark: str
) -> ArmComparison:
    shards = [shard_of(ctx, entries[each], benchmark) for each in (reference, arm)]
    check_alike(*(read_key(ctx, shard) for shard in shards))
    base, other = (read_samples(ctx, shard) for shard in shards)
    questions = len(base.question_ids)
    return ArmComparison(
        arm,
        entry_of(ctx, entries[arm]).checkpoint_id,
        reference,
        benchmark,
        questions,
        compared(base.right, other.right, base.tokens, other.tokens),
        least_margin(questions, difference_variance(base.right, other.right)),
    )
