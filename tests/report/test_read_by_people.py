"""The section of the night's page on what people said of its revisions."""

from datetime import timedelta
from pathlib import Path

import pytest

from drp.query.session import open_session
from drp.report.nightly.page import build_report
from drp.report.nightly.page_data import NightFacts, Reviews
from drp.report.nightly.read_numbers import read_numbers
from tests.helpers.report_pages import Page
from tests.helpers.row_factories import RUN_DATE, Row, make_review, one_of_each, write_parts

NIGHT = NightFacts("2026-11-20-drp", RUN_DATE, "drp", "h1", "published", "version 3")
EVIL = "<script>alert(1)</script>"


def _page(folder: Path, *reviews: Row) -> Page:
    con = open_session(write_parts(folder, one_of_each() | {"reviews": list(reviews)}))
    return Page(build_report(con, NIGHT))


def _reviews(folder: Path, *reviews: Row) -> Reviews:
    con = open_session(write_parts(folder, one_of_each() | {"reviews": list(reviews)}))
    return read_numbers(con, NIGHT).reviews


def _ago(days: int) -> dict[str, object]:
    return {"run_date": RUN_DATE - timedelta(days=days)}


def test_without_reviews_there_is_the_command_and_no_chart(tmp_path: Path) -> None:
    page = _page(tmp_path)
    assert "Read by people Nobody has read an accepted revision of this night yet." in page.words
    assert "drp review --run 2026-11-20-drp" in page.commands
    assert "moderate or severe, share" not in page.text


def test_the_counts_the_trend_and_the_notes_are_shown(tmp_path: Path) -> None:
    page = _page(
        tmp_path,
        make_review(revision_id="v1", verdict="severe", fault="missing_link", note=EVIL, reviewer=EVIL),
        make_review(revision_id="v2"),
        make_review(revision_id="v3", verdict="minor", fault="leftover_check"),
        make_review(revision_id="w1", recipe_hash="h0", **_ago(1)),
        make_review(revision_id="w2", recipe_hash="h0", verdict="moderate", fault="hollow", **_ago(13)),
    )
    for words in (
        "3 of this night's accepted revisions read = 1 sound + 1 minor + 0 moderate + 1 severe",
        "Moderate or severe: 33.3 % of those read (95 % interval 6.1 % to 79.2 %)",
        "5 revisions were read in 3 nights",
        "missing_link",
        "hollow",
        f"severe missing_link · {EVIL} {EVIL} on v1",
    ):
        assert words in page.words
    assert not {tag for tag, _ in page.tags} & {"script"}
    assert "drp review --run 2026-11-20-drp" in page.commands


def test_only_accepted_revisions_of_this_recipe_and_the_last_14_days_count(tmp_path: Path) -> None:
    reviews = _reviews(
        tmp_path,
        make_review(revision_id="other", recipe="other", recipe_hash="h9", verdict="severe", fault="hollow"),
        make_review(revision_id="edited", recipe_hash="h0", verdict="severe", fault="hollow"),
        make_review(revision_id="refused", status="rejected", verdict="severe", fault="hollow"),
        make_review(revision_id="old", verdict="severe", fault="hollow", **_ago(14)),
        make_review(revision_id="later", verdict="severe", fault="hollow", **_ago(-1)),
        make_review(revision_id="v1"),
        make_review(revision_id="w1", **_ago(13)),
    )
    assert [(night.run_date, night.judged, night.severe) for night in reviews.nights] == [
        (RUN_DATE - timedelta(days=13), 1, 0),
        (RUN_DATE, 1, 0),
    ]
    assert reviews.tonight == reviews.nights[-1]
    assert (reviews.faults, reviews.faulty) == ([], [])


def test_a_night_that_nobody_has_read_shows_the_trend_of_the_others(tmp_path: Path) -> None:
    page = _page(tmp_path, make_review(revision_id="w1", verdict="severe", fault="hollow", **_ago(2)))
    assert "Nobody has read an accepted revision of this night yet." in page.words
    assert "1 revision was read in 1 night." in page.words
    assert page.text.count("hollow") >= 1


@pytest.mark.parametrize("count", [20, 21])
def test_at_most_twenty_faulty_revisions_are_listed(tmp_path: Path, count: int) -> None:
    page = _page(
        tmp_path,
        *(
            make_review(revision_id=f"v{n}", verdict="severe", fault="hollow", note="N0TE")
            for n in range(count)
        ),
    )
    assert page.text.count("N0TE") == 20
    assert ("Only the first 20 of 21 are shown" in page.words) == (count == 21)


def test_a_verdict_that_was_taken_back_is_not_listed(tmp_path: Path) -> None:
    reviews = _reviews(
        tmp_path,
        make_review(verdict="severe", fault="hollow"),
        make_review(number=2),
        make_review(reviewer="bo", verdict="moderate", fault="other", note="odd"),
    )
    assert [(f.reviewer, f.verdict, f.note) for f in reviews.faulty] == [("bo", "moderate", "odd")]
    assert reviews.tonight
    assert (reviews.tonight.judged, reviews.tonight.moderate) == (1, 1)
