"""The charts of the reports, drawn with the primitives of `drp.report.svg`."""

from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from math import ceil, floor, log2, log10

import numpy as np
from markupsafe import Markup
from scipy.stats import gaussian_kde

from drp.evaluation import Interval
from drp.report import svg
from drp.report.chart_data import TREND_DAYS, LengthHistogram, Recovered, ReviewedNight, Trend
from drp.report.svg import Frame
from drp.training import Point

_SLOT, _TREND_HEIGHT = 8, 26
_MIN_BANDWIDTH = 0.012
"""Slightly more than a bin of the histogram, so that the curve does not show the bins."""
_INTERVAL_WIDTH, _INTERVAL_HEIGHT = 132, 18


def length_picture(lengths: LengthHistogram, names: tuple[str, str] = ("before", "after")) -> Markup:
    """Draw the densities of the normalised length before and after (paper, figure 3), labelled `names`."""
    before, after = density(lengths.before), density(lengths.after)
    highest, step = _scale(max(*before, *after), (0.5, 1, 2, 5, 10, 20, 25))
    frame = Frame(1, highest, height=220, top=40)
    levels = [(n * step, f"{n * step:g}") for n in range(round(highest / step) + 1)]
    return frame.picture(
        f"Density of the normalised length in {lengths.dataset}, {names[0]} and {names[1]}",
        frame.levels(levels),
        _curve(frame, "before", before),
        _curve(frame, "after", after),
        *(
            _mark(frame, style, median / lengths.full_length, f"{name}: median {median:,.0f}", y)
            for style, name, median, y in (
                ("before", names[0], lengths.median_before, 12),
                ("after", names[1], lengths.median_after, 27),
            )
        ),
        frame.ticks([(n / 5, f"{n / 5:g}") for n in range(6)], "normalised length"),
        svg.text("axis", 2, 12, "density"),
    )


