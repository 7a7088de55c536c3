"""The window grows, and shrinks once per burst of overload; the pace keeps to its limits."""

import pytest

from drp.teacher.transport.online.rate_limits import START, Bucket, Pace, Window, reset_wait


def test_one_request_until_the_first_answer():
    window = Window(most=256)
    assert int(window.size) == 1
    window.grow()
    assert int(window.size) == START


def test_it_doubles_until_the_first_refusal_and_then_adds():
    window = Window(most=1000)
    window.grow()
    for _ in range(START):
        window.grow()
    assert int(window.size) == 2 * START
    window.shrink(sent_at=1.0, now=2.0)
    assert window.size == pytest.approx(1.5 * START)
    before = window.size
    for _ in range(int(before)):
        window.grow()
    assert window.size == pytest.approx(before + 1, abs=0.05)


def test_a_burst_of_refusals_counts_once():
    window = Window(most=1000)
    for _ in range(200):
        window.grow()
    size = window.size
    for _ in range(50):
        window.shrink(sent_at=1.0, now=2.0)
    assert window.size == pytest.approx(0.75 * size)
    window.shrink(sent_at=2.5, now=3.0)
    assert window.size == pytest.approx(0.75 * 0.75 * size)


def test_it_stays_between_one_and_its_most():
    window = Window(most=40)
    for _ in range(100):
        window.grow()
    assert window.size == 40
    for at in range(100):
        window.shrink(sent_at=at + 0.5, now=at + 1.0)
    assert window.size == 1.0


@pytest.mark.parametrize("units", [1, 30, 500])
def test_a_bucket_lets_through_what_a_minute_allows(units):
    bucket, now, spent = Bucket(per_minute=600), 0.0, 0
    while now < 600:
        wait = bucket.wait(units, now)
        if wait == 0:
            bucket.take(units)
            spent += units
        now += max(wait, 1e-6)
    assert spent == pytest.approx(6000, rel=0.1)


def test_no_limit_never_waits():
    assert Pace(Bucket(None), Bucket(None)).wait(10**9, 0.0) == 0


def test_headers_that_report_nothing_left_ask_for_a_pause():
    nothing_left = {"x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "1m30s"}
    assert reset_wait(nothing_left) == 90
    assert reset_wait({"x-ratelimit-remaining-tokens": "17", "x-ratelimit-reset-tokens": "5m"}) == 0
    date = "Mon, 30 Nov 2026 12:00:00 GMT"
    assert reset_wait(nothing_left | {"date": date, "x-ratelimit-reset-requests": "1796040020"}) == 20


def test_a_pause_holds_everything_back():
    pace = Pace(Bucket(None), Bucket(None))
    pace.pause(90.0, now=10.0)
    assert pace.wait(1, 40.0) == pytest.approx(60.0)
    assert pace.wait(1, 100.0) == 0
