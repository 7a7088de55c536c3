"""A smooth probability density from a histogram that DuckDB counted, whatever the size of the night.

density([3, 1, 0, ..., 2])              # heights at 0, 0.01, ..., 1
"""

from collections.abc import Sequence
from itertools import accumulate
from math import exp, pi, sqrt

_LEAST_BANDWIDTH = 0.012
"""A little more than one step of the histogram: a curve must not show the steps."""


def density(counts: Sequence[int]) -> list[float]:
    """Heights at 0 to 1 from counts of equal steps between them; the last count lies beyond 1.

    Gaussian kernel with Silverman's bandwidth, reflected at 0, where lengths end.
    """
    inside, total = counts[:-1], sum(counts)
    if not sum(inside):
        return [0.0] * len(counts)
    # (middle of a step, its count)
    steps = [((n + 0.5) / len(inside), count) for n, count in enumerate(inside) if count]
    width = _bandwidth(steps)

    def kernel(distance: float) -> float:
        return exp(-0.5 * (distance / width) * (distance / width)) / (width * sqrt(2 * pi))

    places = (n / len(inside) for n in range(len(counts)))
    return [sum(n * (kernel(x - at) + kernel(x + at)) for at, n in steps) / total for x in places]


def _bandwidth(steps: Sequence[tuple[float, int]]) -> float:
    total = sum(count for _, count in steps)
    mean = sum(count * at for at, count in steps) / total
    spread = sqrt(sum(count * (at - mean) * (at - mean) for at, count in steps) / total)
    so_far = list(accumulate(count for _, count in steps))
    lower, upper = (
        next(at for (at, _), n in zip(steps, so_far, strict=True) if n >= quarter * total)
        for quarter in (0.25, 0.75)
    )
    between = (upper - lower) / 1.34
    return float(max(0.9 * min(spread, between or spread) / total**0.2, _LEAST_BANDWIDTH))
