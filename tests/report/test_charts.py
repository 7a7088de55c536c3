"""The charts: densities with area 1, correct scales, and nothing outside the frame."""

import re
from datetime import timedelta
from itertools import pairwise

import pytest

from drp.evaluation.statistics import Interval
from drp.report.chart_data import Budget, LengthHistogram, Recovered, Trend
from drp.report.charts import (
    density,
    interval_picture,
    length_picture,
    loss_picture,
    recovered_picture,
    saving_picture,
    trend_picture,
)
from drp.report.svg import WIDTH
from drp.training.job import Point
from tests.helpers.row_factories import RUN_DATE

STEPS = 100


def _counts(**steps: int) -> list[int]:
    """Counts by step, `at_20=3`; `beyond` is the last."""
    counts = [0] * (STEPS + 1)
    for name, count in steps.items():
        counts[STEPS if name == "beyond" else int(name.removeprefix("at_"))] = count
    return counts


def _area(heights: list[float]) -> float:
    return sum((left + right) / 2 for left, right in pairwise(heights)) / STEPS


@pytest.mark.parametrize(
    ("counts", "area"),
    [
        (_counts(at_50=1), 1.0),
        (_counts(at_0=7), 1.0),  # what the kernel spreads below 0 is reflected
        (_counts(at_20=300, at_25=200, at_60=100), 1.0),
        (_counts(at_30=3, beyond=1), 0.75),
        (_counts(beyond=4), 0.0),
    ],
)
def test_the_area_below_a_density_is_the_share_below_1(counts: list[int], area: float) -> None:
    assert _area(density(counts)) == pytest.approx(area, abs=0.01)


def test_a_density_is_highest_where_most_lengths_are() -> None:
    heights = density(_counts(at_20=80, at_21=90, at_70=10))
    assert max(range(STEPS + 1), key=heights.__getitem__) in range(18, 24)
    assert heights[70] > heights[45]


def test_medians_are_labelled_in_tokens_and_marked_at_their_position() -> None:
    lengths = LengthHistogram("sums", "characters", 2_000, 1_500.0, 500.0, _counts(at_75=4), _counts(at_25=4))
    picture = str(length_picture(lengths))
    assert "before: median 1,500" in picture
    marks = dict(re.findall(r'<line class="mark (\w+)" x1="([\d.]+)"', picture))
    ticks = {name: float(x) for x, name in re.findall(r'<text class="" x="([\d.]+)"[^>]*>([\d.]+)<', picture)}
    assert float(marks["before"]) == pytest.approx(0.75 * (ticks["1"] - ticks["0"]) + ticks["0"], abs=0.2)


def test_budgets_double_from_mark_to_mark() -> None:
    budgets = [Budget(100, 0.0, 0.5), Budget(200, 0.5, 0.6), Budget(400, 1.0, 0.6)]
    picture = str(recovered_picture(Recovered("characters", 10, budgets)))
    assert re.findall(r'"middle">(\d+)<', picture) == ["64", "128", "256", "512"]
    assert "after 60\u00a0%" in picture
    before, after = re.findall(r'curve" d="M([^"]*)"', picture)
    assert before.count("L") == after.count("L") == 1 + 2 * len(budgets)


def test_a_day_without_a_night_has_no_bar_and_one_without_a_rejection_has() -> None:
    shares = {RUN_DATE: 0.2, RUN_DATE - timedelta(days=2): 0.0, RUN_DATE - timedelta(days=13): 0.1}
    picture = str(trend_picture(Trend("hollow", RUN_DATE, shares)))
    bars = re.findall(r'<rect class="(\w+)" x="([\d.]+)"[^>]* height="([\d.]+)"', picture)
    assert [(style, float(x)) for style, x, _ in bars] == [("then", 1), ("then", 89), ("now", 105)]
    heights = {float(x): float(height) for _, x, height in bars}
    assert heights[1.0] == pytest.approx(heights[105.0] / 2, abs=0.1)
    assert 0 < heights[89.0] <= 1


def _curve(*losses: float, every: int = 0) -> list[Point]:
    """A point per step, with a validation loss every `every` steps."""
    return [
        Point(
            step=step,
            loss=loss,
            validation_loss=loss + 0.1 if every and step % every == 0 else None,
            learning_rate=1e-3,
        )
        for step, loss in enumerate(losses, start=1)
    ]


def test_the_loss_axis_starts_just_below_the_lowest_loss() -> None:
    picture = str(loss_picture(_curve(2.0, 1.2, 1.1, 1.0, every=2)))
    levels = {
        float(name): float(y) - 4
        for y, name in re.findall(r' y="([\d.]+)" text-anchor="end">([\d.]+)<', picture)
    }
    assert min(levels) == 1.0
    dots = [float(y) for y in re.findall(r'cy="([\d.]+)"', picture)]
    per_nat = (levels[1.0] - levels[2.0]) / 1.0  # pixels per nat
    assert [levels[1.0] - y for y in dots] == pytest.approx([0.3 * per_nat, 0.1 * per_nat], abs=0.2)
    assert "circle" not in str(loss_picture(_curve(2.0, 1.0)))


def test_a_difference_beyond_the_axis_is_an_arrow_at_the_edge() -> None:
    inside = str(interval_picture(Interval(0.01, -0.02, 0.04), 0.01, 0.05))
    left = str(interval_picture(Interval(-0.2, -0.25, -0.15), None, 0.05))
    right = str(interval_picture(Interval(0.2, 0.15, 0.25), None, 0.05))
    assert ("circle" in inside, "mark before" in inside) == (True, True)
    assert ("◂" in left, "circle" in left, "mark before" in left) == (True, False, False)
    assert ("▸" in right, "◂" in right) == (True, False)


def test_charts_stay_inside_their_frames() -> None:
    pictures = [
        loss_picture(_curve(*(2.0 / n for n in range(1, 400)), every=7)),
        loss_picture(_curve(1.0, 1.0)),
        loss_picture(_curve(0.00012)),
        interval_picture(Interval(0.01, -0.9, 0.9), 0.02, 0.05),
        interval_picture(Interval(-0.5, -0.9, -0.2), 0.02, 0.05),
        saving_picture([0] * 19 + [7], 1.0),
        saving_picture([7] + [0] * 19, 0.0),
        length_picture(LengthHistogram("d", "c", 1, 9e9, 1.0, _counts(beyond=2), _counts(at_0=2))),
        length_picture(LengthHistogram("d", "c", 9, 5.0, 1.0, _counts(at_99=500), _counts(at_0=500))),
        recovered_picture(Recovered("c", 1, [Budget(1, 1.0, 1.0)])),
        recovered_picture(Recovered("c", 1, [Budget(1, 0.5, 0.0), Budget(131_072, 1.0, 0.0)])),
        trend_picture(Trend("none", RUN_DATE, {RUN_DATE: 0.0})),
    ]
    for picture in map(str, pictures):
        width, height = map(float, re.findall(r'viewBox="0 0 (\d+) (\d+)"', picture)[0])
        assert width <= WIDTH
        for x in re.findall(r' c?x\d?="([\d.-]+)"', picture):
            assert 0 <= float(x) <= width
        for y in re.findall(r' c?y\d?="([\d.-]+)"', picture):
            assert 0 <= float(y) <= height
        for x, y in re.findall(r"[ML]([\d.-]+) ([\d.-]+)", picture):
            assert 0 <= float(x) <= width
            assert 0 <= float(y) <= height
