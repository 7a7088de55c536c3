"""The online driver: send requests while replies come in, as many at once as the provider can take."""

import time
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from queue import SimpleQueue

from drp.config import TeacherProfile
from drp.console import Progress
from drp.ledger import TeacherReply, TeacherRequest
from drp.teacher.transport.ledger_session import LedgerSession
from drp.teacher.transport.online.circuit_breaker import Breaker
from drp.teacher.transport.online.fault_log import FaultLog
from drp.teacher.transport.online.rate_limits import Bucket, Pace, Window
from drp.teacher.transport.online.refusals import Refusals
from drp.teacher.transport.online.sender import Control, Result, Sender

CHUNK = 128
"""Number of requests looked up in the ledger at a time."""


@dataclass
class OnlineDriver:
    """Implements `drp.teacher.transport.protocol.Driver`.

    What it learns about the provider's limits stays in effect for the next call.

    Args:
        name: name of the teacher, for messages.
        profile: the provider's address, model and limits.
        key: the API key.
        session: the ledger.
    """

    name: str
    profile: TeacherProfile
    key: str
    session: LedgerSession

    @cached_property
    def _control(self) -> Control:
        limits = self.profile.limits
        return Control(
            Window(limits.in_flight),
            Pace(Bucket(limits.requests_per_minute), Bucket(limits.tokens_per_minute)),
            Breaker(self.name, limits.patience_s, time.monotonic()),
            Refusals(),
            FaultLog(self.name),
        )

    @property
    def _capacity(self) -> int:
        """Requests that may be held in memory."""
        return self.profile.limits.in_flight + 2 * CHUNK

    def replies(self, requests: Iterable[TeacherRequest]) -> Iterator[TeacherReply]:
        """Yield a reply for each request; hold at most the window and two chunks of requests in memory."""
        results: SimpleQueue[Result] = SimpleQueue()
        sender = Sender(self.name, self.profile, self.key, self.session, self._control, results)
        source, has_more = iter(requests), True
        pending: Counter[str] = Counter()  # counts, because two rollouts may make the same request
        progress, answered, usd = Progress(f"teacher {self.name}", None, unit="answers"), 0, 0.0
        sender.start()
        try:
            while has_more or pending:
                while has_more and pending.total() <= self._capacity - CHUNK:
                    chunk = list(islice(source, CHUNK))
                    has_more = len(chunk) == CHUNK
                    known = self.session.known(chunk)
                    yield from (known[r.request_id] for r in chunk if r.request_id in known)
                    unknown = [request for request in chunk if request.request_id not in known]
                    new = {r.request_id: r for r in unknown if r.request_id not in pending}
                    pending.update(request.request_id for request in unknown)
                    sender.put(list(new.values()))
                if not pending:
                    continue
                result = results.get()
                if isinstance(result, Exception):
                    raise result
                answered += 1
                usd += float((result.answer and self.session.cost(result.answer)) or 0)
                progress.update(answered, f"{usd:.2f} USD so far, window {self._control.window.size}")
                for _ in range(pending.pop(result.request.request_id)):
                    yield result
        finally:
            sender.stop()
