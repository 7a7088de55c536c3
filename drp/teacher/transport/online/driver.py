"""The online driver: requests in, replies out as they land, with as many under way as the provider takes."""

import logging
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import islice
from queue import SimpleQueue

from drp.config.teacher_profiles import TeacherProfile
from drp.ledger.completions import Reply, TeacherRequest
from drp.teacher.transport.ledger_session import Books
from drp.teacher.transport.online.circuit_breaker import Breaker
from drp.teacher.transport.online.rate_limits import Bucket, Pace, Window
from drp.teacher.transport.online.sender import Control, Engine, Result

_log = logging.getLogger(__name__)

CHUNK = 128
"""Requests looked up in the ledger together."""
TELL_S = 30.0
"""Seconds between two log lines on progress."""


class OnlineDriver:
    """Implements `drp.teacher.transport.protocol.Driver`.

    What it learnt of the provider serves for the next call too.

    Args:
        name: the teacher, for messages.
        profile: where it is and what it takes.
        books: the ledger.
    """

    def __init__(self, name: str, profile: TeacherProfile, books: Books) -> None:
        self._name, self._profile, self._books = name, profile, books
        self._key = profile.api_key(name)
        limits = profile.limits
        self._control = Control(
            Window(limits.in_flight),
            Pace(Bucket(limits.requests_per_minute), Bucket(limits.tokens_per_minute)),
            Breaker(name, limits.patience_s, time.monotonic()),
        )
        self._room = limits.in_flight + 2 * CHUNK

    def replies(self, requests: Iterable[TeacherRequest]) -> Iterator[Reply]:
        """As the protocol says; at most the window and two chunks of requests are held."""
        results: SimpleQueue[Result] = SimpleQueue()
        engine = Engine(self._name, self._profile, self._key, self._books, self._control, results)
        source, more = iter(requests), True
        under_way: Counter[str] = Counter()  # two rollouts may ask the same
        progress = _Progress(self._name)
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
                progress.tell(result, self._books, engine)
                for _ in range(under_way.pop(result.request.request_id)):
                    yield result
        finally:
            engine.stop()


class _Progress:
    """A log line now and then."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._started = self._told = time.monotonic()
        self._answered, self._cost = 0, 0.0

    def tell(self, reply: Reply, books: Books, engine: Engine) -> None:
        """Count a reply."""
        self._answered += 1
        self._cost += float((reply.answer and books.cost(reply.answer)) or 0)
        now = time.monotonic()
        if now - self._told >= TELL_S:
            self._told = now
            rate = self._answered / (now - self._started) * 60
            _log.info(
                "teacher %s: %d answered, %.0f a minute, %.2f USD so far, window %d",
                *(self._name, self._answered, rate, self._cost, engine.control.window.size),
            )
