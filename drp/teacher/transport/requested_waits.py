"""Read how long a provider asks us to wait.

Providers write a span ("20", "1m30s", "250ms") or a point in time: an HTTP date, an ISO date, or seconds or
milliseconds since 1970. A point in time is not a span: 1764547200 is a date in 2025, not 56 years.
"""

import math
import re
import time
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

_SPAN = re.compile(
    r"(?:\d{1,12}(?:\.\d{1,12})?(?:ns|us|µs|ms|s|m|h|d))+"
)  # "1m30s" of x-ratelimit-reset-requests
_PART = re.compile(r"(\d+(?:\.\d+)?)(ns|us|µs|ms|s|m|h|d)")
_SECONDS = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86_400.0}
_FIRST_POINT = 1e9
"""Numbers from here on are points in time: 2001-09-09 in seconds, and 31 years as a span."""
_LAST_IN_SECONDS = 1e11
_BODY_KEYS = frozenset({"retrydelay", "retryafter", "retryafterms", "xratelimitreset"})
_DEPTH = 6


def wait_in(text: str, now: float) -> float:
    """Return the seconds to wait from `now` (since 1970); 0 for a past time or anything unreadable."""
    text = text.strip()[:64]
    if _SPAN.fullmatch(text):
        return sum(float(number) * _SECONDS[unit] for number, unit in _PART.findall(text))
    try:
        number = float(text)
    except ValueError:
        point = _date(text)
        return 0.0 if point is None else max(0.0, point - now)
    if not math.isfinite(number):
        return 0.0
    if number < _FIRST_POINT:
        return max(0.0, number)
    while number > _LAST_IN_SECONDS:  # milliseconds, microseconds, nanoseconds
        number /= 1000
    return max(0.0, number - now)


def requested_wait(headers: Mapping[str, str], body: Any = None) -> float:
    """Return the seconds that a failed response asks us to wait, by its headers or its body; 0: it does not.

    Args:
        headers: headers of the response.
        body: its parsed body. Google writes `retryDelay` there, OpenRouter the headers of its own provider.
    """
    now = provider_time(headers)
    if milliseconds := wait_in(f"{headers.get('retry-after-ms', '')}ms", now):
        return milliseconds
    if wait := wait_in(headers.get("retry-after", ""), now):
        return wait
    return max((_of_body_value(key, value, now) for key, value in _asked_in(body, _DEPTH)), default=0.0)


def provider_time(headers: Mapping[str, str]) -> float:
    """Return the time by the provider's clock, in seconds since 1970; by ours if it does not say."""
    date = _date(headers.get("date", ""))
    return time.time() if date is None else date


def _of_body_value(key: str, value: object, now: float) -> float:
    return wait_in(f"{value}ms" if key.endswith("ms") else str(value), now)


def _asked_in(node: Any, depth: int) -> Iterator[tuple[str, object]]:
    if depth == 0:
        return
    children: Iterable[Any] = node if isinstance(node, list) else ()
    if isinstance(node, Mapping):
        for name, value in node.items():
            key = re.sub(r"[^a-z]", "", str(name).lower())
            if key in _BODY_KEYS and isinstance(value, str | int | float):
                yield key, value
        children = node.values()
    for child in children:
        yield from _asked_in(child, depth - 1)


def _date(text: str) -> float | None:
    for parse in (parsedate_to_datetime, datetime.fromisoformat):
        try:
            date = parse(text)
            return (date if date.tzinfo else date.replace(tzinfo=UTC)).timestamp()
        except (ValueError, TypeError, OverflowError):
            continue
    return None
