"""The night's report: one HTML page that needs nothing but itself, for a phone at 3 a.m. as for a desk.

html = build_report(open_session(night.visible()), facts)
"""

from functools import cache, partial
from pathlib import Path

import duckdb
from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template

from drp import __version__
from drp.records import ACTIONS
from drp.report import queries
from drp.report.figures import length_picture, recovered_picture, saving_picture, trend_picture
from drp.report.numbers import NightFacts
from drp.report.reading import read_numbers
from drp.report.samples import read_samples


def build_report(con: duckdb.DuckDBPyConnection, night: NightFacts) -> str:
    """The page of a night, from a session with its tables and the rollouts it refers to.

    Every text of a student or a teacher is escaped; the page has no script and fetches nothing. Whatever the
    size of the night, ten revisions are shown and the page stays below 1.5 MB.
    """
    numbers = read_numbers(con, night)
    steps, tonight = numbers.saving_steps, numbers.tonight
    return _template().render(
        night=night,
        numbers=numbers,
        lengths=[(lengths, length_picture(lengths)) for lengths in numbers.lengths],
        recovered=[(recovered, recovered_picture(recovered)) for recovered in numbers.recovered],
        saving_picture=saving_picture(steps, tonight.saving) if tonight and any(steps) else None,
        trend_picture=trend_picture,
        warnings=[(stage.stage, warning) for stage in night.stages for warning in stage.warnings],
        stages=sorted(night.stages, key=lambda stage: -stage.seconds),
        samples=read_samples(con, night),
        actions=ACTIONS,
        queries=queries,
        command=partial(queries.command, night),
        version=__version__,
    )


@cache
def _template() -> Template:
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["number"] = _number
    environment.filters["percent"] = _percent
    environment.filters["rate"] = _rate
    environment.filters["css_name"] = _css_name
    return environment.get_template("page.html")


def _number(count: float | None) -> str:
    return "–" if count is None else f"{count:,.0f}"


def _percent(share: float | None) -> str:
    return "–" if share is None else f"{100 * share:.1f}\u00a0%"


def _rate(per_second: float) -> str:
    return f"{per_second:,.0f}" if per_second >= 100 else f"{per_second:.1f}"


def _css_name(action: str) -> str:
    return action.lower().replace(" ", "-")
