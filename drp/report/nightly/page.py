"""The report of a night: a self-contained HTML page, for phones and for desktops.

html = build_report(open_session(night.visible_parts()), facts)
"""

from functools import partial

import duckdb

from drp.core import ACTIONS
from drp.report import charts
from drp.report.nightly import page_queries
from drp.report.nightly.examples import read_examples
from drp.report.nightly.page_data import NightFacts
from drp.report.nightly.read_numbers import read_numbers
from drp.report.template import render


def build_report(con: duckdb.DuckDBPyConnection, night: NightFacts) -> str:
    """Build the page of a night from a session with its tables and the rollouts they refer to.

    For any size of the night, at most ten revisions are shown and the page stays below 1.5 MB.
    """
    return render(
        "nightly.html",
        night=night,
        numbers=read_numbers(con, night),
        charts=charts,
        warnings=[(stage.stage, warning) for stage in night.stages for warning in stage.warnings],
        stages=sorted(night.stages, key=lambda stage: -stage.seconds),
        samples=read_examples(con, night),
        actions=ACTIONS,
        queries=page_queries,
        command=partial(page_queries.command, night),
    )
