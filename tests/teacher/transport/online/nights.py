"""An online driver on a stand-in provider, with a ledger of its own: what the tests of it share.

`python -m tests.teacher.transport.online.nights BASE_URL LEDGER COUNT` is one night that may be killed.
"""

import os
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
"""A stand-in that answers at once with what it was asked."""
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
    """A worker with a driver; `options` are limits, or the model."""
    os.environ[KEY_VARIABLE] = key
    teacher = profile(base_url, **options)
    with ledger.worker() as worker:
        limit = None if cap is None else Decimal(cap)
        yield OnlineDriver(
            "tester", teacher, LedgerSession(ledger, worker, "2026-11-20-r1", PRICES, limit, lambda ids: {})
        )


def ask(base_url: str, ledger: Ledger, count: int, **options: object) -> list[TeacherReply]:
    """Replies to so many requests."""
    with driver(base_url, ledger, **options) as online:
        return list(online.replies(requests(profile(base_url), count)))


def main() -> None:
    """Ask, whatever happens."""
    base_url, address, count = sys.argv[1:]
    with open_ledger(address) as ledger:
        ledger.recover()
        replies = ask(base_url, ledger, int(count))
    assert len(replies) == int(count)


if __name__ == "__main__":
    main()
