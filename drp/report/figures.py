"""The report's pictures: small SVG drawings that take their colours from the page and so follow its theme.

360 units wide, so that on a phone one unit is one pixel and the lettering stays readable.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from drp.report.numbers import LengthBin

WIDTH, HEIGHT = 360, 210
_LEFT, _TOP, _RIGHT, _BOTTOM = 38, 10, 18, 34
_PLOT_WIDTH = WIDTH - _LEFT - _RIGHT
_PLOT_HEIGHT = HEIGHT - _TOP - _BOTTOM

_SVG = Markup('<svg viewBox="0 0 {} {}" role="img" aria-label="{}">{}</svg>')
_BAR = Markup('<rect class="{}" x="{:.1f}" y="{:.1f}" width="{:.1f}" height="{:.1f}">{}</rect>')
_TITLE = Markup("<title>{}</title>")
_TEXT = Markup('<text x="{:.1f}" y="{:.1f}" text-anchor="{}">{}</text>')
_GRID = Markup('<line class="grid" x1="{}" x2="{}" y1="{:.1f}" y2="{:.1f}"/>')
_MARK = Markup('<line class="mark" x1="{:.1f}" x2="{:.1f}" y1="{}" y2="{}"/>')


@dataclass(frozen=True)
class _Bar:
    """One bar: left edge and width in units of one slot, height as a share."""

    style: str
    left: float
    width: float
    share: float
    title: str


def length_picture(bins: Sequence[LengthBin], counter: str) -> Markup:
    """Lengths of thinking before and after, as shares of the same traces, on one axis of powers of two."""
    before, after = sum(b.before for b in bins) or 1, sum(b.after for b in bins) or 1
    first, last = bins[0].bin_from, bins[-1].bin_from
    starts = [first]
    while starts[-1] < last:
        starts.append(max(2 * starts[-1], 1))
    slots = {start: slot for slot, start in enumerate(starts)}
    bars = []
    for b in bins:
        span = f"{b.bin_from:,} to {b.bin_to:,} {counter}"
        slot = slots[b.bin_from]
        bars.append(_Bar("before", slot + 0.08, 0.4, b.before / before, f"before: {b.before:,} of {span}"))
        bars.append(_Bar("after", slot + 0.52, 0.4, b.after / after, f"after: {b.after:,} of {span}"))
    ticks = [(float(slot), _compact(start)) for start, slot in slots.items()]
    ticks.append((float(len(starts)), _compact(max(2 * last, 1))))
    return _draw(bars, len(starts), ticks, f"{counter} of thinking", "Lengths of thinking before and after")


def saving_picture(steps: Sequence[int], median: float | None) -> Markup:
    """Revisions by the share of tokens they save, in equal steps from 0 to 1, with the median marked."""
    total = sum(steps) or 1
    percent = 100 // len(steps)
    bars = [
        _Bar("after", slot + 0.06, 0.88, count / total, f"{count:,} save {slot * percent} % and more")
        for slot, count in enumerate(steps)
    ]
    ticks = [(len(steps) * share / 100, f"{share}\u00a0%") for share in (0, 25, 50, 75, 100)]
    marks = [] if median is None else [(median * len(steps), f"median {100 * median:.0f}\u00a0%")]
    return _draw(bars, len(steps), ticks, "saved", "Revisions by the share that they save", marks)


def _draw(
    bars: Sequence[_Bar],
    slots: int,
    ticks: Sequence[tuple[float, str]],
    axis: str,
    label: str,
    marks: Sequence[tuple[float, str]] = (),
) -> Markup:
    top, step = _scale(max(bar.share for bar in bars))

    def x(slot: float) -> float:
        return _LEFT + _PLOT_WIDTH * slot / slots

    def y(share: float) -> float:
        return _TOP + _PLOT_HEIGHT * (1 - share / top)

    drawn: list[Markup] = []
    for tick in range(round(top / step) + 1):
        level = y(tick * step)
        drawn.append(_GRID.format(_LEFT, WIDTH - _RIGHT, level, level))
        drawn.append(_TEXT.format(_LEFT - 5, level + 4, "end", f"{100 * tick * step:.0f}\u00a0%"))
    for bar in bars:
        width = x(bar.width) - x(0)
        size = (width, y(0) - y(bar.share))
        drawn.append(_BAR.format(bar.style, x(bar.left), y(bar.share), *size, _TITLE.format(bar.title)))
    for slot, text in marks:
        drawn.append(_MARK.format(x(slot), x(slot), _TOP, HEIGHT - _BOTTOM))
        late = slot > slots / 2
        drawn.append(_TEXT.format(x(slot) + (-4 if late else 4), _TOP + 9, "end" if late else "start", text))
    every = -(-len(ticks) // 10)
    drawn.extend(_TEXT.format(x(slot), HEIGHT - 18, "middle", text) for slot, text in ticks[::every])
    drawn.append(_TEXT.format(_LEFT + _PLOT_WIDTH / 2, HEIGHT - 3, "middle", axis))
    return _SVG.format(WIDTH, HEIGHT, label, Markup("").join(drawn))


def _scale(highest: float) -> tuple[float, float]:
    """Top of the axis and its step, both round, for shares up to `highest`."""
    step = next(step for step in (0.02, 0.05, 0.1, 0.2, 0.25) if highest <= 4 * step or step == 0.25)
    return max(-(-highest // step), 1) * step, step


def _compact(count: int) -> str:
    return f"{count // 1024}k" if count >= 1024 else str(count)
