"""Figures of one trace: what is kept of it, against the importance or the planted redundancy of its parts.

Arrays have one entry for each labelled span of the trace: its label, its characters, the share that is kept.
"""

from collections.abc import Callable, Mapping
from typing import TypeAlias

import numpy as np
from scipy import stats

from benchmarks.labelled_traces import PLANTED
from drp.evaluation.intervals import Floats

Measure: TypeAlias = Callable[[Floats, Floats, Floats], float]
"""A figure of one trace from the labels, the sizes and the kept shares of its spans; NaN if it has none."""
TOP = 0.1
PARTS = 10


def is_kept(kept: Floats) -> Floats:
    """Return 1 for each span of which at least half is left, else 0."""
    return (kept >= 0.5).astype(float)


def auc(scores: Floats, positive: Floats) -> float:
    """Return the probability that a positive has a higher score than a negative; half of that for ties."""
    high, low = scores[positive > 0, None], scores[positive == 0]
    if not high.size or not low.size:
        return float("nan")
    return float((high > low).mean() + (high == low).mean() / 2)


def auc_in_place(labels: Floats, kept: Floats) -> float:
    """Return `auc` over pairs of sentences in the same tenth of the trace."""
    total = pairs = 0.0
    for part in np.array_split(np.arange(len(labels)), PARTS):
        weight = float(kept[part].sum() * (1 - kept[part]).sum())
        if weight:
            total += weight * auc(labels[part], kept[part])
            pairs += weight
    return total / pairs if pairs else float("nan")


def relative_mean(labels: Floats, chosen: Floats) -> float:
    """Return the mean of the chosen labels divided by the mean of all."""
    return weighted(chosen, labels) / float(labels.mean()) if labels.any() else float("nan")


def rank_correlation(labels: Floats, kept: Floats) -> float:
    """Return Spearman's correlation; NaN if either is constant."""
    if not np.ptp(labels) or not np.ptp(kept):
        return float("nan")
    return float(np.corrcoef(stats.rankdata(labels), stats.rankdata(kept))[0, 1])


def top_kept(labels: Floats, kept: Floats) -> float:
    """Return the share of the most important tenth of the sentences that is kept."""
    top = np.argsort(-labels, kind="stable")[: max(1, round(TOP * len(labels)))]
    return float(is_kept(kept)[top].mean())


def weighted(weights: Floats, shares: Floats) -> float:
    """Return the mean of the shares by weight; NaN without any weight."""
    return float(weights @ shares / weights.sum()) if weights.sum() else float("nan")


LENGTH_KEPT = "length kept"
IMPORTANCE: Mapping[str, Measure] = {
    LENGTH_KEPT: lambda _, sizes, kept: weighted(sizes, is_kept(kept)),
    "importance kept": lambda labels, _, kept: weighted(labels, is_kept(kept)),
    "top tenth kept": lambda labels, _, kept: top_kept(labels, kept),
    "mean of kept": lambda labels, _, kept: relative_mean(labels, is_kept(kept)),
    "mean of deleted": lambda labels, _, kept: relative_mean(labels, 1 - is_kept(kept)),
    "AUC": lambda labels, _, kept: auc(labels, is_kept(kept)),
    "AUC in place": lambda labels, _, kept: auc_in_place(labels, is_kept(kept)),
    "rank correlation": lambda labels, _, kept: rank_correlation(labels, kept),
}
REDUNDANCY: Mapping[str, Measure] = {
    LENGTH_KEPT: lambda _, sizes, kept: weighted(sizes, is_kept(kept)),
    "planted deleted": lambda labels, _, kept: weighted(labels, 1 - is_kept(kept)),
    "others deleted": lambda labels, _, kept: weighted(1 - labels, 1 - is_kept(kept)),
    "AUC": lambda labels, _, kept: auc(1 - is_kept(kept), labels),
}


def measures_of(label: str) -> Mapping[str, Measure]:
    """Return the measures that fit a label."""
    return REDUNDANCY if label == PLANTED else IMPORTANCE
