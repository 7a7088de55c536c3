"""The night's report: one HTML page that needs nothing but itself, for a phone at 3 a.m. as for a desk.

html = build_report(open_session(night.visible()), facts)
"""

from functools import cache
from pathlib import Path

import duckdb
from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template

from drp import __version__
from drp.records import ACTIONS
from drp.report.figures import length_picture, saving_picture
from drp.report.numbers import NightFacts, read_numbers
from drp.report.samples import read_samples


def build_report(con: duckdb.DuckDBPyConnection, night: NightFacts) -> str:
    """The page of a night, from a session with its tables and the rollouts it refers to.

    Every text of a student or a teacher is escaped; the page has no script and fetches nothing. Whatever the
    size of the night, ten revisions are shown and the page stays below 1.5 MB.
    """
    numbers = read_numbers(con, night)
    lengths = {counter: length_picture(bins, counter) for counter, bins in numbers.lengths.items()}
    steps = numbers.saving_steps
    return _template().render(
        night=night,
        numbers=numbers,
        length_pictures=lengths,
        saving_picture=saving_picture(steps, numbers.median_saving) if any(steps) else None,
        samples=read_samples(con, night),
        actions=ACTIONS,
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
    environment.filters["css_name"] = _css_name
    return environment.get_template("page.html")


def _number(count: float | None) -> str:
    return "–" if count is None else f"{count:,.0f}"


def _percent(share: float | None) -> str:
    return "–" if share is None else f"{100 * share:.1f}\u00a0%"


def _css_name(action: str) -> str:
    return action.lower().replace(" ", "-")
