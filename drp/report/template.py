"""What the report's pages share: the templates beside this file, and how they write a number.

html = render("nightly.html", night=facts, ...)

Every text of a student or a teacher is escaped; a page has no script and fetches nothing.
"""

from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from drp.core import VERSION

_UNKNOWN = "–"


def render(template: str, **known: object) -> str:
    """The page that a template makes of what is known."""
    return _environment().get_template(template).render(known, version=VERSION)


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
        "chance": _chance,
        "rate": _rate,
        "duration": _duration,
        "css_name": _css_name,
    }
    return environment


def percent(share: float | None) -> str:
    """A share, 0 to 1."""
    return _UNKNOWN if share is None else f"{100 * share:.1f}\u00a0%"


def points(difference: float) -> str:
    """A difference of two shares, in points of a hundred."""
    return _with_sign(f"{100 * difference:+.1f}")


def times(ratio: float | None) -> str:
    """A ratio: 0.62×."""
    return _UNKNOWN if ratio is None else f"{ratio:.2f}×"


def signed(value: float | None) -> str:
    """A figure that may lie on either side of 0."""
    return _UNKNOWN if value is None else _with_sign(f"{value:+.2f}")


def _with_sign(figure: str) -> str:
    return figure.replace("-", "−") if float(figure) else figure[1:]


def _chance(p: float) -> str:
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
