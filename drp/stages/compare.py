"""Compare: every arm beside the reference, on the same questions and seeds, and what follows from it.

The reference is the champion where there is one, else the base. How sure it is: drp.evaluation.statistics.
"""

import json
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from drp.evaluation.scores import check_alike
from drp.evaluation.statistics import Comparison, least_margin
from drp.evaluation.statistics import compare as compared
from drp.recipe import Promotion
from drp.stages.evaluate import read_key, read_samples, shard_of
from drp.stages.night import Night
from drp.stages.training import BASE, CHAMPION, entry_of, evaluation_of

STAGE = "compare"


@dataclass(frozen=True)
class Compared:
    """One arm beside the reference on one benchmark."""

    arm: str
    checkpoint_id: str
    reference: str
    """Arm of the reference."""
    benchmark: str
    n_questions: int
    comparison: Comparison
    least_margin: float
    """The smallest margin that so many questions show with 80 % power."""


@dataclass(frozen=True)
class Decision:
    """Whether the candidate is to become the champion, and why."""

    checkpoint_id: str
    promote: bool
    reason: str


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


def decide(rows: list[Compared], rule: Promotion | None) -> Decision | None:
    """By the recipe's rule: `drp` must be shown to be shorter and not less accurate. None without a rule."""
    found = [row for row in rows if rule and row.arm == "drp" and row.benchmark == rule.benchmark]
    if not found or rule is None:
        return None
    (row,) = found
    accuracy, tokens = row.comparison.accuracy, row.comparison.tokens
    said = (
        f"on {row.benchmark} beside {row.reference}: accuracy {accuracy.value:+.1%} (at least"
        f" {row.comparison.accuracy_at_least:+.1%}, margin {-rule.margin:.1%}), tokens {tokens.value:.2f}×"
        f" (at most {tokens.high:.2f}×, wanted below {1 - rule.saving:.2f}×)"
    )
    promote = row.comparison.is_not_lower(rule.margin) and row.comparison.is_shorter(rule.saving)
    return Decision(row.checkpoint_id, promote, said)
