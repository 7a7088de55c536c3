"""SVG primitives: a frame that maps values to coordinates, and the shapes drawn in it.

The page's style sheet sets colours by class, so that charts follow its theme. One unit is one pixel on a
phone that is 390 pixels wide, so that the text stays readable.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from markupsafe import Markup

WIDTH = 340

_SVG = Markup('<svg viewBox="0 0 {} {}" role="img" aria-label="{}"{}>{}</svg>')
_SIZE = Markup(' width="{}" height="{}"')
_BAR = Markup('<rect class="{}" x="{:.1f}" y="{:.1f}" width="{:.1f}" height="{:.1f}"/>')
_PATH = Markup('<path class="{}" d="{}"/>')
_TITLED = Markup("<g><title>{}</title>{}</g>")
_TEXT = Markup('<text class="{}" x="{:.1f}" y="{:.1f}" text-anchor="{}">{}</text>')
_DOT = Markup('<circle class="{}" cx="{:.1f}" cy="{:.1f}" r="3"/>')
_LINE = Markup('<line class="{}" x1="{:.1f}" x2="{:.1f}" y1="{:.1f}" y2="{:.1f}"/>')


@dataclass(frozen=True)
class Frame:
    """A plot area with x from 0 to `x_end` and y from 0 to `y_end`, in data units."""

    x_end: float
    y_end: float
    height: int = 200
    left: int = 40
    right: int = 18
    top: int = 14
    bottom: int = 36

    def x(self, value: float) -> float:
        """Return the horizontal coordinate of `value`."""
        return self.left + (WIDTH - self.left - self.right) * value / self.x_end

    def y(self, value: float) -> float:
        """Return the vertical coordinate of `value`, measured from the top."""
        return self.height - self.bottom - (self.height - self.top - self.bottom) * value / self.y_end

    @property
    def floor(self) -> float:
        """Vertical coordinate of 0."""
        return self.y(0)

    def levels(self, levels: Sequence[tuple[float, str]]) -> Markup:
        """Draw horizontal grid lines with their labels."""
        return join(
            line("grid", self.x(0), self.x(self.x_end), self.y(level), self.y(level))
            + text("", self.left - 6, self.y(level) + 4, name, "end")
            for level, name in levels
        )

    def ticks(self, ticks: Sequence[tuple[float, str]], axis: str) -> Markup:
        """Draw the labels below the x axis, and its title."""
        marks = join(text("", self.x(at), self.floor + 15, name, "middle") for at, name in ticks)
        return marks + text("axis", self.x(self.x_end / 2), self.floor + 31, axis, "middle")

    def picture(self, label: str, *drawn: Markup) -> Markup:
        """Return the whole chart. `label` describes it for screen readers."""
        return svg(WIDTH, self.height, label, join(drawn))


def svg(width: int, height: int, label: str, drawn: Markup, *, fixed: bool = False) -> Markup:
    """Return an SVG element, scaled to its container or `fixed` to its size."""
    return _SVG.format(width, height, label, _SIZE.format(width, height) if fixed else "", drawn)


def bar(style: str, x: float, y: float, width: float, height: float) -> Markup:
    """Draw a filled rectangle."""
    return _BAR.format(style, x, y, width, height)


def line(style: str, x1: float, x2: float, y1: float, y2: float) -> Markup:
    """Draw a straight line."""
    return _LINE.format(style, x1, x2, y1, y2)


def dot(style: str, x: float, y: float) -> Markup:
    """Draw a point."""
    return _DOT.format(style, x, y)


def path(style: str, points: Sequence[tuple[float, float]], *, closed: bool = False) -> Markup:
    """Draw a line through points."""
    coordinates = "L".join(f"{x:.1f} {y:.1f}" for x, y in points)
    return _PATH.format(style, f"M{coordinates}{'Z' if closed else ''}")


def text(style: str, x: float, y: float, content: str, anchor: str = "start") -> Markup:
    """Draw a line of text."""
    return _TEXT.format(style, x, y, anchor, content)


def titled(title: str, drawn: Markup) -> Markup:
    """Add a tooltip to `drawn`."""
    return _TITLED.format(title, drawn)


def join(drawn: Iterable[Markup]) -> Markup:
    """Join several shapes."""
    return Markup("").join(drawn)
