"""Compare: every arm beside the reference, on the same questions and seeds, and what follows from it.

The reference is the champion where there is one, else the base.
"""

import json
from dataclasses import asdict
from typing import Any

import numpy as np

from drp.evaluation.decision import Compared, Decision, decide
from drp.evaluation.scores import check_alike
from drp.evaluation.statistics import compare as compared
from drp.evaluation.statistics import least_margin
from drp.runtime.context import Night
from drp.runtime.training_plan import BASE, CHAMPION, entry_of, evaluation_of
from drp.stages.evaluate import read_key, read_samples, shard_of

STAGE = "compare"


def compare(run: Night, names: list[str]) -> Decision | None:
    """Compare the entries `names` of the plan, keep the comparisons beside the report, and decide.

    Raises:
        UnlikeScoresError: two scores were not measured alike: DRP was updated between them.
    """
    rows = [
        row for benchmark in evaluation_of(run.recipe).benchmarks for row in _rows(run, names, benchmark.name)
    ]
    decision = decide(rows, run.recipe.promotion)
    document = {"compared": [asdict(row) for row in rows], "decision": asdict(decision) if decision else None}
    run.lake.store.put(f"{run.reports}/comparison.json", json.dumps(document, indent=1).encode())
    return decision


def read_comparison(run: Night) -> dict[str, Any] | None:
    """What `compare` kept; None if it has not run."""
    data = run.lake.store.get(f"{run.reports}/comparison.json")
    return json.loads(data) if data else None


def _rows(run: Night, names: list[str], benchmark: str) -> list[Compared]:
    entries: dict[str, str] = {entry_of(run, name)["arm"]: name for name in names}
    reference = CHAMPION if CHAMPION in entries else BASE
    shard = shard_of(run, entries[reference], benchmark)
    base, key = read_samples(run, shard), read_key(run, shard)
    rows = []
    for arm, name in entries.items():
        if arm == reference:
            continue
        shard = shard_of(run, name, benchmark)
        check_alike(key, read_key(run, shard))
        other = read_samples(run, shard)
        found = compared(base.right, other.right, base.tokens, other.tokens)
        discordant = float(np.mean((base.right != other.right).mean(axis=1)))
        rows.append(
            Compared(
                arm,
                entry_of(run, name)["checkpoint_id"],
                reference,
                benchmark,
                len(base.question_ids),
                found,
                least_margin(len(base.question_ids), discordant),
            )
        )
    return rows
