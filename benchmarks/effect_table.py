"""The table of `benchmarks.effect_of_pruning`: every student next to unpruned SFT.

Training on one's own right answers alone makes a student more accurate, whatever the length of the traces. So
the base is the wrong reference for the effect of pruning. Unpruned SFT is trained on the same rollouts.

A question is the unit of chance: its samples of all seeds are averaged, and intervals resample questions.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, TypeAlias

import numpy as np

from drp.evaluation.scores import Samples
from drp.evaluation.statistics import AccuracyEfficiency, Comparison, accuracy_efficiency, compare, pass_at_1

REFERENCE = "unpruned_sft"
"""The arm that every other is compared with."""
NAMES = {
    "base": "base, not trained",
    "unpruned_sft": "SFT, unpruned",
    "drp": "DRP (skill-aware steps)",
    "sentence": "sentence-level steps",
    "none": "no decomposition",
    "random_prune": "random sentences, same length",
    "truncate_head": "end of the trace, same length",
    "truncate_tail": "beginning of the trace, same length",
    "summary_only": "answer summary only",
    "best_of_n": "SFT, shortest right of {samples}",
}
MeasuredArms: TypeAlias = Mapping[str, Sequence[Samples]]
"""The samples of every arm, one for each seed."""


class Effect(NamedTuple):
    """An arm, and how it differs from the reference. The reference itself has no comparison."""

    accuracy: float
    mean_tokens: float
    beside: Comparison | None
    aes: AccuracyEfficiency | None


def effects(samples: MeasuredArms) -> dict[str, Effect]:
    """Return the effect of every arm, in the order of the table."""
    base_right, base_tokens = _pooled(samples[REFERENCE])
    found = {}
    for arm in filter(samples.__contains__, NAMES):
        right, tokens = _pooled(samples[arm])
        accuracy, length = pass_at_1(right).value, float(tokens.mean())
        if arm == REFERENCE:
            found[arm] = Effect(accuracy, length, None, None)
            continue
        parts = accuracy_efficiency(float(base_right.mean()), accuracy, float(base_tokens.mean()), length)
        found[arm] = Effect(accuracy, length, compare(base_right, right, base_tokens, tokens), parts)
    return found


def table(
    found: Mapping[str, Effect], rollouts_per_question: int, names: Mapping[str, str] = NAMES
) -> list[str]:
    """Return the lines of the table, in Markdown; `names` are those of the arms."""
    lines = [
        "| Student | Accuracy | Δ accuracy (95 % CI) | Tokens | Token ratio (95 % CI) "
        "| AES | its accuracy part | its token part |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for arm, effect in found.items():
        cells = [names[arm].format(samples=rollouts_per_question), f"{effect.accuracy:.1%}"]
        if effect.beside is None or effect.aes is None:
            cells += ["", f"{effect.mean_tokens:.0f}", "", "", "", ""]
        else:
            accuracy, ratio = effect.beside.accuracy, effect.beside.tokens
            cells += [
                f"{accuracy.value:+.1%} ({accuracy.low:+.1%} to {accuracy.high:+.1%})",
                f"{effect.mean_tokens:.0f}",
                f"{ratio.value:.3f} ({ratio.low:.3f} to {ratio.high:.3f})",
                *map(_signed, (effect.aes.score, effect.aes.accuracy, effect.aes.tokens)),
            ]
        lines.append("| " + " | ".join(cells) + " |")
    return lines


def next_to(samples: MeasuredArms, arms: Sequence[str]) -> list[str]:
    """Return lines that compare `drp` with other arms, with 95 % intervals."""
    right, tokens = _pooled(samples["drp"])
    lines = []
    for arm in filter(samples.__contains__, arms):
        other, its_tokens = _pooled(samples[arm])
        beside = compare(other, right, its_tokens, tokens)
        lines.append(
            f"DRP next to {NAMES[arm]}: accuracy {beside.accuracy.value:+.1%}"
            f" ({beside.accuracy.low:+.1%} to {beside.accuracy.high:+.1%}),"
            f" tokens {beside.tokens.value:.3f} ({beside.tokens.low:.3f} to {beside.tokens.high:.3f})"
        )
    return lines


def as_document(effect: Effect) -> dict[str, Any]:
    """Return an effect as JSON can hold it."""
    document: dict[str, Any] = {"accuracy": effect.accuracy, "tokens": effect.mean_tokens}
    if effect.beside is not None and effect.aes is not None:
        beside = effect.beside
        document[f"next_to_{REFERENCE}"] = {
            "accuracy": vars(beside.accuracy),
            "accuracy_at_least": beside.accuracy_at_least,
            "token_ratio": vars(beside.tokens),
            "lost": beside.lost,
            "won": beside.won,
            "p": beside.p,
            "aes": _known(effect.aes.score),
            "aes_accuracy_part": _known(effect.aes.accuracy),
            "aes_token_part": effect.aes.tokens,
        }
    return document


def _signed(part: float) -> str:
    return "undefined" if math.isnan(part) else f"{part:+.2f}"


def _known(part: float) -> float | None:
    """Return None where unpruned SFT solves nothing, so that there is no relative accuracy."""
    return None if math.isnan(part) else part


def _pooled(seeds: Sequence[Samples]) -> tuple[Any, Any]:
    """Return verdicts and tokens of the same questions, one column for each seed."""
    assert len({measured.question_ids for measured in seeds}) == 1
    return np.hstack([measured.right for measured in seeds]), np.hstack([m.tokens for m in seeds])