def recovered_picture(recovered: Recovered) -> Markup:
    """Draw the share of right answers that a budget recovers, before and after (paper, figure 4)."""
    budgets = recovered.budgets
    first, last = int(log2(budgets[0].tokens)), ceil(log2(budgets[-1].tokens))
    frame = Frame(max(last - first, 1), 1, height=220, right=76)
    end, after = frame.x(frame.x_end) + 6, budgets[-1].after
    every = -(-int(frame.x_end) // 6)
    ticks = [(float(n), _compact(2 ** (first + n))) for n in range(0, int(frame.x_end) + 1, every)]
    return frame.picture(
        "Share of right answers recovered within a budget, before and after",
        frame.levels([(n / 4, f"{25 * n}\u00a0%") for n in range(5)]),
        svg.path("before curve", list(_stairs(frame, first, [(b.tokens, b.before) for b in budgets]))),
        svg.path("after curve", list(_stairs(frame, first, [(b.tokens, b.after) for b in budgets]))),
        svg.text("before label", end, frame.y(1) + 1, "before"),
        svg.text(
            "after label", end, max(frame.y(after), frame.y(1) + 12) + 4, f"after {100 * after:.0f}\u00a0%"
        ),
        frame.ticks(ticks, f"budget, {recovered.token_counter}"),
    )


def saving_picture(steps: Sequence[int], median: float | None) -> Markup:
    """Draw a histogram of the share of tokens saved per revision, with the median marked.

    Args:
        steps: revisions by saving, in equal bins from 0 to 1.
        median: the median saving; None draws no mark.
    """
    total = sum(steps) or 1
    percent = 100 // len(steps)
    highest, step = _scale(max(steps) / total, (0.02, 0.05, 0.1, 0.2, 0.25))
    frame = Frame(len(steps), highest, height=220, top=28)
    bars = [
        svg.titled(
            f"{count:,} revisions save {slot * percent} to {(slot + 1) * percent}\u00a0%",
            svg.bar(
                "after",
                frame.x(slot + 0.06),
                frame.y(count / total),
                frame.x(0.88) - frame.x(0),
                frame.floor - frame.y(count / total),
            ),
        )
        for slot, count in enumerate(steps)
    ]
    levels = [(n * step, f"{100 * n * step:.0f}\u00a0%") for n in range(round(highest / step) + 1)]
    marks = []
    if median is not None:
        marks = [_mark(frame, "middle", median * len(steps), f"median {100 * median:.0f}\u00a0%", 14)]
    return frame.picture(
        "Revisions by the share of tokens saved",
        frame.levels(levels),
        *bars,
        *marks,
        frame.ticks([(len(steps) * n / 4, f"{25 * n}\u00a0%") for n in range(5)], "tokens saved"),
    )


def loss_picture(curve: Sequence[Point]) -> Markup:
    """Draw training and validation loss by step. The axis starts just below the lowest loss, not at 0."""
    validations = [
        (point.step, point.validation_loss) for point in curve if point.validation_loss is not None
    ]
    losses = [*(point.loss for point in curve), *(loss for _, loss in validations)]
    step = _round_step(max(losses) - min(losses))
    lowest, highest = floor(min(losses) / step), ceil(max(losses) / step)
    frame = Frame(curve[-1].step, (max(highest - lowest, 1)) * step, height=220, top=28)
    every = max(round(_round_step(curve[-1].step)), 1)

    def coordinates(at: int, loss: float) -> tuple[float, float]:
        return frame.x(at), frame.y(loss - lowest * step)

    levels = [(n * step, f"{(lowest + n) * step:.6g}") for n in range(highest - lowest + 1)]
    dots = [coordinates(at, loss) for at, loss in validations]
    return frame.picture(
        "Training and validation loss by step",
        frame.levels(levels),
        svg.path("train curve", [coordinates(point.step, point.loss) for point in curve]),
        svg.path("look curve", dots) if dots else Markup(""),
        *(svg.dot("look", x, y) for x, y in dots),
        frame.ticks([(at, f"{at:,}") for at in range(0, curve[-1].step + 1, every)], "step"),
        svg.text("axis", 2, 12, "loss, nats per token"),
    )


def interval_picture(interval: Interval, margin: float | None, reach: float) -> Markup:
    """Draw a difference with its interval on an axis from -`reach` to `reach`, with 0 and -`margin` marked.

    An interval that exceeds the axis ends at its edge.
    """
    middle, high = _INTERVAL_WIDTH / 2, _INTERVAL_HEIGHT

    def x(value: float) -> float:
        return middle + (middle - 5) * max(-1.0, min(value / reach, 1.0))

    marks = [
        svg.line("grid", 0, _INTERVAL_WIDTH, high / 2, high / 2),
        svg.line("mark", middle, middle, 0, high),
    ]
    if margin is not None:
        marks.append(svg.line("mark before", x(-margin), x(-margin), 0, high))
    marks.append(svg.line("after curve", x(interval.low), x(interval.high), high / 2, high / 2))
    if abs(interval.value) <= reach:
        marks.append(svg.dot("after", x(interval.value), high / 2))
    else:
        marks.append(
            svg.text("after label", x(interval.value), high / 2 + 4, "◂▸"[interval.value > 0], "middle")
        )
    return svg.svg(
        _INTERVAL_WIDTH, high, "Difference with its confidence interval", svg.join(marks), fixed=True
    )


def review_picture(nights: Sequence[ReviewedNight], tonight: date) -> Markup:
    """Draw the share of moderate and severe verdicts by night of the last 14 days, each with its interval."""
    highest, step = _scale(max(night.share.high for night in nights), (0.05, 0.1, 0.2, 0.25))
    frame = Frame(TREND_DAYS, highest, height=200, top=14)
    first = tonight - timedelta(days=TREND_DAYS - 1)
    drawn = []
    for night in nights:
        x, share = frame.x((night.run_date - first).days + 0.5), night.share
        label = (
            f"{night.run_date}: {100 * share.value:.0f}\u00a0% of {night.judged}, "
            f"95\u00a0% interval {100 * share.low:.0f} to {100 * share.high:.0f}\u00a0%"
        )
        whisker = svg.line("after curve", x, x, frame.y(share.high), frame.y(share.low))
        drawn.append(svg.titled(label, whisker + svg.dot("after", x, frame.y(share.value))))
    levels = [(n * step, f"{100 * n * step:.0f}\u00a0%") for n in range(round(highest / step) + 1)]
    days = [(slot + 0.5, f"{first + timedelta(days=slot):%m-%d}") for slot in range(TREND_DAYS - 1, -1, -3)]
    return frame.picture(
        f"Share of moderate and severe verdicts, by night of the last {TREND_DAYS} days",
        frame.levels(levels),
        *drawn,
        frame.ticks(days, "night"),
    )


def trend_picture(trend: Trend) -> Markup:
    """Draw one bar per night from 0, with tonight's highlighted. A day without a night has no bar."""
    highest = max(trend.shares.values()) or 1.0
    width, floor = _SLOT * len(trend.days), _TREND_HEIGHT - 1
    bars = []
    for slot, day in enumerate(trend.days):
        if day in trend.shares:
            size = max((floor - 2) * trend.shares[day] / highest, 1)
            style = "now" if day == trend.tonight else "then"
            drawn = svg.bar(style, _SLOT * slot + 1, floor - size, _SLOT - 2, size)
            bars.append(svg.titled(f"{day}: {100 * trend.shares[day]:.1f}\u00a0%", drawn))
    baseline = svg.line("grid", 0, width, floor + 0.5, floor + 0.5)
    label = f"{trend.name}, by night of the last {len(trend.days)} days"
    return svg.svg(width, _TREND_HEIGHT, label, svg.join([baseline, *bars]), fixed=True)


def _curve(frame: Frame, style: str, heights: Sequence[float]) -> Markup:
    """Draw a curve over the whole width, and the area below it."""
    points = [(frame.x(n / (len(heights) - 1)), frame.y(y)) for n, y in enumerate(heights)]
    area = [(frame.x(0), frame.floor), *points, (frame.x(1), frame.floor)]
    return svg.path(f"{style} area", area, closed=True) + svg.path(f"{style} curve", points)


def _stairs(frame: Frame, first: int, shares: Sequence[tuple[int, float]]) -> Iterator[tuple[float, float]]:
    """Yield the corners of a step function that rises at each budget, on a log2 axis from 2 ** `first`."""
    y = frame.floor
    yield frame.x(0), y
    for tokens, share in shares:
        x = frame.x(log2(tokens) - first)
        yield x, y
        y = frame.y(share)
        yield x, y
    yield frame.x(frame.x_end), y


def _mark(frame: Frame, style: str, value: float, label: str, y: float) -> Markup:
    """Draw a vertical line from the axis up to its label at `y`."""
    x = frame.x(min(value, frame.x_end))
    is_right = value > frame.x_end / 2
    upright = svg.line(f"mark {style}", x, x, y - 8, frame.floor)
    offset, anchor = (-4, "end") if is_right else (4, "start")
    return upright + svg.text(f"{style} label", x + offset, y, label, anchor)


def _scale(highest: float, steps: Sequence[float]) -> tuple[float, float]:
    """Return a round axis maximum and step for values up to `highest`."""
    step = next((step for step in steps if highest <= 4 * step), steps[-1])
    return max(ceil(highest / step), 1) * step, step


def _round_step(span: float) -> float:
    """Return a round step of which 2 to 5 make up `span`."""
    if not span:
        return 1.0
    power = 10.0 ** floor(log10(span / 2))
    return next(n * power for n in (5.0, 2.0, 1.0) if n * power <= span / 2)


def _compact(count: int) -> str:
    return f"{count // 1024}k" if count >= 1024 else str(count)


def density(counts: Sequence[int]) -> list[float]:
    """Return the heights of a smooth density between 0 and 1, from counts in equal bins.

    Gaussian kernel estimate with Silverman's bandwidth, reflected at 0, the lower limit of lengths. The last
    count is of values above 1. It counts towards the total but is not drawn.
    """
    inside, total = np.asarray(counts[:-1]), sum(counts)
    if not inside.any():
        return [0.0] * len(counts)
    edges = np.linspace(0, 1, len(counts))
    # half of each count at either edge of its bin, so that a single full bin has a spread too
    at, weights = np.concatenate([edges[:-1], edges[1:]]), np.concatenate([inside, inside])
    spread = float(np.sqrt(np.cov(at, aweights=weights)))
    bandwidth = max(0.9 * total**-0.2, _MIN_BANDWIDTH / spread)
    estimate = gaussian_kde(at, bw_method=bandwidth, weights=weights)
    heights = (estimate(edges) + estimate(-edges)) * inside.sum() / total
    return [float(height) for height in heights]
