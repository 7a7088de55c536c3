"""Shared by the tests of the online driver: a driver on a fake provider, with a ledger.

`python -m tests.teacher.transport.online.nights BASE_URL LEDGER COUNT` runs one night that a test can kill.
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from decimal import Decimal

from drp.config.teacher_profiles import Limits, Prices, TeacherProfile
from drp.ledger.completions import TeacherReply, TeacherRequest, Usage
from drp.ledger.ledger import Ledger, open_ledger
from drp.teacher.transport.ledger_session import LedgerSession
from drp.teacher.transport.online import OnlineDriver
from tests.fake_provider.config import KEY

PLAIN = {"mind": "echo", "counter": "quarter"}
"""A fake provider that answers at once with the last message."""
KEY_VARIABLE = "DRP_TEST_ONLINE_KEY"
PRICES = Prices(
    input=Decimal("2.5"), cached_input=Decimal("1.25"), output=Decimal(10), read_on=date(2026, 11, 1)
)
QUICK = {"timeout_s": 2.0, "patience_s": 60.0, "in_flight": 16}


def profile(base_url: str, model: str = "stand-in", **limits: float) -> TeacherProfile:
    return TeacherProfile(
        backend="online",
        base_url=base_url,
        model=model,
        api_key_env=KEY_VARIABLE,
        prices=PRICES,
        limits=Limits(**(QUICK | limits)),
    )


def requests(teacher: TeacherProfile, count: int) -> Iterator[TeacherRequest]:
    for number in range(count):
        body = {"model": teacher.model, "messages": [{"role": "user", "content": f"question {number}"}]}
        yield TeacherRequest("fused", teacher.base_url, body, "v1", Usage(12, 0, 12))


@contextmanager
def driver(
    base_url: str, ledger: Ledger, *, cap: str | None = None, key: str = KEY, **options: object
) -> Iterator[OnlineDriver]:
    """Open a driver with a ledger worker; `options` are limits or the model."""
    teacher = profile(base_url, **options)
    with ledger.worker() as worker:
        limit = None if cap is None else Decimal(cap)
        session = LedgerSession(ledger, worker, "2026-11-20-r1", PRICES, limit, lambda ids: {})
        yield OnlineDriver("tester", teacher, key, session)


def ask(base_url: str, ledger: Ledger, count: int, **options: object) -> list[TeacherReply]:
    """Return the replies to `count` requests."""
    with driver(base_url, ledger, **options) as online:
        return list(online.replies(requests(profile(base_url), count)))


def main() -> None:
    """Send the requests."""
    base_url, address, count = sys.argv[1:]
    with open_ledger(address) as ledger:
        ledger.recover()
        replies = ask(base_url, ledger, int(count))
    assert len(replies) == int(count)


if __name__ == "__main__":
    main()
