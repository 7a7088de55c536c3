"""Spans and points in time, in headers and bodies."""

import pytest

from drp.teacher.transport.requested_waits import requested_wait, wait_in

NOW = 1_796_040_000.0
"""2026-11-30 12:00:00 UTC."""
DATE = {"date": "Mon, 30 Nov 2026 12:00:00 GMT"}


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("20", 20),
        ("0.5", 0.5),
        ("250ms", 0.25),
        ("1m30s", 90),
        ("2h", 7200),
        ("1d2h", 93_600),
        ("350µs", 0.00035),
        ("-5", 0),
        ("soon", 0),
        ("", 0),
        ("nan", 0),
        ("inf", 0),
        ("1m30s later", 0),
        ("1796040020", 20),
        ("1796040020500", 20.5),
        ("1796039000", 0),
        ("2026-11-30T12:01:00Z", 60),
        ("2026-11-30T13:01:00+01:00", 60),
        ("Mon, 30 Nov 2026 12:00:45 GMT", 45),
        ("Mon, 30 Nov 2026 11:00:00 GMT", 0),
        ("Mon, 30 Nov 99999999 11:00:00 GMT", 0),
    ],
)
def test_spans_and_points_in_time(text, seconds):
    assert wait_in(text, NOW) == pytest.approx(seconds)


@pytest.mark.parametrize(
    ("headers", "body", "seconds"),
    [
        ({"retry-after": "7"}, None, 7),
        ({"retry-after": "1", "retry-after-ms": "200"}, None, 0.2),
        ({"retry-after": "Mon, 30 Nov 2026 12:00:30 GMT"}, None, 30),
        ({}, [{"error": {"details": [{"@type": "RetryInfo", "retryDelay": "34s"}]}}], 34),
        ({}, {"metadata": {"headers": {"X-RateLimit-Reset": "1796040009000"}}}, 9),
        ({}, {"retry_after_ms": 1500, "retry_after": "soon"}, 1.5),
        ({}, {"retry_after": {"no": "number"}}, 0),
        ({}, "retryDelay 34s", 0),
    ],
)
def test_waits_stand_in_headers_or_bodies_and_dates_count_by_the_providers_clock(headers, body, seconds):
    assert requested_wait(DATE | headers, body) == pytest.approx(seconds)


def test_a_body_of_any_depth_ends() -> None:
    body: object = {"retry_after": 5}
    for _ in range(2_000):
        body = [body]
    assert requested_wait(DATE, body) == 0
