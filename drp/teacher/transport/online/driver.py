"""The online driver: requests in, replies out as they land, with as many under way as the provider takes."""

import time
from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import islice
from queue import SimpleQueue

from drp.config import TeacherProfile
from drp.console import Progress
from drp.ledger import TeacherReply, TeacherRequest
from drp.teacher.transport.credentials import api_key
from drp.teacher.transport.ledger_session import LedgerSession
from drp.teacher.transport.online.circuit_breaker import Breaker
from drp.teacher.transport.online.rate_limits import Bucket, Pace, Window
from drp.teacher.transport.online.sender import Control, Result, Sender

CHUNK = 128
"""Requests looked up in the ledger together."""


class OnlineDriver:
    """Implements `drp.teacher.transport.protocol.Driver`.

    What it learnt of the provider serves for the next call too.

    Args:
        name: the teacher, for messages.
        profile: where it is and what it takes.
        books: the ledger.
    """

    def __init__(self, name: str, profile: TeacherProfile, books: LedgerSession) -> None:
        self._name, self._profile, self._books = name, profile, books
        self._key = api_key(name, profile)
        limits = profile.limits
        self._control = Control(
            Window(limits.in_flight),
            Pace(Bucket(limits.requests_per_minute), Bucket(limits.tokens_per_minute)),
            Breaker(name, limits.patience_s, time.monotonic()),
        )
        self._room = limits.in_flight + 2 * CHUNK

    def replies(self, requests: Iterable[TeacherRequest]) -> Iterator[TeacherReply]:
        """As the protocol says; at most the window and two chunks of requests are held."""
        results: SimpleQueue[Result] = SimpleQueue()
        engine = Sender(self._name, self._profile, self._key, self._books, self._control, results)
        source, more = iter(requests), True
        under_way: Counter[str] = Counter()  # two rollouts may ask the same
        progress, answered, usd = Progress(f"teacher {self._name}", None, unit="answers"), 0, 0.0
        engine.start()
        try:
            while more or under_way:
                while more and under_way.total() <= self._room - CHUNK:
                    some = list(islice(source, CHUNK))
                    more = len(some) == CHUNK
                    known = self._books.known(some)
                    yield from (known[r.request_id] for r in some if r.request_id in known)
                    fresh = [request for request in some if request.request_id not in known]
                    new = {r.request_id: r for r in fresh if r.request_id not in under_way}
                    under_way.update(request.request_id for request in fresh)
                    engine.put(list(new.values()))
                if not under_way:
                    continue
                result = results.get()
                if isinstance(result, Exception):
                    raise result
                answered += 1
                usd += float((result.answer and self._books.cost(result.answer)) or 0)
                progress.update(answered, f"{usd:.2f} USD so far, window {self._control.window.size}")
                for _ in range(under_way.pop(result.request.request_id)):
                    yield result
        finally:
            engine.stop()
