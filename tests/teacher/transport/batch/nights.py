"""Shared by the tests of the batch driver: a driver on a fake provider, with a ledger.

`python -m tests.teacher.transport.batch.nights BASE_URL LEDGER COUNT` runs one night that a test can kill.
"""

import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from drp.config.teacher_profiles import BatchPace, Limits, Prices, TeacherProfile
from drp.ledger.completions import TeacherReply, TeacherRequest, Usage
from drp.ledger.ledger import Ledger, open_ledger
from drp.teacher.transport.batch import BatchDriver, BatchesPendingError
from drp.teacher.transport.credentials import api_key
from drp.teacher.transport.ledger_session import LedgerSession
from tests.fake_provider import Provider
from tests.fake_provider.config import KEY

PLAIN = {"mind": "echo", "counter": "quarter"}
"""A fake provider that answers at once with the last message."""
KEY_VARIABLE = "DRP_TEST_BATCH_KEY"
PRICES = Prices(
    input=Decimal("2.5"),
    cached_input=Decimal("1.25"),
    output=Decimal(10),
    batch_discount=Decimal("0.5"),
    read_on=date(2026, 11, 1),
)
QUICK = {"poll_first_s": 0.03, "poll_most_s": 0.05, "no_room_s": 0.2, "settle_s": 0.2, "backoff_s": 0.02}


def profile(
    base_url: str,
    enqueued_tokens: int | None = None,
    model: str = "stand-in",
    patience_s: float = 20,
    **pace: float,
) -> TeacherProfile:
    return TeacherProfile(
        backend="batch",
        base_url=base_url,
        model=model,
        api_key_env=KEY_VARIABLE,
        prices=PRICES,
        limits=Limits(enqueued_tokens=enqueued_tokens, patience_s=patience_s),
        pace=BatchPace(**QUICK | pace),
        supports=frozenset({"batch", "json_schema"}),
    )


def requests(teacher: TeacherProfile, count: int, first: int = 0) -> Iterator[TeacherRequest]:
    for number in range(first, first + count):
        body = {"model": teacher.model, "messages": [{"role": "user", "content": f"question {number}"}]}
        yield TeacherRequest("fused", teacher.base_url, body, "v1", Usage(12, 0, 12))


@dataclass
class Night:
    """One ledger worker with a driver."""

    teacher: TeacherProfile
    session: LedgerSession
    seen: list[TeacherReply] = field(default_factory=list)

    def driver(self, **options: object) -> BatchDriver:
        key = api_key("tester", self.teacher.api_key_env, self.teacher.base_url)
        return BatchDriver("tester", self.teacher, key, self.session, **options)

    def leave(self, count: int, first: int = 0) -> BatchesPendingError:
        """Send requests without waiting; return the error about the pending batches."""
        with pytest.raises(BatchesPendingError) as pending:
            self.ask(count, first, may_defer_since=datetime.now(UTC))
        return pending.value

    def ask(self, count: int, first: int = 0, **options: object) -> list[TeacherReply]:
        """Return the replies to `count` requests; replies before an error are in `seen`."""
        self.seen = []
        for reply in self.driver(**options).replies(requests(self.teacher, count, first)):
            self.seen.append(reply)
        return self.seen


@contextmanager
def night(
    server: Provider | str,
    ledger: Ledger,
    *,
    cap: str | None = None,
    run: str = "2026-11-20-r1",
    **more,
) -> Iterator[Night]:
    """Open a night with `server` as the teacher; `more` goes into the profile."""
    os.environ.setdefault(KEY_VARIABLE, KEY)
    teacher = profile(server if isinstance(server, str) else server.base_url, **more)
    with ledger.worker() as worker:
        limit = None if cap is None else Decimal(cap)
        yield Night(teacher, LedgerSession(ledger, worker, run, PRICES, limit, lambda ids: {}, in_batch=True))


def texts(replies: Sequence[TeacherReply]) -> list[str]:
    """Return the texts of the answers, in the order of `questions`."""
    return sorted((r.answer.text or "" for r in replies if r.answer), key=lambda text: (len(text), text))


def questions(count: int, first: int = 0) -> list[str]:
    return [f"question {number}" for number in range(first, first + count)]


def assert_books_agree(server: Provider, ledger: Ledger) -> None:
    """Check that the ledger has every billed completion once, at the same price, and no other."""
    totals = server.totals()
    assert totals["paid_twice"] == 0
    assert sum((t.known for t in ledger.totals()), Decimal(0)) == Decimal(totals["nano_usd"]).scaleb(-9)
    assert sum(t.landed for t in ledger.totals()) == totals["billed"]


def main() -> None:
    base_url, path, count = sys.argv[1:]
    with (
        open_ledger(f"sqlite:///{Path(path)}") as ledger,
        night(base_url, ledger, enqueued_tokens=600) as one,
    ):
        print("begins", flush=True)
        print(len(texts(one.ask(int(count)))), flush=True)


if __name__ == "__main__":
    main()
