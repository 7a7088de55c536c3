"""Rendering of the report pages: the templates next to this file, and the format of numbers.

html = render("nightly.html", night=facts, ...)

All texts of students and teachers are escaped. A page has no scripts and loads nothing.
"""

from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from drp.core import VERSION

_UNKNOWN = "–"


def render(template: str, **variables: object) -> str:
    """Render a template with these variables."""
    return _environment().get_template(template).render(variables, version=VERSION)


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "number": _number,
        "percent": percent,
        "points": points,
        "times": times,
        "signed": signed,
        "chance": chance,
        "rate": _rate,
        "duration": _duration,
        "css_name": _css_name,
    }
    return environment


def percent(share: float | None) -> str:
    """Format a share between 0 and 1 as a percentage."""
    return _UNKNOWN if share is None else f"{100 * share:.1f}\u00a0%"


def points(difference: float) -> str:
    """Format a difference of two shares in percentage points."""
    return _with_sign(f"{100 * difference:+.1f}")


def times(ratio: float | None) -> str:
    """Format a ratio: 0.62×."""
    return _UNKNOWN if ratio is None else f"{ratio:.2f}×"


def signed(value: float | None) -> str:
    """Format a figure with its sign."""
    return _UNKNOWN if value is None else _with_sign(f"{value:+.2f}")


def _with_sign(figure: str) -> str:
    return figure.replace("-", "−") if float(figure) else figure[1:]


def chance(p: float) -> str:
    return "< 0.001" if p < 0.001 else f"{p:.3f}"


def _number(count: float | None) -> str:
    return _UNKNOWN if count is None else f"{count:,.0f}"


def _rate(per_second: float) -> str:
    return f"{per_second:,.0f}" if per_second >= 100 else f"{per_second:.1f}"


def _duration(seconds: float) -> str:
    if seconds < 120:
        return f"{seconds:.0f}\u00a0s"
    return f"{seconds / 60:.0f}\u00a0min" if seconds < 7_200 else f"{seconds / 3_600:.1f}\u00a0h"


def _css_name(name: str) -> str:
    return name.lower().replace(" ", "-")
