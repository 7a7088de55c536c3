"""The report of a night: a self-contained HTML page, for phones and for desktops.

html = build_report(open_session(night.visible_parts()), facts)
"""

from functools import partial

import duckdb

from drp.core import ACTIONS
from drp.report.charts import (
    length_picture,
    recovered_picture,
    review_picture,
    saving_picture,
    trend_picture,
)
from drp.report.nightly import page_queries
from drp.report.nightly.examples import read_examples
from drp.report.nightly.page_data import NightFacts
from drp.report.nightly.read_numbers import read_numbers
from drp.report.template import render


def build_report(con: duckdb.DuckDBPyConnection, night: NightFacts) -> str:
    """Build the page of a night from a session with its tables and the rollouts they refer to.

    For any size of the night, at most ten revisions are shown and the page stays below 1.5 MB.
    """
    numbers = read_numbers(con, night)
    steps, tonight, reviews = numbers.saving_steps, numbers.tonight, numbers.reviews
    return render(
        "nightly.html",
        night=night,
        numbers=numbers,
        lengths=[(lengths, length_picture(lengths)) for lengths in numbers.lengths],
        recovered=[(recovered, recovered_picture(recovered)) for recovered in numbers.recovered],
        saving_picture=saving_picture(steps, tonight.saving) if tonight and any(steps) else None,
        trend_picture=trend_picture,
        review_picture=review_picture(reviews.nights, night.run_date) if reviews.nights else None,
        warnings=[(stage.stage, warning) for stage in night.stages for warning in stage.warnings],
        stages=sorted(night.stages, key=lambda stage: -stage.seconds),
        samples=read_examples(con, night),
        actions=ACTIONS,
        queries=page_queries,
        command=partial(page_queries.command, night),
    )
